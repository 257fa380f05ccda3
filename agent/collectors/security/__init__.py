"""Security functions of one device by SNMP: which it has, that they work, their signatures and licences.

One GET finds out which vendor's MIB the device has (`vendors`); each is read, and every fact comes from the first that
knows it. Subjects are `asset:<asset>` for what belongs to the whole device (connections, users) and
`function:<asset>/<function>` for the rest.

`security.state` says of each function that the MIB describes or the school declares:

- `active` or `inactive`: the device says that it runs or rests, or that no signatures are installed;
- `present`: the device counts for it, or names its signatures;
- `licensed`: it has a licence for it, and tells nothing else;
- `not-measurable`: this device cannot tell. It is no 0 and no proof of absence.

Counters are readings as they stand: that they move is seen between polls, and only a derivation that sees several polls
can say so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from agent.clock import parse_time
from agent.collectors.answers import reported, unsupported, varbinds
from agent.collectors.dates import age_in_days, date_in, days_until
from agent.collectors.security.told import read
from agent.collectors.security.vendors import MIBS
from agent.language import N_
from agent.model import snmp
from agent.model.exchange import SnmpGet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.collectors.security.told import Told
    from agent.collectors.security.words import Duty, LicenceState, Mib, Words
    from agent.model.asset import Asset, SecurityFunction
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session
    from agent.model.reading import Reading

__all__ = ["collect"]

SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"
ANCHORS = SnmpGet(oids=(SYS_OBJECT_ID, *(oid for mib in MIBS for oid in mib.anchors)))
UNITS = {"sessions": "1", "sessions.capacity": "1", "users": "1", "examined": "1", "detected": "1", "blocked": "1"}
UNITS |= {"signature.age": "d", "licence.days": "d"}
"""All other metrics are states and texts."""
COUNTERS = ("examined", "detected", "blocked")
SHOWING = ("shown", *COUNTERS, "signature.version", "signature.date", "update")
"""Facts that show a function."""
UPDATES = {"up-to-date": "up-to-date", "new": "outdated", "failed": "failed", "degrade": "failed"}
BEST: tuple[LicenceState, ...] = ("valid", "expiring", "trial", "expired", "none")
_VERSION = re.compile(r"[^\s(]+")


class _Fact(NamedTuple):
    value: str
    answer: Answer


@dataclass(slots=True)
class _Function:
    """What is known of one function, by the end of the metric's name."""

    function: str
    facts: dict[str, _Fact] = field(default_factory=dict)

    def note(self, name: str, found: tuple[str, Answer] | None) -> None:
        """Keep a fact; the first one stays."""
        if found is not None and name not in self.facts:
            self.facts[name] = _Fact(*found)


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:  # noqa: ARG001 (the protocol)
    """Read the security functions of the device.

    Raises:
        GapError: the device does not answer or refuses, or it has no MIB that is known here and the campus file
            declares nothing of it. Once a MIB is read, a gap ends the collector without an error.
    """
    first = await session.ask(ANCHORS)
    told: list[Told] = []
    for mib, anchored in _present(first):
        found = await read(mib, session)
        if found.gap is not None and not found.cells and not told:
            raise found.gap
        if anchored or found.cells or found.licences:
            told.append(found)
        if found.gap is not None:
            break
    if not told and not asset.functions:
        raise unsupported(
            asset,
            first,
            N_("the device answers but has no MIB of a security device that is known here"),
            N_("Allow the view 1.3.6.1.4.1 for this community or user, or declare the functions of this asset"),
        )
    return [*_of_device(asset, told, first), *_of_functions(asset, told, first)]


def _present(first: Answer) -> Iterator[tuple[Mib, bool]]:
    """Yield the MIBs that the device may have, and whether it showed an object of theirs."""
    found = snmp.scalars(varbinds(first), ANCHORS.oids)
    object_id = found[SYS_OBJECT_ID]
    maker = (snmp.oid(object_id) if object_id is not None else None) or ""
    for mib in MIBS:
        anchored = any(found[oid] is not None for oid in mib.anchors)
        if anchored or (mib.maker and maker.startswith(mib.maker)):
            yield mib, anchored


def _of_device(asset: Asset, told: Sequence[Told], first: Answer) -> Iterator[Reading]:
    subject = f"asset:{asset.id}"
    if told:
        answers = [first, *(answer for one in told for _, answer in one.cells.values())]
        answers += [granted.answer for one in told for granted in one.licences]
        yield reported("security.mib", subject, " ".join(one.mib.name for one in told), "", *answers)
    for name, kept in (("sessions", "sessions"), ("sessions.capacity", "capacity"), ("users", "users")):
        found = next((found for one in told if (found := one.amount(getattr(one.mib, kept))) is not None), None)
        if found is not None:
            yield reported(f"security.{name}", subject, str(found[0]), UNITS[name], found[1])


def _of_functions(asset: Asset, told: Sequence[Told], first: Answer) -> Iterator[Reading]:
    functions: dict[SecurityFunction, _Function] = {}
    for one in told:
        for duty in one.mib.duties:
            _duty(functions.setdefault(duty.function, _Function(duty.function)), duty, one)
        for granted in one.licences:
            functions.setdefault(granted.function, _Function(granted.function))
    for function in asset.functions:
        functions.setdefault(function, _Function(function))
    for function, known in functions.items():
        _licence(known, function, told)
        known.note("state", _state(known, told, first))
        subject = f"function:{asset.id}/{known.function}"
        for name, fact in known.facts.items():
            if name not in {"shown", "absent", "runs"}:
                yield reported(f"security.{name}", subject, fact.value, UNITS.get(name, ""), fact.answer)


def _duty(known: _Function, duty: Duty, told: Told) -> None:
    """Note what one MIB says of one function. `shown`, `absent` and `runs` are for the state alone."""
    if duty.by and (amount := told.amount(told.mib.sessions if duty.by == "sessions" else told.mib.users)):
        known.note("shown", (str(amount[0]), amount[1]))
    if duty.state is not None:
        said = told.texts(duty.state.cell)
        words = [(text.lower(), answer) for text, answer in said]
        running = next((each for each in words if each[0] in duty.state.runs), None)
        resting = next((each for each in words if each[0] in duty.state.rests), None)
        found = running or resting
        known.note("runs", ("active" if running else "inactive", found[1]) if found else None)
    for name in COUNTERS:
        counted = told.amount(getattr(duty, name))
        known.note(name, (str(counted[0]), counted[1]) if counted is not None else None)
    _signatures(known, duty, told)
    if (update := told.text(duty.update)) is not None and (word := UPDATES.get(update[0].lower())) is not None:
        known.note("update", (word, update[1]))


def _signatures(known: _Function, duty: Duty, told: Told) -> None:
    version = _worded(duty.version, told)
    if version is not None and duty.version is not None and version[0] in duty.version.none:
        known.note("absent", version)
        return
    dated = version if duty.dated else _worded(duty.date, told)
    if version is not None:
        text = match[0] if duty.dated and (match := _VERSION.match(version[0])) else version[0]
        known.note("signature.version", (text, version[1]))
    if dated is None or (day := date_in(dated[0])) is None:
        return
    age = age_in_days(day, parse_time(dated[1].at).date())
    if age is not None:
        known.note("signature.date", (day, dated[1]))
        known.note("signature.age", (str(age), dated[1]))


def _worded(words: Words | None, told: Told) -> tuple[str, Answer] | None:
    found = told.text(words.cell) if words is not None else None
    return None if found is None or words is None or found[0].lower() in words.unknown else found


def _licence(known: _Function, function: SecurityFunction, told: Sequence[Told]) -> None:
    """Note the best licence: of an old and a new one, the new one counts."""
    granted = [each for one in told for each in _granted(function, one)]
    if not granted:
        return
    state, expiry, days, answer = min(granted, key=lambda each: (BEST.index(each[0]), -(each[2] or 0)))
    known.note("licence.state", (state, answer))
    if expiry is not None:
        known.note("licence.expiry", (expiry, answer))
    if days is not None:
        known.note("licence.days", (str(max(days, 0)), answer))


def _granted(function: str, told: Told) -> Iterator[tuple[LicenceState, str | None, int | None, Answer]]:
    for duty in told.mib.duties:
        if duty.function == function and duty.licence is not None:
            state = told.text(duty.licence.state)
            expiry = told.text(duty.licence.expiry)
            word = duty.licence.states.get(state[0].lower()) if state is not None else None
            yield from _valued(word, date_in(expiry[0]) if expiry is not None else None, None, state or expiry)
    for row in told.licences:
        if row.function == function:
            yield from _valued(row.state, row.expiry, row.days, ("", row.answer))


def _valued(
    state: LicenceState | None, expiry: str | None, days: int | None, said: tuple[str, Answer] | None
) -> Iterator[tuple[LicenceState, str | None, int | None, Answer]]:
    """Yield the licence if its state is said or follows from its date."""
    if said is None:
        return
    if expiry is not None and days is None:
        days = days_until(expiry, parse_time(said[1].at).date())
    if state is None and days is not None:
        state = "valid" if days >= 0 else "expired"
    if state is not None:
        yield state, expiry, days, said[1]


def _state(known: _Function, told: Sequence[Told], first: Answer) -> tuple[str, Answer]:
    facts = known.facts
    if "runs" in facts:
        return facts["runs"].value, facts["runs"].answer
    if "absent" in facts:
        return "inactive", facts["absent"].answer
    shown = next((facts[name] for name in SHOWING if name in facts), None)
    if shown is not None:
        return "present", shown.answer
    licence = facts.get("licence.state")
    if licence is not None and licence.value != "expired":
        return ("inactive" if licence.value == "none" else "licensed"), licence.answer
    last = [answer for one in told for _, answer in one.cells.values()]
    return "not-measurable", last[-1] if last else first
