"""How long recorders and switches work without mains, on the ladder of peers-and-methods 2.6.

    discharge     a discharge that the agent saw, at no less than about today's load, with the asset answering all along
    extrapolated  a shorter one, continued to an empty battery in a straight line, with a factor for safety
    estimate      the card's own estimate: of a full battery on mains, under load
    none          nothing of these

Only a discharge is `measured` and proves anything. The other two are `reported`: the figure is `Open`, nothing proven,
and never believed to be wrong by more than `doubt` times. An estimate that does not fall when the load rises
(`ups.estimate`), or of a card that counts no further, is no bound at all.

A discharge that ended with mains coming back shows that the battery lasts at least so long; one of a full battery that
ended low shows how long it lasts, and settles the figure. An asset that stopped answering was carried until its last
answer. A discharge counts for today's load only: it is a lower bound where today's median load is at most `load_margin`
percent above that of the discharge. A battery replaced since is another battery.

Subjects: `powered:<asset>` of every asset that a UPS `feeds`, of recorders that hold cameras and of switches that power
them; and `camera:<id>`, see `camera_power`. One that nothing feeds is open with `no-target`. Several UPS that feed one
asset are not added up: the one that carried it longest counts, and the sum is what they could reach at most (in
parallel they share the load, in series of two inputs one takes over from the other; which of both, no device says).

Settings: `answer_gap` (s, 1800) is the longest time without an answer of the fed asset; `load_margin` (10 %);
`full_charge` (95 %); `least_load` (10 %); `estimate_days` (7): days at the end of the window that give today's load and
the estimate, of which the percentile `estimate_percentile` (5) counts; `safety` (0.8), `least_drop` (20 % of charge)
and `least_minutes` (5) are for extrapolation and for showing a discharge; `doubt` (2).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.assess.derive.camera_power import cameras
from agent.assess.derive.derived import Derived, Open, figure_at
from agent.assess.derive.settings import numbers
from agent.assess.derive.supply import Supply
from agent.assess.samples import moment, rounded
from agent.model.finding import Reason
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.assess.discharge import Discharge
    from agent.assess.samples import Readings
    from agent.model.campus import Campus
    from agent.model.finding import Window

__all__ = ["SETTINGS", "power"]

SETTINGS: Final = {
    "answer_gap": "1800",
    "load_margin": "10",
    "full_charge": "95",
    "least_load": "10",
    "estimate_days": "7",
    "estimate_percentile": "5",
    "safety": "0.8",
    "least_drop": "20",
    "least_minutes": "5",
    "doubt": "2",
}
AUTONOMY, RUNG = "power.autonomy", "power.rung"
_HOUR: Final = 3600
_DEAD: Final = frozenset({"unreachable", "deadline"})
"""Every other answer, also a refusal, shows that the asset has power."""


@dataclass(frozen=True, slots=True)
class _Carried:
    """How long a discharge carried an asset."""

    seconds: Fraction
    settled: bool
    """The battery was full before and empty after, and the asset answered until about then."""
    sources: tuple[str, ...]


def power(readings: Readings, campus: Campus, window: Window, method: Mapping[str, str]) -> Derived:
    """Derive the autonomy of every asset that needs it; see the module.

    Raises:
        MalformedError: a reading that it needs is not a number, or its unit does not fit.
        ConfigError: a setting is unknown or no number.
    """
    stated = numbers("power", method, SETTINGS)
    answers = _answers(readings)
    supplies = {
        asset.id: Supply.of(readings, campus, asset.id, window, stated) for asset in campus.assets if asset.feeds
    }
    figures = _Figures(window)
    for supply in supplies.values():
        figures.supply(supply)
    fed: dict[str, list[Supply]] = defaultdict(list)
    for asset in campus.assets:
        for target in dict.fromkeys(asset.feeds):
            fed[target].append(supplies[asset.id])
    for asset_id in sorted({*fed, *_needing(campus)}):
        figures.asset(asset_id, fed.get(asset_id, []), answers.get(asset_id, []), stated)
    powered = Derived(tuple(figures.readings), figures.open)
    filmed = cameras(AUTONOMY, powered, campus, window)
    return Derived((*powered.readings, *filmed.readings), {**powered.open, **filmed.open})


def _needing(campus: Campus) -> Iterator[str]:
    """Yield the recorders that hold cameras and the switches that power them."""
    for camera in campus.cameras:
        yield from (copy.recorder for copy in camera.recorded)
        if camera.switch is not None:
            yield camera.switch


def _answers(readings: Readings) -> dict[str, list[tuple[int, bool, tuple[str, ...]]]]:
    """Return when each asset answered or did not, to whatever was asked, in time order."""
    found: dict[str, list[tuple[int, bool, tuple[str, ...]]]] = defaultdict(list)
    kinds = {reading.subject for reading in readings.every("collector.answer")}
    for subject in kinds:
        for at, reading in readings.of("collector.answer", subject):
            found[subject.partition(":")[2]].append((at, reading.value not in _DEAD, reading.sources))
    for answers in found.values():
        answers.sort(key=lambda item: item[:2])
    return found


def _carried(
    discharge: Discharge, answers: Sequence[tuple[int, bool, tuple[str, ...]]], supply: Supply, gap_ms: Fraction
) -> _Carried:
    """Return how long the asset answered within the discharge, without a longer silence than `gap_ms`.

    To the end it was carried if it answered after it as well: between its last answer and the end it may have died.
    """
    alive, whole = discharge.since, False
    sources: list[str] = []
    for at, answered, cited in answers:
        if at <= discharge.since:
            continue
        if not answered or at - alive > gap_ms:
            break
        sources += cited
        if at >= discharge.until:
            alive, whole = discharge.until, True
            break
        alive = at
    near_the_end = whole or (bool(sources) and discharge.until - alive <= gap_ms)
    return _Carried(
        seconds=Fraction(alive - discharge.since, 1000),
        settled=near_the_end and discharge.end == "low" and supply.was_full(discharge),
        sources=(*discharge.sources, *sources),
    )


class _Figures:
    """Figures while they come together."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self.readings: list[Reading] = []
        self.open: dict[tuple[str, str], Open] = {}

    def supply(self, supply: Supply) -> None:
        """Show the discharges of a UPS, and whether its estimate answers to the load."""
        for discharge in supply.discharges:
            subject = f"discharge:{supply.ups}/{moment(discharge.since)}"
            grade = Grade.MEASURED if discharge.polled else Grade.REPORTED
            self._add("ups.discharge", subject, rounded(discharge.seconds, 0), "s", discharge.sources, grade)
            self._add("ups.discharge.end", subject, discharge.end, "", discharge.sources, grade)
            for metric, value in (("load", discharge.load), ("charge", discharge.charge_after)):
                if value is not None:
                    text = rounded(value, 1)
                    self._add(f"ups.discharge.{metric}", subject, text, "%", discharge.sources, Grade.REPORTED)
        if supply.estimate is not None:
            state, sources = supply.estimate.response, supply.estimate.sources
            self._add("ups.estimate", f"asset:{supply.ups}", state, "", sources, Grade.REPORTED)

    def asset(
        self,
        asset: str,
        supplies: Sequence[Supply],
        answers: Sequence[tuple[int, bool, tuple[str, ...]]],
        stated: Mapping[str, Fraction],
    ) -> None:
        """Show how long an asset works without mains."""
        subject = f"powered:{asset}"
        if not supplies:
            self.open[AUTONOMY, subject] = Open(Reason.NO_TARGET)
            self.open[RUNG, subject] = Open(Reason.NO_TARGET)
            return
        gap_ms = stated["answer_gap"] * 1000
        seen = [_carried(d, answers, supply, gap_ms) for supply in supplies for d in supply.valid]
        best = max(seen, key=lambda one: (one.seconds, one.settled), default=None)
        proven = best.seconds if best is not None else Fraction(0)
        if best is not None and (best.settled or proven >= stated["least_minutes"] * 60):
            self._show(subject, "discharge", proven, best.sources, Grade.MEASURED)
            if best.settled:
                return
            reason = Reason.WINDOW_TOO_SHORT
        else:
            reason = self._indicate(subject, supplies)
        low = rounded(proven / _HOUR, 4) if proven else None
        self.open[AUTONOMY, subject] = Open(reason, low=low, high=_high(supplies, proven, stated["doubt"]))

    def _indicate(self, subject: str, supplies: Sequence[Supply]) -> Reason:
        """Show the best figure that proves nothing, and return why the autonomy is open."""
        for rung in ("extrapolated", "estimate"):
            guesses = [guess for supply in supplies if (guess := supply.guess(rung)) is not None]
            if guesses:
                best = max(guesses, key=lambda guess: guess.seconds)
                self._show(subject, rung, best.seconds, best.sources, Grade.REPORTED)
                return Reason.WEAK_PROOF
        reasons = [supply.reason for supply in supplies]
        self.open[RUNG, subject] = Open(min(reasons, key=list(Reason).index))
        return min(reasons, key=list(Reason).index)

    def _show(self, subject: str, rung: str, seconds: Fraction, sources: Sequence[str], grade: Grade) -> None:
        self._add(AUTONOMY, subject, rounded(seconds / _HOUR, 4), "h", sources, grade)
        self._add(RUNG, subject, rung, "", sources, grade)

    def _add(self, metric: str, subject: str, value: str, unit: str, sources: Sequence[str], grade: Grade) -> None:
        self.readings.append(figure_at(self._window, metric, subject, value, unit, grade, dict.fromkeys(sources)))


def _high(supplies: Sequence[Supply], proven: Fraction, doubt: Fraction) -> str | None:
    """Return the hours that the asset can have at most; None where a UPS tells no bound."""
    bounds = [supply.most for supply in supplies]
    if any(bound is None for bound in bounds):
        return None
    most = sum((bound for bound in bounds if bound is not None), Fraction(0))
    return rounded(max(most * doubt, proven) / _HOUR, 4)
