"""systemd's own reader of journal files as a child process, ended with its caller."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
from typing import TYPE_CHECKING

from agent.errors import GapError, MalformedError
from agent.model.exchange import GapReason
from agent.transports.files.unpack import BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.transports.files.watch import Watch

__all__ = ["output"]

_WAIT_SECONDS = 0.5
_PATH = "/usr/bin:/bin:/usr/local/bin"


def output(arguments: Sequence[str], watch: Watch) -> Iterator[bytes]:
    """Yield what journalctl prints, in pieces of at most a megabyte.

    Raises:
        GapError: there is no journalctl here.
        MalformedError: it ended with an error; what it printed was yielded before.
        StoppedError: it is time to stop.
    """
    program = shutil.which("journalctl", path=_PATH)
    if program is None:
        raise GapError(
            GapReason.UNSUPPORTED,
            "journal files are read by journalctl, which is not installed here",
            todo="Install systemd, or let the agent run where it is",
        )
    with subprocess.Popen(  # noqa: S603 (the program by its path, fixed options, a file found by walking)
        [program, "--quiet", "--no-pager", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": _PATH, "LC_ALL": "C", "TZ": "UTC"},
    ) as child:
        try:
            assert child.stdout is not None
            descriptor = child.stdout.fileno()
            while piece := _piece(descriptor, watch):
                yield piece
            status = child.wait()
        finally:
            if child.poll() is None:
                child.kill()
    if status:
        raise MalformedError("journalctl ended with status {status}", status=status)


def _piece(descriptor: int, watch: Watch) -> bytes:
    while True:
        watch.check()
        if select.select([descriptor], [], [], _WAIT_SECONDS)[0]:
            return os.read(descriptor, BLOCK)
