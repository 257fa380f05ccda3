"""Judging beside the service, in a process of its own that only looks at the journal.

A month of readings takes minutes of computing and much memory. In a thread it would slow down every conversation, keep
the service from stopping, and leave its memory taken. A process can be ended at any moment, and where memory is short
the kernel takes it and not the service. The service signs what it answers.
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import canonical
from agent.clock import parse_time, time_text
from agent.errors import AgentError, JournalError, UsageError
from agent.journal.store import Journal
from agent.model.finding import Window
from agent.runtime.assessment import Judgement, judge_window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["judge_apart"]

SECONDS = 3600.0
"""How long judging may take."""
_PROGRAM = (sys.executable, "-P", "-m", "agent.runtime.judging")
"""-P: the working directory of a service is no place to import from."""


async def judge_apart(
    journal: Path, campus: bytes, standards: Sequence[str], since: datetime, until: datetime, seconds: float = SECONDS
) -> Judgement:
    """Judge a window in a process of its own; it is ended when this is cancelled or takes too long.

    Args:
        journal: the directory of the journal.
        campus: the campus file, its table of rooms read in.
        standards: ids.
        since: beginning of the window.
        until: its end.
        seconds: how long it may take.

    Raises:
        UsageError: it cannot be judged; says why.
        JournalError: the process ended without an answer, or took too long.
    """
    window = Window(since=time_text(since), until=time_text(until))
    asked = {
        "campus": _text(campus),
        "journal": str(journal),
        "since": window.since,
        "standards": list(standards),
        "until": window.until,
    }
    # A session of its own: a person who stops the service with Ctrl-C must not see this process fail.
    process = await asyncio.create_subprocess_exec(
        *_PROGRAM, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    try:
        async with asyncio.timeout(seconds):
            said, _ = await process.communicate(canonical.dumps(asked))
    except TimeoutError as error:
        raise JournalError(
            "judging took longer than {seconds} s and was ended",
            todo="Measure less often, or judge by fewer standards",
            seconds=round(seconds),
        ) from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        raise JournalError(
            "the process that judges ended without an answer ({code})",
            todo="See the lines before this one; -9 means that memory was short (MemoryMax= of the service)",
            code=process.returncode,
        )
    answer = canonical.loads(said, where="judging")
    if "error" in answer:
        raise UsageError(
            "it cannot be judged: {why}",
            todo="Run campus-agent assess by hand for the whole message",
            why=answer["error"],
        )
    files = {name: base64.b64decode(text) for name, text in answer["files"].items()}
    return Judgement(window, answer["head"], campus, canonical.digest(campus), files)


def main() -> None:
    """Answer what one `judge_apart` asks: JSON on standard input and output."""
    _step_back()
    asked = canonical.loads(sys.stdin.buffer.read(), where="judging")
    answer: dict[str, Any]
    try:
        with Journal(Path(asked["journal"]), readonly=True) as journal:
            done = judge_window(
                journal,
                base64.b64decode(asked["campus"]),
                asked["standards"],
                parse_time(asked["since"]),
                parse_time(asked["until"]),
            )
        answer = {"files": {name: _text(data) for name, data in done.files.items()}, "head": done.head}
    except AgentError as error:
        answer = {"error": str(error)}
    with suppress(BrokenPipeError):  # whoever asked has been killed
        sys.stdout.buffer.write(canonical.dumps(answer))
        sys.stdout.buffer.flush()


def _step_back() -> None:
    """Let everything else go first: the processor, and memory where it is short."""
    with suppress(OSError):
        os.nice(10)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


if __name__ == "__main__":
    main()
