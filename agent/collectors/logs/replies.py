"""What the HTTP stores have in common: asking, reading JSON exactly, percent-encoding, and the gap that a status is.

A name that stands in a request (index pattern, field, source) comes from the campus file. It is checked here, so that
no name can change what is asked: a family's allow-list admits counts only, and a name that would leave that form is
refused before the store is asked.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from agent.clock import time_text
from agent.errors import GapError, MalformedError
from agent.language import N_
from agent.model.calendar import utc_offset
from agent.model.cli import received
from agent.model.exchange import GapReason, HttpReply

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from agent.collectors.logs.interface import Wanted
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer
    from agent.model.log_forms import LogForm

__all__ = [
    "by_place",
    "document",
    "items",
    "matching",
    "member",
    "midnight",
    "must_answer",
    "quoted",
    "reply_of",
    "text_of",
    "time_of",
    "unusable",
    "whole",
    "zone_of",
]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DEEPEST: Final = 60
_YEAR_9999: Final = 253_402_300_799_999


def reply_of(answer: Answer) -> HttpReply:
    """Return the reply.

    Raises:
        GapError: something else answered.
    """
    if not isinstance(answer.response, HttpReply):
        raise GapError(GapReason.MALFORMED, "an HTTP request was answered by {op}", op=answer.response.op)
    return answer.response


def must_answer(asset: Asset, answer: Answer) -> HttpReply:
    """Return the reply if it is 200.

    Raises:
        GapError: any other status: 403 refuses, 429 and 5xx are a store that cannot answer now, the rest it does not
            support.
    """
    reply = reply_of(answer)
    if reply.status == 200 and not reply.truncated:
        return reply
    if reply.status == 200:
        reason, what = GapReason.MALFORMED, N_("the log store answered with more than may be read")
    elif reply.status in (401, 403):
        reason, what = GapReason.REFUSED, N_("the log store refuses with status {status}")
    elif reply.status == 429 or reply.status >= 500:
        reason, what = GapReason.UNREACHABLE, N_("the log store cannot answer now: status {status}")
    else:
        reason, what = GapReason.UNSUPPORTED, N_("the log store does not support what was asked: status {status}")
    raise _cited(GapError(reason, what, where=asset.id, status=reply.status), answer)


def unusable(asset: Asset, answer: Answer, what: str, todo: str, **values: object) -> GapError:
    """Return the gap of a store that answers, but not so that records can be counted; it cites the answer.

    Args:
        asset: the store.
        answer: the one that showed it.
        what: a gettext message id.
        todo: what the reader does next, a gettext message id.
        values: the values for their places.
    """
    return _cited(GapError(GapReason.UNSUPPORTED, what, where=asset.id, todo=todo, **values), answer)


def _cited(error: GapError, answer: Answer) -> GapError:
    error.source, error.at = answer.source, answer.at
    return error


def text_of(answer: Answer) -> str:
    """Return the body as text; octets that are no UTF-8 become the replacement character."""
    return received(reply_of(answer).body).decode("utf-8", "replace")


def document(answer: Answer) -> Any:
    """Return the JSON of the body; numbers with a point or exponent as `Decimal`.

    Raises:
        MalformedError: the body is no JSON, is nested too deeply, or was cut.
    """
    reply = reply_of(answer)
    if reply.truncated:
        raise MalformedError("the log store answered with more than may be read")
    try:
        found = json.loads(text_of(answer), parse_float=_decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedError("the log store's answer is no JSON: {why}", why=str(error)[:200]) from error
    _must_be_shallow(found)
    return found


def _decimal(text: str) -> Decimal:
    return Decimal(text)


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _must_be_shallow(value: Any) -> None:
    layer, depth = [value], 0
    while layer:
        depth += 1
        if depth > _DEEPEST:
            raise MalformedError("the log store's answer is nested too deeply")
        below: list[Any] = []
        for each in layer:
            if isinstance(each, dict):
                below += each.values()
            elif isinstance(each, list):
                below += each
        layer = below


def member(value: Any, *names: str) -> Any:
    """Return what stands under the names, one inside the other; None where one is missing or holds no object."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def items(value: Any) -> list[Any]:
    """Return the list; None is an empty one.

    Raises:
        MalformedError: it is something else.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedError("a list stands where the log store's answer has {found}", found=type(value).__name__)
    return value


def whole(value: Any) -> int | None:
    """Return a count that a store gave as a number or as digits; None for null.

    Raises:
        MalformedError: it is no whole number, below zero, or too large to be one.
    """
    if value is None:
        return None
    try:
        number = Decimal(value) if isinstance(value, int | str | Decimal) and not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or number < 0 or number.adjusted() > 30 or number % 1:
        raise MalformedError("{value!r} is no count", value=str(value)[:60])
    return int(number)


def time_of(milliseconds: int | None) -> str:
    """Return milliseconds since 1970 as RFC 3339 text; empty for None, and for 0, which stands for "not known".

    Raises:
        MalformedError: it lies after the year 9999.
    """
    if not milliseconds:
        return ""
    if milliseconds > _YEAR_9999:
        raise MalformedError("{value!r} is no time", value=milliseconds)
    return time_text(_EPOCH + timedelta(milliseconds=milliseconds))


def midnight(day: date, campus: Campus, asset: Asset) -> int:
    """Return when a civil day begins, in seconds since 1970.

    Raises:
        GapError: the campus's zone has no fixed distance to UTC that is known here.
    """
    days = day.toordinal() - _EPOCH.date().toordinal()
    return days * 86_400 - zone_of(campus, asset)


def zone_of(campus: Campus, asset: Asset) -> int:
    """Return by how many seconds civil time is ahead of UTC.

    Raises:
        GapError: the campus's zone has no fixed distance to UTC that is known here.
    """
    offset = utc_offset(campus.timezone)
    if offset is None:
        raise GapError(
            GapReason.UNSUPPORTED,
            N_("days of the time zone {zone} cannot be counted on this kind of log store"),
            where=asset.id,
            zone=campus.timezone,
        )
    return offset // timedelta(seconds=1)


def quoted(text: str) -> str:
    """Return text percent-encoded (RFC 3986 section 2.1) but for unreserved characters."""
    return "".join(chr(octet) if octet in _UNRESERVED else f"%{octet:02X}" for octet in text.encode())


def matching(asset: Asset, form: LogForm, text: str) -> str:
    """Return a text of the campus file that goes into a request, or what is asked for where it says nothing.

    Raises:
        GapError: it is not of the form that keeps a request a count.
    """
    if form.fits(text):
        return text or form.default
    raise GapError(
        GapReason.UNSUPPORTED,
        N_("{key} {text!r} cannot be asked for"),
        where=asset.id,
        todo=N_("Correct it in the campus file; {example} for example could be asked for"),
        key=form.key,
        text=text[:100],
        example=form.example,
    )


def by_place(asset: Asset, wanted: Sequence[Wanted]) -> dict[str, tuple[str, ...]]:
    """Return the wanted names by where they lie, each name once, in the order of the campus file."""
    usual = asset.logs.where if asset.logs is not None else ""
    found: dict[str, dict[str, None]] = {}
    for one in wanted:
        found.setdefault(one.stored.where or usual, {})[one.stored.name] = None
    return {where: tuple(names) for where, names in found.items()} or {usual: ()}
