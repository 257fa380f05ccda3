"""Looking up canaries in log files: which events are still there, known by nonces that only the campus can make."""

from __future__ import annotations

import hmac
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from agent.errors import MalformedError
from agent.model.canary import CANARY_HOST, CANARY_TAG, CanaryDays, CanaryFound
from agent.transports.files.count import whole_lines
from agent.transports.files.journal import journal_files
from agent.transports.files.journalctl import output
from agent.transports.files.tree import Names, walk, without_copies
from agent.transports.files.unpack import blocks, open_plainly
from agent.transports.files.watch import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.model.canary import CanarySeek
    from agent.transports.files.watch import Watch

__all__ = ["seek"]

_MARK = b" nonce="
_EVENT = re.compile(rb"canary day=(\d{4}-\d\d-\d\d) source=([!-~]{1,100}) nonce=([0-9a-f]{32})(?![0-9a-f])")
_LONGEST = 200
"""Octets of an event up to its nonce."""


def seek(request: CanarySeek, nonce: Callable[[str, str, str], bytes], watch: Watch) -> CanaryFound:
    """Look for the canaries of the request's sources.

    Args:
        request: where, and of which sources.
        nonce: makes the nonce of store, source and day.
        watch: says when to stop.

    Raises:
        GapError: there is no journalctl here, and it is needed.
        OSError: the directory cannot be listed.
    """
    started = time.monotonic()
    ZoneInfo(request.timezone)
    found: dict[str, set[str]] = {source: set() for source in request.sources}
    unread = unreadable = 0
    texts = _journals if request.layout == "journal" else _texts
    for text in texts(Path(request.where), watch):
        try:
            for day, source, shown in (event for piece in text for event in _events(piece)):
                if source in found and hmac.compare_digest(nonce(request.store, source, day), shown):
                    found[source].add(day)
        except StoppedError:
            unread += 1
        except FileNotFoundError:
            continue  # rotated away
        except (MalformedError, OSError):
            unreadable += 1
    return CanaryFound(
        sources=tuple(CanaryDays(source=source, days=tuple(sorted(days))) for source, days in found.items()),
        unreadable=unreadable,
        unread=unread,
        elapsed_ms=round((time.monotonic() - started) * 1000),
    )


def _texts(where: Path, watch: Watch) -> Iterator[Iterator[bytes]]:
    """Yield the text of each file in turn: those of the canary's own if it has any, else all."""
    names = Names((CANARY_HOST,))
    files, _ = without_copies(where, walk(where).files, names.owner)
    own = [file for file in files if names.owner(file) is not None]
    for file in own or files:
        yield _text(where / file.path, watch)


def _text(path: Path, watch: Watch) -> Iterator[bytes]:
    watch.check()
    with open_plainly(path) as opened:
        for text in whole_lines(blocks(opened)):
            yield text
            watch.check()


def _journals(where: Path, watch: Watch) -> Iterator[Iterator[bytes]]:
    for path in journal_files(where):
        yield whole_lines(output([f"--file={path}", "--output=cat", f"SYSLOG_IDENTIFIER={CANARY_TAG}"], watch))


def _events(text: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Return day, source and nonce of the events in a text."""
    at = text.find(_MARK)
    while at >= 0:
        begin = text.rfind(b"canary day=", max(0, at - _LONGEST), at)
        match = _EVENT.match(text, begin) if begin >= 0 else None
        if match is not None:
            yield match[1].decode(), match[2].decode(), match[3]
        at = text.find(_MARK, at + 1)
