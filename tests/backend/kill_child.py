"""A backend that is killed with SIGKILL after a statement was committed and before its answer leaves.

    python kill_child.py DIRECTORY

It tells its URL, and dies at the first answer 201 to a statement while DIRECTORY/die exists.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import uvicorn

from agent.backend.app import create_app
from agent.backend.service import Settings, listening, server_config
from agent.clock import SystemClock
from tests.peers.backend import ORIGIN


def main() -> None:
    directory = Path(sys.argv[1])
    app = create_app(Settings(directory, origin=ORIGIN, reserve_bytes=0), SystemClock())

    async def deadly(scope, receive, send):  # type: ignore[no-untyped-def]
        async def watched(message):  # type: ignore[no-untyped-def]
            answered = message["type"] == "http.response.start" and message["status"] == 201
            if answered and "/statements/" in scope["path"] and (directory / "die").exists():
                os.kill(os.getpid(), signal.SIGKILL)
            await send(message)

        await app(scope, receive, watched)

    with listening("127.0.0.1", 0) as listener:
        sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        uvicorn.Server(server_config(deadly)).run(sockets=[listener])


if __name__ == "__main__":
    main()
