"""Uninterruptible power supplies: remaining time, charge, load, where the power comes from, the last self-test.

One GET finds out which of the MIBs in `ups_mibs` the card has; then each of them is read, so that no table of models is
needed. Where several answer, each fact comes from the first one in the order of preference that knows it, and what they
contradict each other in is a reading of its own, `ups.disagreement`: it is shown, never averaged away.

Unknown is never a number. Values that cards give for "unknown" are left out object by object. So is a remaining time
of 0 with the UPS on mains and its battery charged, and a charge of 0 on mains with the battery not called empty.
`ups.runtime_quality` says whether the remaining time is known, and whether it is so long that it is the limit of the
card or the estimate of a UPS without load. The estimate is the word of one device about the load of this moment: load
and charge stand beside it.

The agent only reads. It never starts a test of a battery: it has no SET.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from agent.canonical import decimal_text
from agent.clock import parse_time
from agent.collectors.answers import reported, unsupported, varbinds
from agent.collectors.ups_mibs import MIBS, SYS_UP_TIME, Choice, Flags, Mib, Number, Source, Start, Words
from agent.errors import GapError
from agent.language import N_
from agent.model import snmp
from agent.model.exchange import Answer, SnmpColumn, SnmpGet, SnmpTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.ber import VarBind
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Session
    from agent.model.reading import Reading

__all__ = ["collect"]

ANCHORS = SnmpGet(oids=tuple(oid for mib in MIBS for oid in mib.anchors))
MOST_LINES = 24
"""Output lines of one UPS; three in practice."""

UNITS = {
    "ups.runtime": "s",
    "ups.on_battery_time": "s",
    "ups.charge": "%",
    "ups.load": "%",
    "ups.line_load": "%",
    "ups.input_line_bads": "1",
    "ups.alarms": "1",
}
"""All other metrics are states and texts."""

ON_BATTERY = frozenset({"battery", "battery-test"})
EMPTY = frozenset({"low", "depleted", "fault", "absent"})
"""States of a battery in which 0 is believed."""
LITTLE_CHARGE = 20
"""Percent; with more, a UPS on mains does not have 0 s left."""
A_DAY = 86_400
TESTED = frozenset({"passed", "warning", "failed", "aborted"})
"""Self-tests that have a date."""

RUNTIME_TOLERANCE = (Fraction(120), Fraction(1, 10))
"""Seconds, and share of the smaller: one MIB counts whole minutes, and the estimate moves between two requests."""
PERCENT_TOLERANCE = 5

_US_DATE = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4}|\d{2})")
_ISO_DATE = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})(?!\d)")
_CENTURY_TURNS = 70
"""A two-digit year from here on is of the last century."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What one MIB of the card said."""

    mib: Mib
    answer: Answer
    numbers: Mapping[str, tuple[Fraction, bool]]
    """By metric: the value in the unit of the metric, and whether the card counts no further."""
    words: Mapping[str, str]
    """By metric: states, texts and dates."""
    lines: Mapping[str, Fraction]
    """Load by output line."""
    lines_answer: Answer
    asked_runtime: bool
    """The card has an object for the remaining time, whatever it holds."""


@dataclass(frozen=True, slots=True)
class _Battery:
    """What decides whether a 0 is believed."""

    source: str
    status: str
    on_battery_time: Fraction

    @property
    def discharging(self) -> bool:
        if self.source in {"", "unknown", "other"}:
            return self.on_battery_time > 0
        return self.source in ON_BATTERY

    def may_be_empty(self) -> bool:
        return self.discharging or self.status in EMPTY


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:  # noqa: ARG001 (the protocol)
    """Read the UPS.

    Raises:
        GapError: the card does not answer, refuses, or has none of the MIBs. Once one is read, a gap ends the collector
            without an error.
    """
    first = await session.ask(ANCHORS)
    found = snmp.scalars(varbinds(first), ANCHORS.oids)
    present = [mib for mib in MIBS if any(found[oid] is not None for oid in mib.anchors)]
    if not present:
        raise _no_ups(asset, first)
    told: list[_Told] = []
    for mib in present:
        try:
            told.append(await _read(mib, session))
        except GapError:
            if not told:
                raise
            break
    subject = f"asset:{asset.id}"
    names = " ".join(one.mib.name for one in told)
    return [_reading("ups.mib", subject, names, first), *_readings(asset, subject, told)]


async def _read(mib: Mib, session: Session) -> _Told:
    oids = (SYS_UP_TIME, *mib.oids())
    answer = await session.ask(SnmpGet(oids=oids))
    found = snmp.scalars(varbinds(answer), oids)
    numbers: dict[str, tuple[Fraction, bool]] = {}
    words: dict[str, str] = {}
    for metric, sources in mib.facts.items():
        for source in sources:
            if isinstance(source, Number):
                value = _number(source, found[source.oid])
                if value is not None and not (metric in numbers and numbers[metric][0]):  # a 0 may be "not supported"
                    numbers[metric] = value if value[0] else numbers.get(metric, value)
            elif word := _word(source, found, words, answer):
                words.setdefault(metric, word)
    lines, lines_answer = await _lines(mib, found, answer, session)
    runtime = any(found[source.oid] is not None for source in mib.facts["ups.runtime"] if isinstance(source, Number))
    return _Told(mib, answer, numbers, words, lines, lines_answer, runtime)


async def _lines(
    mib: Mib, found: Mapping[str, VarBind | None], answer: Answer, session: Session
) -> tuple[dict[str, Fraction], Answer]:
    """Return the load of each output line, and the answer that holds it."""
    if mib.line_column is None:
        values = {str(n): _number(line, found[line.oid]) for n, line in enumerate(mib.lines, 1)}
        return {line: value[0] for line, value in values.items() if value is not None}, answer
    column = mib.line_column
    table = SnmpTable(columns=(SnmpColumn(oid=column.oid),), max_rows=MOST_LINES)
    walked = await session.ask(table)
    rows = snmp.rows(varbinds(walked), table)
    values = {index: _number(column, cells.get(column.oid)) for index, cells in rows.items()}
    return {line: value[0] for line, value in values.items() if value is not None}, walked


# --- one object -----------------------------------------------------------------------------------------------------


def _number(source: Number, varbind: VarBind | None) -> tuple[Fraction, bool] | None:
    raw = snmp.number(varbind)
    value = source.of(raw) if raw is not None else None
    return (value, raw == source.cap) if value is not None else None


def _word(source: Source, found: Mapping[str, VarBind | None], words: Mapping[str, str], answer: Answer) -> str:
    """Return the state, text or date of an object; empty for unknown."""
    if isinstance(source, Choice):
        value = snmp.number(found[source.oid])
        return source.states.get(value, "") if value is not None else ""
    if isinstance(source, Flags):
        said = {state: snmp.number(found[oid]) for oid, state in source.oids}
        return next(
            (state for state, flag in said.items() if flag == 1), source.otherwise if 2 in said.values() else ""
        )
    if isinstance(source, Words):
        varbind = found[source.oid]
        text = snmp.text(varbind.value) if varbind is not None else ""
        return _date(text) if source.date else text
    if isinstance(source, Start):
        return _started(snmp.number(found[source.oid]), snmp.number(found[SYS_UP_TIME]), words, answer)
    raise TypeError(source)


def _date(text: str) -> str:
    """Return yyyy-mm-dd, or nothing for what is no date in one of the two spellings."""
    try:
        if match := _ISO_DATE.match(text):
            return date(*map(int, match.groups())).isoformat()
        if match := _US_DATE.fullmatch(text):
            month, day, year = map(int, match.groups())
            if len(match[3]) == 2:
                year += 1900 if year >= _CENTURY_TURNS else 2000
            return date(year, month, day).isoformat()
    except ValueError:
        pass
    return ""


def _started(start: int | None, now: int | None, words: Mapping[str, str], answer: Answer) -> str:
    """Return the date (UTC) at which sysUpTime was `start`; nothing for a test before the card itself started."""
    if start is None or now is None or not 0 < start <= now or words.get("ups.self_test") not in TESTED:
        return ""
    return (parse_time(answer.at) - timedelta(milliseconds=10 * (now - start))).date().isoformat()


# --- the whole card -------------------------------------------------------------------------------------------------


def _readings(asset: Asset, subject: str, told: Sequence[_Told]) -> Iterator[Reading]:
    battery = _Battery(
        source=_first_word(told, "ups.output_source"),
        status=_first_word(told, "ups.battery_status"),
        on_battery_time=max(
            (one.numbers.get("ups.on_battery_time", (Fraction(0),))[0] for one in told), default=Fraction(0)
        ),
    )
    believed = _believed(told, battery)
    for metric in dict.fromkeys(metric for one in told for metric in one.words):
        word = _first_word(told, metric)
        one = next(each for each in told if each.words.get(metric) == word)
        yield _reading(metric, subject, word, one.answer)
    for metric, values in believed.items():
        one, value, _ = values[0]
        yield _reading(metric, subject, _text(value), one.answer)
    yield from _line_loads(asset, subject, told, known="ups.load" in believed)
    yield from _quality(subject, told, believed.get("ups.runtime", []))
    if contradictions := [*_number_contradictions(believed), *_word_contradictions(told, battery)]:
        yield _reading("ups.disagreement", subject, "; ".join(contradictions), *(one.answer for one in told))


_Values = dict[str, list[tuple[_Told, Fraction, bool]]]
"""By metric: who said what, in the order of preference, and whether it is where the card stops counting."""


def _believed(told: Sequence[_Told], battery: _Battery) -> _Values:
    """Return the numbers without the zeros that stand for "unknown"."""
    found: _Values = {}
    for metric in ("ups.charge", *(metric for one in told for metric in one.numbers)):
        if metric in found:
            continue
        said = [(one, *one.numbers[metric]) for one in told if metric in one.numbers]
        if metric in {"ups.charge", "ups.runtime"} and not battery.may_be_empty():
            charge = found["ups.charge"][0][1] if found.get("ups.charge") else None
            if metric == "ups.charge" or charge is None or charge > LITTLE_CHARGE:
                said = [each for each in said if each[1] != 0]
        if said:
            found[metric] = said
    return found


def _line_loads(asset: Asset, subject: str, told: Sequence[_Told], *, known: bool) -> Iterator[Reading]:
    """Yield the load of each line where there are several; the highest is the load of a UPS that gives no other."""
    one = next((each for each in told if each.lines), None)
    if one is None:
        return
    if not known:
        yield _reading("ups.load", subject, _text(max(one.lines.values())), one.lines_answer)
    if len(one.lines) > 1:
        for line, load in one.lines.items():
            yield _reading("ups.line_load", f"ups-line:{asset.id}/{line}", _text(load), one.lines_answer)


def _quality(
    subject: str, told: Sequence[_Told], runtimes: Sequence[tuple[_Told, Fraction, bool]]
) -> Iterator[Reading]:
    if runtimes:
        one, value, capped = runtimes[0]
        yield _reading("ups.runtime_quality", subject, "capped" if capped or value > A_DAY else "usable", one.answer)
    elif asked := [one.answer for one in told if one.asked_runtime]:
        yield _reading("ups.runtime_quality", subject, "not-known", *asked)


def _number_contradictions(believed: _Values) -> Iterator[str]:
    for metric in ("ups.runtime", "ups.charge"):
        values = believed.get(metric, [])
        amounts = [value for _, value, _ in values]
        if len(amounts) > 1 and not _close(metric, min(amounts), max(amounts)):
            yield f"{metric}: " + ", ".join(f"{one.mib.name} {_text(value)}" for one, value, _ in values)


def _close(metric: str, low: Fraction, high: Fraction) -> bool:
    if metric == "ups.runtime":
        seconds, share = RUNTIME_TOLERANCE
        return high - low <= max(seconds, low * share)
    return high - low <= PERCENT_TOLERANCE


def _word_contradictions(told: Sequence[_Told], battery: _Battery) -> Iterator[str]:
    said = [(one.mib.name, one.words["ups.output_source"]) for one in told if "ups.output_source" in one.words]
    said = [(name, state) for name, state in said if state not in {"unknown", "other"}]
    if len({state in ON_BATTERY for _, state in said}) > 1:
        yield "ups.output_source: " + ", ".join(f"{name} {state}" for name, state in said)
    elif said and battery.on_battery_time > 0 and said[0][1] not in ON_BATTERY:
        yield f"ups.on_battery_time: {_text(battery.on_battery_time)}, ups.output_source: {said[0][1]}"


def _first_word(told: Sequence[_Told], metric: str) -> str:
    """Return the word of the first MIB that knows; `unknown` where none does, nothing where none says that."""
    words = [one.words[metric] for one in told if metric in one.words]
    return next((word for word in words if word != "unknown"), words[0] if words else "")


# --- building -------------------------------------------------------------------------------------------------------


def _text(value: Fraction) -> str:
    return decimal_text(Decimal(value.numerator) / Decimal(value.denominator))


def _no_ups(asset: Asset, answer: Answer) -> GapError:
    return unsupported(
        asset,
        answer,
        N_("the device answers but has no MIB of a UPS that is known here"),
        N_("Allow the views 1.3.6.1.2.1.33 and 1.3.6.1.4.1 for this community or user on the card"),
    )


def _reading(metric: str, subject: str, value: str, *answers: Answer) -> Reading:
    return reported(metric, subject, value, UNITS.get(metric, ""), *answers)
