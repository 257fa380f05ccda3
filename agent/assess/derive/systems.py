"""Whether the systems that clauses ask for answer over IP: `system.answers`, 1 or 0, under `system:<kind>`.

The campus file says which assets show that a system works: all of them must, of all systems of the kind. An asset
answers, refuses or is silent each time that it is asked:

- a host that is knocked at (`host.answer`) and a page (`platform.success`) count in school hours;
- any other device by its conversations (`collector.answer`), whenever its collectors ask: who refuses a login answers.

An asset holds if it answered at least `share` of the times. It fails only where that could not be reached had it
answered every time that it was silent: refusing is a word of the host, silence may be an outage of anything in between.
Else the figure is open with `unreachable`. Of every kind that no system is declared of, it is open with `no-target`.

That a host answers bears the declared system out, and is no proof of what it does: corroborated at best.

Settings: `share` (0.9); `days` (5): different days on which each asset must have been asked; `from_hour` (8) and
`until_hour` (17).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.assess.derive.derived import Derived, Open, figure_at
from agent.assess.derive.school_hours import HOURS, SchoolHours
from agent.assess.derive.settings import numbers
from agent.assess.silence import gap
from agent.model.finding import Reason
from agent.model.reading import Grade, Reading
from agent.model.system import SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from agent.assess.samples import Readings
    from agent.model.base import Digest
    from agent.model.campus import Campus
    from agent.model.finding import Window

__all__ = ["SETTINGS", "systems"]

SETTINGS: Final = {"share": "0.9", "days": "5", **HOURS}
METRIC: Final = "system.answers"
MOST_CITED: Final = 20
"""Exchanges that are cited of one asset: one of each day, the last ones."""
_PROBES: Final = frozenset({"reach", "platforms"})
"""Collectors whose conversations always come about: what the host did is in their readings."""
_SILENT: Final = frozenset({"unreachable", "deadline"})
_HOST: Final = {"answers": "answers", "refuses": "refuses", "silent": "silent"}
_PAGE: Final = {"1": "answers", "0": "silent"}


@dataclass(frozen=True, slots=True)
class _Asset:
    """What is known of one asset."""

    holds: bool | None = None
    reason: Reason | None = None
    sources: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True)
class _Told:
    """The readings, and how they are to be read."""

    readings: Readings
    campus: Campus
    hours: SchoolHours
    setting: Mapping[str, Fraction]
    conversations: Mapping[str, Sequence[Reading]]
    """`collector.answer` by asset."""


def systems(readings: Readings, campus: Campus, window: Window, method: Mapping[str, str]) -> Derived:
    """Derive the figure of every kind of system; see the module.

    Raises:
        ConfigError: a setting is unknown or no number, or the hours are none.
    """
    setting = numbers("systems", method, SETTINGS)
    told = _Told(readings, campus, SchoolHours(campus, window, setting), setting, _conversations(readings))
    figures: list[Reading] = []
    unsettled: dict[tuple[str, str], Open] = {}
    for kind in SYSTEMS:
        subject = f"system:{kind}"
        names = dict.fromkeys(name for system in campus.systems if system.kind == kind for name in system.assets)
        known = [_asset(name, told) for name in names]
        holds, reason = _together(known)
        if reason is not None:
            unsettled[METRIC, subject] = Open(reason, low="0", high="1")
            continue
        deciding = [one for one in known if one.holds is holds]
        sources = tuple(dict.fromkeys(source for one in deciding for source in one.sources))
        figures.append(figure_at(window, METRIC, subject, str(int(holds)), "1", Grade.CORROBORATED, sources))
    return Derived(tuple(figures), unsettled)


def _together(known: Sequence[_Asset]) -> tuple[bool, Reason | None]:
    """Return whether all assets hold, or why that is open; one that fails settles it."""
    if not known:
        return False, Reason.NO_TARGET
    if any(one.holds is False for one in known):
        return False, None
    return True, min((one.reason for one in known if one.reason is not None), key=list(Reason).index, default=None)


def _asset(name: str, told: _Told) -> _Asset:
    if told.campus.asset(name) is None:
        return _Asset(reason=Reason.NO_TARGET)
    samples = _samples(name, told)
    if not samples:
        return _Asset(reason=_unasked(name, told))
    days = {told.hours.day(reading.at) for _, reading in samples}
    if len(days) < told.setting["days"]:
        silent = all(state == "silent" for state, _ in samples)
        return _Asset(reason=Reason.UNREACHABLE if silent else Reason.WINDOW_TOO_SHORT)
    needed = told.setting["share"] * len(samples)
    by_state = {each: [one for state, one in samples if state == each] for each in ("answers", "refuses", "silent")}
    if len(by_state["answers"]) >= needed:
        return _Asset(holds=True, sources=_cited(by_state["answers"], told))
    if len(samples) - len(by_state["refuses"]) < needed:
        return _Asset(holds=False, sources=_cited(by_state["refuses"], told))
    return _Asset(reason=Reason.UNREACHABLE)


def _samples(name: str, told: _Told) -> list[tuple[str, Reading]]:
    """Return each time that the asset was asked: `answers`, `refuses` or `silent`, and the reading that says so."""
    subject = f"asset:{name}"
    for metric, meaning in (("host.answer", _HOST), ("platform.success", _PAGE)):
        if found := told.readings.of(metric, subject):
            return [(meaning.get(one.value, "silent"), one) for one in told.hours.of(found)]
    return [("silent" if one.value in _SILENT else "answers", one) for one in told.conversations.get(name, ())]


def _conversations(readings: Readings) -> dict[str, list[Reading]]:
    """Return how each asset answered its collectors, in time order."""
    found: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings.every("collector.answer"):
        collector, _, asset = reading.subject.partition(":")
        if collector not in _PROBES:
            found[asset].append(reading)
    return found


def _unasked(name: str, told: _Told) -> Reason:
    reasons = [gap(told.readings, collector, name) for collector in sorted(_PROBES)]
    return next((reason for reason in reasons if reason is not None), Reason.TOO_FEW_SAMPLES)


def _cited(readings: Sequence[Reading], told: _Told) -> tuple[Digest, ...]:
    """Return the exchanges of one reading of each day, the last days'."""
    by_day = {told.hours.day(reading.at): reading for reading in readings}
    return tuple(source for day in sorted(by_day)[-MOST_CITED:] for source in by_day[day].sources)
