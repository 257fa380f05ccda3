"""Replies of Dahua's CGI: lines of `name=value`, and the several ways in which it says no.

A body that begins with `Error`, under whatever status, is a no; so is 400, which stands for "nothing found" as well as
for "no such channel" (recorders-and-logs 1.3), and is told apart by whoever asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from agent.collectors.recorders.asking import asked
from agent.errors import GapError, MalformedError
from agent.language import N_
from agent.model.cli import received
from agent.model.exchange import GapReason
from agent.model.http import HttpField, HttpReply, HttpRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.model.asset import Asset
    from agent.model.exchange import Answer, Session

__all__ = ["Told", "ask", "items", "pairs"]

State = Literal["ok", "nothing", "unsupported", "denied", "busy", "cut"]
"""Answered; 400 or `Error`; the firmware does not have it; this account may not; try later; longer than asked for."""

FIELDS = (
    HttpField(name="SerialNo", holds="serial"),
    HttpField(name="serialNumber", holds="serial"),
    HttpField(name="Address", holds="ip4"),
    HttpField(name="Mac", holds="mac"),
)
"""What replies may hold of single devices, wherever it stands."""
MOST_LINES = 200_000
_LOCKED = re.compile(rb'"RmLock"\s*:\s*(\d{1,6})')
_INDEX = re.compile(r"\[(\d{1,6})\]")


@dataclass(frozen=True, slots=True)
class Told:
    """A reply: its lines, or why there are none."""

    answer: Answer
    state: State
    values: Mapping[str, str]
    """By the whole name before `=`; a line without `=` is no value."""

    def get(self, *names: str) -> str:
        """Return the first of the values that is there and not empty, else nothing."""
        return next((value for name in names if (value := self.values.get(name, ""))), "")

    def says(self, text: str) -> bool:
        """Tell whether a body that is an error holds the text."""
        reply = self.answer.response
        return self.state == "nothing" and isinstance(reply, HttpReply) and text in reply.body


async def ask(
    asset: Asset, session: Session, path: str, *, seconds: int = 30, octets: int = 4_194_304, omit: tuple[str, ...] = ()
) -> Told | None:
    """Ask one path.

    Args:
        asset: the recorder.
        session: asks it.
        path: with query.
        seconds: how long it may take.
        octets: how long the reply may be.
        omit: lines that hold names of people and places, or that nobody needs.

    Returns:
        The reply; None for one that does not decode, or that is not allowed to be asked for.

    Raises:
        GapError: the device is silent, does not let us in, or has locked the account.
    """
    request = HttpRequest(path=path, form="lines", fields=FIELDS, omit=omit, seconds=seconds, max_octets=octets)
    found = await asked(asset, session, request)
    if found is None:
        return None
    answer, reply = found
    body = received(reply.body)
    _refuse_lock(asset, answer, reply.status, body)
    state = _state(reply, body)
    try:
        return Told(answer, state, pairs(body) if state == "ok" else {})
    except MalformedError:
        return None


def pairs(body: bytes) -> dict[str, str]:
    """Return the values of a reply by name; text is UTF-8, or GB18030 where a line is not UTF-8.

    Raises:
        MalformedError: there are more lines than any recorder has.
    """
    lines = body.splitlines()
    if len(lines) > MOST_LINES:
        raise MalformedError("a reply of {count} lines", count=len(lines))
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.partition(b"=")
        if equals:
            found[_text(name).strip()] = _text(value).strip()
    return found


def items(values: Mapping[str, str], prefix: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the elements of an array, in order of their index: what follows `prefix[n].`, by the rest of the name."""
    found: dict[int, dict[str, str]] = {}
    for name, value in values.items():
        if not name.startswith(prefix):
            continue
        match = _INDEX.match(name, len(prefix))
        if match:
            found.setdefault(int(match[1]), {})[name[match.end() :].removeprefix(".")] = value
    yield from sorted(found.items())


def _state(reply: HttpReply, body: bytes) -> State:
    if reply.status == 503:
        return "busy"
    if reply.status == 403:
        return "denied"
    if reply.status == 400 or body.lstrip()[:5] == b"Error":
        return "nothing"
    if reply.status != 200:
        return "unsupported"
    return "cut" if reply.truncated else "ok"


def _refuse_lock(asset: Asset, answer: Answer, status: int, body: bytes) -> None:
    match = _LOCKED.search(body) if status == 403 else None
    if match is None:
        return
    gap = GapError(
        GapReason.REFUSED,
        N_("the recorder has locked this account for {seconds} s after wrong passwords"),
        where=asset.id,
        todo=N_("Correct the password, and wait until the lock is over"),
        seconds=int(match[1]),
    )
    gap.source, gap.at = answer.source, answer.at
    raise gap


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("gb18030", "backslashreplace")
