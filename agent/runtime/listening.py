"""The receivers of notifications: one per asset of that kind, from start to end of the program, shared by all runs."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.errors import GapError
from agent.transports.notifications import NotificationReceiver, NotificationTransport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.clock import Clock
    from agent.model.asset import Asset
    from agent.transports.notifications import Peers

__all__ = ["NOTIFICATION_PORT", "Receivers"]

NOTIFICATION_PORT = 162
"""IANA: snmptrap."""

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)  # where devices have to send is said at every start, to whoever sets them up


@dataclass
class Receivers:
    """Opens each receiver once; a run's transport only asks it."""

    clock: Clock
    _open: dict[str, NotificationReceiver] = field(default_factory=dict)

    def transport(self, asset: Asset, peers: Peers, school: str) -> NotificationTransport:
        """Return one run's way to the receiver of the asset, which begins to listen at the latest when it is asked."""
        if asset.id not in self._open:
            self._open[asset.id] = NotificationReceiver(identity=f"{school}/{asset.id}", clock=self.clock)
        place = (asset.address, asset.port if asset.port is not None else NOTIFICATION_PORT)
        return NotificationTransport(self._open[asset.id], place, peers)

    async def listen(self, transports: Iterable[NotificationTransport]) -> None:
        """Begin to listen now. A port that cannot be had is an error in the log: polling goes on, and every run tries.

        The runs' records say the same, as gaps.
        """
        for transport in transports:
            try:
                await transport.listen()
            except GapError as gap:
                log.error("no notifications are received: %s", gap)  # noqa: TRY400 - the text says it all
            else:
                log.info("receiving notifications on %s", transport.place)

    def pending(self) -> frozenset[str]:
        """Return the assets at which something has arrived that no run has taken."""
        return frozenset(name for name, receiver in self._open.items() if receiver.pending)

    async def close(self) -> None:
        """Close all ports."""
        for receiver in self._open.values():
            await receiver.close()
