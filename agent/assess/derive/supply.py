"""What one UPS shows of how long it lasts: discharges, their continuation, and its own estimate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import ceil
from statistics import median
from typing import TYPE_CHECKING, Final, Literal

from agent.assess.discharge import Discharge, discharges, polls
from agent.assess.samples import milliseconds, moment
from agent.assess.silence import gap
from agent.errors import MalformedError
from agent.model.finding import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.assess.discharge import Poll
    from agent.assess.samples import Readings
    from agent.model.campus import Campus
    from agent.model.finding import Window

__all__ = ["Estimate", "Guess", "Response", "Supply"]

Response = Literal["responsive", "non-responsive", "not-shown"]
"""Whether the estimate fell when the load rose; not shown where the load hardly moved."""

_DAY_MS: Final = 86_400_000
_LOAD_STEP: Final = 5
"""Percentage points of load between which an estimate must have moved."""
_ALIKE: Final = 2
"""Percentage points within which loads are taken as one."""
_LEAST_DROP: Final = 5
"""Percentage points of charge below which nothing is extrapolated, however long it took."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A time that nobody saw pass."""

    seconds: Fraction
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Estimate(Guess):
    """The card's estimate, at the percentile that counts."""

    response: Response


@dataclass(frozen=True, slots=True)
class Supply:
    """A UPS over a window."""

    ups: str
    discharges: tuple[Discharge, ...]
    """All, for the record."""
    valid: tuple[Discharge, ...]
    """Those that the agent saw, of the battery in use, at no less than about today's load."""
    extrapolated: Guess | None
    estimate: Estimate | None
    reason: Reason
    """Why it shows nothing, if it shows nothing."""
    full_charge: Fraction

    @classmethod
    def of(cls, readings: Readings, campus: Campus, ups: str, window: Window, stated: Mapping[str, Fraction]) -> Supply:
        """Return what the readings show; `stated` are the settings of the derivation `power`.

        Raises:
            MalformedError: a reading is no number or no date, or its unit does not fit.
        """
        asked = polls(readings, ups)
        every = discharges(readings, ups, campus.poll("ups").every_seconds * 1000)
        recent = milliseconds(window.until) - int(stated["estimate_days"] * _DAY_MS)
        today = [poll for poll in asked if poll.at >= recent and poll.on_battery is False]
        loads = [load for poll in today if (load := poll.number("ups.load", "%")) is not None]
        load = Fraction(median(loads)) if loads else None
        installed = _installed(readings, ups)
        current = [d for d in every if d.polled and moment(d.since)[:10] >= installed]
        estimate = _estimate(today, stated)
        return cls(
            ups=ups,
            discharges=tuple(every),
            valid=tuple(d for d in current if _as_loaded(d, load, stated["load_margin"])),
            extrapolated=_extrapolated(current, load, stated),
            estimate=estimate,
            reason=gap(readings, "ups", ups) or (Reason.UNSUPPORTED if asked else Reason.TOO_FEW_SAMPLES),
            full_charge=stated["full_charge"],
        )

    def guess(self, rung: str) -> Guess | None:
        """Return the figure of a rung that proves nothing."""
        return self.extrapolated if rung == "extrapolated" else self.estimate

    def was_full(self, discharge: Discharge) -> bool:
        """Tell whether the battery was full when the discharge began."""
        return discharge.charge_before is not None and discharge.charge_before >= self.full_charge

    @property
    def most(self) -> Fraction | None:
        """The longest that it says it lasts, in seconds; None where that bounds nothing."""
        if self.estimate is None or self.estimate.response == "non-responsive":
            return None
        return max(guess.seconds for guess in (self.extrapolated, self.estimate) if guess is not None)


def _installed(readings: Readings, ups: str) -> str:
    """Return the day on which the battery was last replaced; empty where nobody says."""
    found = readings.texts("ups.battery_replaced", f"asset:{ups}")
    if not found:
        return ""
    try:
        return date.fromisoformat(found[-1][1]).isoformat()
    except ValueError as error:
        raise MalformedError(
            "{text!r} is no date", where=f"ups.battery_replaced {ups}", text=found[-1][1][:40]
        ) from error


def _as_loaded(discharge: Discharge, load: Fraction | None, margin: Fraction) -> bool:
    """Tell whether a discharge says something about today's load: what lasted at more load lasts at less."""
    if discharge.load is None or load is None:
        return False
    return load <= discharge.load * (1 + margin / 100)


def _extrapolated(current: Sequence[Discharge], load: Fraction | None, stated: Mapping[str, Fraction]) -> Guess | None:
    """Continue the deepest discharge to an empty battery, in a straight line and with the factor for safety.

    More load than in the discharge shortens the time at least in proportion.
    """
    best: tuple[Fraction, Guess] | None = None
    for discharge in current:
        before, after = discharge.charge_before, discharge.charge_after
        if before is None or after is None or not discharge.load or load is None:
            continue
        drop = before - after
        long_enough = discharge.seconds >= stated["least_minutes"] * 60 and drop >= _LEAST_DROP
        if drop >= stated["least_drop"] or long_enough:
            lasts = stated["safety"] * discharge.seconds * before / drop
            scaled = lasts if load <= discharge.load else lasts * discharge.load / load
            if best is None or drop > best[0]:
                best = (drop, Guess(scaled, discharge.sources))
    return best[1] if best is not None else None


def _estimate(today: Sequence[Poll], stated: Mapping[str, Fraction]) -> Estimate | None:
    """Return the low percentile of what the card estimated with a full battery under load."""
    usable = [
        (runtime, load, poll)
        for poll in today
        if (load := poll.number("ups.load", "%")) is not None
        and load >= stated["least_load"]
        and (charge := poll.number("ups.charge", "%")) is not None
        and charge >= stated["full_charge"]
        and poll.word("ups.battery_replace") != "replace"
        and poll.word("ups.runtime_quality") == "usable"
        and (runtime := poll.number("ups.runtime", "s")) is not None
    ]
    if not usable:
        return None
    ranked = sorted(usable, key=lambda item: (item[0], item[2].at))
    rank = max(1, ceil(stated["estimate_percentile"] * len(ranked) / 100))
    seconds, _, poll = ranked[min(rank, len(ranked)) - 1]
    return Estimate(seconds, poll.sources, _response([(runtime, load) for runtime, load, _ in usable]))


def _response(pairs: Sequence[tuple[Fraction, Fraction]]) -> Response:
    """Tell whether the estimate is lower at the highest load than at the lowest."""
    lightest, heaviest = min(load for _, load in pairs), max(load for _, load in pairs)
    if heaviest - lightest < _LOAD_STEP:
        return "not-shown"
    light = median(runtime for runtime, load in pairs if load <= lightest + _ALIKE)
    heavy = median(runtime for runtime, load in pairs if load >= heaviest - _ALIKE)
    return "responsive" if heavy < light else "non-responsive"
