"""Logs that lie in files as a conversation: one request, one count; content stays where it is."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agent.errors import GapError
from agent.model.canary import CanarySeek
from agent.model.exchange import GapReason, LogTally
from agent.transports.files import journal
from agent.transports.files.canary import seek
from agent.transports.files.tally import tally
from agent.transports.files.watch import Watch, low_priority

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.model.exchange import Request, Response

__all__ = ["FilesTransport"]

_LEEWAY = 1.0
"""Seconds before the deadline, a tenth at most, at which reading ends, so that what there is can be added up."""
_Result = TypeVar("_Result")


class FilesTransport:
    """Answers `LogTally` and `CanarySeek` from the files of this machine.

    Args:
        nonce: what makes the nonce of a canary's store, source and day; without it none can be looked for.
    """

    def __init__(self, nonce: Callable[[str, str, str], bytes] | None = None) -> None:
        self._nonce = nonce
        self._watch = Watch()

    def within(self, seconds: float) -> None:
        """Bound the next exchange: files that are not read by then are counted as unread."""
        self._watch.until = time.monotonic() + seconds - min(_LEEWAY, seconds / 10)

    async def exchange(self, request: Request) -> Response:
        """Read the files, in threads of low priority.

        Raises:
            GapError: another request, or the directory cannot be read.
        """
        if isinstance(request, LogTally):
            count = journal.tally if request.layout == "journal" else tally
            return await self._in(request.where, request.timezone, lambda: count(request, self._watch))
        if isinstance(request, CanarySeek) and self._nonce is not None:
            nonce = self._nonce
            return await self._in(request.where, request.timezone, lambda: seek(request, nonce, self._watch))
        raise GapError(
            GapReason.UNSUPPORTED,
            "files of logs are not asked by {op}",
            todo="Ask it of an asset whose family has another transport",
            op=request.op,
        )

    async def close(self) -> None:
        """Let threads that still read come to an end."""
        self._watch.stopped.set()

    async def _in(self, where: str, timezone: str, work: Callable[[], _Result]) -> _Result:
        _must_be_readable(where, timezone)
        pool = ThreadPoolExecutor(1, "logs", low_priority)
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, work)
        except OSError as error:
            raise _unreadable(where, error) from error
        finally:
            pool.shutdown(wait=False)


def _must_be_readable(where: str, timezone: str) -> None:
    if not Path(where).is_absolute() or ".." in Path(where).parts:
        raise GapError(
            GapReason.UNSUPPORTED,
            "a directory of logs is written as an absolute path without ..",
            where=where,
            todo="Write it as it is, for example /var/log/remote",
        )
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise GapError(
            GapReason.UNSUPPORTED,
            "{name!r} is not a time zone",
            todo="Correct timezone in the campus file; all of China is Asia/Shanghai",
            name=timezone[:60],
        ) from error


def _unreadable(where: str, error: OSError) -> GapError:
    refused = isinstance(error, PermissionError)
    return GapError(
        GapReason.REFUSED if refused else GapReason.UNREACHABLE,
        "the directory of logs cannot be read: {why}",
        where=where,
        todo="Let the agent's user read it, for example through the group adm"
        if refused
        else "Check logs.where of this asset, and that the disk or share with the logs is mounted",
        why=error.strerror or type(error).__name__,
    )
