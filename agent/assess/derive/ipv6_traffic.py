"""How much of the traffic is IPv6, by the counters that devices keep for each version of IP (RFC 4293)."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.assess.rates import Sample, rates
from agent.model.finding import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.assess.derive.ipv6_devices import Devices
    from agent.assess.samples import Readings
    from agent.model.campus import Campus

__all__ = ["traffic"]

_COUNTERS: Final = (("octets.in", "octets.out"), ("packets.in",))
"""Octets, else packets."""
_TOGETHER_MS: Final = 600_000
"""Uptime and counters this close were read in one conversation."""


def traffic(readings: Readings, campus: Campus, devices: Devices) -> tuple[Fraction, Sequence[str]] | Reason:
    """Return the share of IPv6 in what was carried and the exchanges that show it, or why it is not known.

    Of the egress devices, else of the routers, those count that keep counters of both versions. Intervals across a
    restart are left out.

    Raises:
        MalformedError: a counter is no number.
    """
    poll_ms = campus.poll("ipv6").every_seconds * 1000
    routers, missed = devices.routers()
    egress = devices.egress_assets()
    reason = missed or Reason.NO_TARGET
    for assets in (egress, routers):
        for names in _COUNTERS:
            carried = {version: _Carried(readings, assets, version, names, poll_ms) for version in ("v4", "v6")}
            total = sum(one.amount for one in carried.values())
            if total and carried["v6"].seen:
                return Fraction(carried["v6"].amount, total), carried["v4"].sources + carried["v6"].sources
            if any(one.seen for one in carried.values()):
                reason = Reason.TOO_FEW_SAMPLES if carried["v6"].seen else Reason.UNSUPPORTED
        silent = [why for asset in assets if (why := devices.unseen(asset)) is not None]
        if reason is Reason.NO_TARGET and assets:
            reason = min(silent, key=list(Reason).index) if silent else Reason.UNSUPPORTED
    return reason


class _Carried:
    """What some devices carried of one version of IP.

    `amount` is the sum over all intervals that hold, `seen` whether there is any counter at all.
    """

    def __init__(
        self, readings: Readings, assets: Sequence[str], version: str, names: Sequence[str], poll_ms: int
    ) -> None:
        self.amount = 0
        self.seen = False
        self.sources: list[str] = []
        for asset in assets:
            for name in names:
                self._add(_samples(readings, asset, f"ipv6.{version}.{name}"), poll_ms)

    def _add(self, samples: Sequence[Sample], poll_ms: int) -> None:
        self.seen = self.seen or bool(samples)
        for interval in rates(samples, poll_ms).intervals:
            self.amount += interval.octets
            self.sources += [source for source in interval.sources if source not in self.sources[-4:]]


def _samples(readings: Readings, asset: str, metric: str) -> list[Sample]:
    """Return the samples of a counter of the whole device, each with the uptime read in the same conversation."""
    uptimes = readings.values("ipv6.uptime", f"asset:{asset}", "cs")
    times = [uptime.at for uptime in uptimes]
    restarts = [at for at, _ in readings.of("device.restart", f"asset:{asset}")]
    found: list[Sample] = []
    before = 0
    for value in readings.values(metric, f"asset:{asset}", _unit(metric)):
        # the uptime is asked first
        place = bisect_right(times, value.at) - 1
        near = uptimes[place] if place >= 0 and value.at - times[place] <= _TOGETHER_MS else None
        found.append(
            Sample(
                at=near.at if near else value.at,
                octets=int(value.number),
                uptime=int(near.number) if near else None,
                restarted=any(before < at <= value.at for at in restarts),
                sources=value.reading.sources,
            )
        )
        before = value.at
    return found


def _unit(metric: str) -> str:
    return "By" if ".octets." in metric else "1"
