"""Collectors: one module per thing measured, each `async def collect(asset, campus, session) -> list[Reading]`.

They are pure but for `session.ask`: no network, file, clock or random module. `measure` runs several of them over
one asset in order, live and in replay alike.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from agent.collectors import (
    appliance,
    census,
    host,
    identity,
    interfaces,
    ipv6,
    lag,
    links,
    logs,
    mqtt,
    neighbours,
    notifications,
    platforms,
    reach,
    recorders,
    security,
    ups,
    wifi,
)
from agent.collectors.logs import canary
from agent.collectors.recorders import snmp_disks
from agent.errors import GapError, MalformedError, UsageError
from agent.model.exchange import GapReason, Unasked
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.errors import AgentError
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Request, Session

__all__ = ["COLLECTORS", "Collector", "measure"]

COLLECTORS = {
    "appliance": appliance.collect,
    "canary": canary.collect,
    "census": census.collect,
    "host": host.collect,
    "identity": identity.collect,
    "interfaces": interfaces.collect,
    "ipv6": ipv6.collect,
    "lag": lag.collect,
    "links": links.collect,
    "logs": logs.collect,
    "mqtt": mqtt.collect,
    "notifications": notifications.collect,
    "neighbours": neighbours.collect,
    "platforms": platforms.collect,
    "reach": reach.collect,
    "recorder": recorders.collect,
    "security": security.collect,
    "storage": snmp_disks.collect,
    "ups": ups.collect,
    "wifi": wifi.collect,
}

LAST_WORDS = (GapReason.UNREACHABLE, GapReason.REFUSED, GapReason.DEADLINE)
"""Gaps after which the asset is not asked again in this run:

Rule of courtesy, and never a second try with a wrong key.
"""
_LONGEST = 500
"""Characters of what a collector says of why it asks nothing."""


class Collector(Protocol):
    """What every entry of the registry is."""

    async def __call__(self, asset: Asset, campus: Campus, session: Session) -> list[Reading]:
        """Measure one thing on one asset."""
        ...


class _Noting:
    """A session that remembers when and by what the asset last answered, and whether its last word was a gap."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.last: Answer | None = None
        self.gap: GapError | None = None
        self.gaps: list[GapError] = []
        """All that are on record, each told when it was recorded."""

    async def ask(self, request: Request) -> Answer:
        try:
            self.last = await self._session.ask(request)
        except GapError as gap:
            self.gap = gap
            self.gaps.append(gap)
            raise
        self.gap = None
        return self.last

    async def ended(self, collector: str, reason: str, error: AgentError) -> None:
        """Record why the collector ended where nothing has been asked."""
        if self.last is None and self.gap is None:
            with suppress(GapError):
                await self.ask(Unasked(collector=collector, reason=GapReason(reason), why=str(error)[:_LONGEST]))

    def last_words(self, state: str) -> tuple[str, str, str] | None:
        """Return how the collector ended, when, and the exchange that shows it; None if nothing was asked.

        Args:
            state: how it ended by itself. A gap that it got over is not told; one that was the last word is.
        """
        if self.gap is not None:
            return self.gap.reason, self.gap.at, self.gap.source
        return (state, self.last.at, self.last.source) if self.last is not None else None


async def measure(
    asset: Asset,
    campus: Campus,
    collectors: Sequence[str],
    session: Session,
    told: Callable[[GapError], object] | None = None,
) -> list[Reading]:
    """Run collectors over one asset and say of each whether it was answered.

    The state `collector.answer` (subject `<collector>:<asset>`) is `ok` or the reason of the gap that ended the
    collector: silence is a reading too, with the exchange that shows it. An answer that the collector cannot decode
    is `malformed`; it costs the other collectors nothing. A silent device is not asked by the others, and the same is
    said of them. Where a collector ends before it asked anything, that is
    recorded as an exchange of its own (`Unasked`) and cited.

    Args:
        asset: what is asked.
        campus: the campus file.
        collectors: their names, in order.
        session: asks.
        told: takes why a collector ended that asked nothing, or found a fault in answers that are as they are: no gap
            of the device's says it.

    Raises:
        UsageError: a collector of that name does not exist.
    """
    readings: list[Reading] = []
    for number, name in enumerate(collectors):
        if name not in COLLECTORS:
            raise UsageError(
                "there is no collector {name!r}", todo="Known are: {known}", name=name, known=", ".join(COLLECTORS)
            )
        noting = _Noting(session)
        state = "ok"
        try:
            readings += await COLLECTORS[name](asset, campus, noting)
        except (GapError, MalformedError) as error:
            ended = error if isinstance(error, GapError) else GapError(GapReason.MALFORMED, "{why}", why=error)
            state = ended.reason
            if told is not None and not any(each is error for each in noting.gaps):
                told(ended)
            await noting.ended(name, state, error)
        said = noting.last_words(state)
        if said is not None:
            readings.append(_answer(name, asset, *said))
            if said[0] in LAST_WORDS:
                # the others are not asked any more: the same silence is theirs
                readings += [_answer(other, asset, *said) for other in collectors[number + 1 :]]
                break
    return readings


def _answer(collector: str, asset: Asset, state: str, at: str, source: str) -> Reading:
    return Reading(
        metric="collector.answer",
        subject=f"{collector}:{asset.id}",
        value=state,
        unit="",
        at=at,
        grade=Grade.MEASURED,
        sources=(source,),
    )
