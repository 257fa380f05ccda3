"""Whether devices of a kind report by themselves, day by day: `telemetry.fresh`, 1 or 0, under `iot:<kind>`; pure.

Kinds are those of the topics that the campus file has brokers listened to for. Only new messages count: what a broker
kept from before (retained) proves that a device exists, not that it lives. Each listening is a minute at most, so one
that hears nothing says little; a school day with several of them and no message is a day without telemetry. A day on
which no broker of the kind answered is no day at all.

1 if new messages were heard on at least `day_share` of the school days on which there was a listening, and on one of
the last `fresh_days` of these; else 0. With fewer such days than `days` the figure is open: by the reason of a broker
that did not answer, else `window-too-short`.

Settings: `days` (5), `day_share` (0.8), `fresh_days` (3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.assess.derive.civil_days import CivilDays
from agent.assess.derive.derived import Derived, Open, figure_at
from agent.assess.derive.settings import numbers
from agent.assess.samples import number
from agent.assess.silence import gap
from agent.model.finding import Reason
from agent.model.reading import Reading, weakest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from fractions import Fraction

    from agent.assess.samples import Readings
    from agent.model.campus import Campus
    from agent.model.finding import Window

__all__ = ["SETTINGS", "telemetry"]

SETTINGS: Final = {"days": "5", "day_share": "0.8", "fresh_days": "3"}
METRIC: Final = "telemetry.fresh"
MOST_CITED: Final = 60
"""Exchanges that one figure cites: one of each day, the last ones."""


def telemetry(readings: Readings, campus: Campus, window: Window, method: Mapping[str, str]) -> Derived:
    """Derive the figure of every kind of topic; see the module.

    Raises:
        MalformedError: a count of messages is no number.
        ConfigError: a setting is unknown or no number.
    """
    setting = numbers("telemetry", method, SETTINGS)
    civil = CivilDays(campus, window)
    figures: list[Reading] = []
    unsettled: dict[tuple[str, str], Open] = {}
    for kind in sorted({topic.kind for asset in campus.assets for topic in asset.topics}):
        subject = f"iot:{kind}"
        heard = _by_day([reading for _, reading in readings.of("iot.messages", subject)], civil)
        if len(heard) < max(int(setting["days"]), 1):
            unsettled[METRIC, subject] = Open(_reason(kind, readings, campus, asked=bool(heard)), low="0", high="1")
        else:
            figures.append(_figure(subject, heard, setting, window))
    return Derived(tuple(figures), unsettled)


def _by_day(readings: Sequence[Reading], civil: CivilDays) -> dict[date, Reading]:
    """Return for each school day the listening that heard most."""
    best: dict[date, Reading] = {}
    for reading in readings:
        for day in civil.school([reading]):
            if day not in best or number(reading, "1") > number(best[day], "1"):
                best[day] = reading
    return best


def _reason(kind: str, readings: Readings, campus: Campus, *, asked: bool) -> Reason:
    """Return why there are too few days: of several brokers the worst reason."""
    brokers = [asset.id for asset in campus.assets if any(topic.kind == kind for topic in asset.topics)]
    reasons = [reason for broker in brokers if (reason := gap(readings, "mqtt", broker)) is not None]
    unknown = Reason.WINDOW_TOO_SHORT if asked else Reason.TOO_FEW_SAMPLES
    return min(reasons, key=list(Reason).index, default=unknown)


def _figure(subject: str, heard: Mapping[date, Reading], setting: Mapping[str, Fraction], window: Window) -> Reading:
    days = sorted(heard)
    live = [day for day in days if number(heard[day], "1") > 0]
    last = days[-max(1, int(setting["fresh_days"])) :]
    fresh = len(live) >= setting["day_share"] * len(days) and bool(live) and live[-1] in last
    silent = [day for day in days if day not in set(live)]
    deciding = [heard[day] for day in (live if fresh else silent) or days][-MOST_CITED:]
    grade = weakest(*(reading.grade for reading in deciding))
    sources = dict.fromkeys(source for reading in deciding for source in reading.sources)
    return figure_at(window, METRIC, subject, str(int(fresh)), "1", grade, sources)
