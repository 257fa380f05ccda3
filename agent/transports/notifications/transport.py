"""`NotificationTransport`: one run's way to the receiver that all runs share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import UsageError
from agent.model.exchange import SnmpNotifications

if TYPE_CHECKING:
    from agent.model.exchange import Notifications, Request
    from agent.transports.notifications.peers import Peers
    from agent.transports.notifications.receiver import NotificationReceiver

__all__ = ["NotificationTransport"]


class NotificationTransport:
    """Asks the receiver what arrived.

    Args:
        receiver: listens already, or begins to with the first exchange; closing the transport leaves it alone.
        place: address and UDP port to listen on.
        peers: whom to believe from now on.
    """

    def __init__(self, receiver: NotificationReceiver, place: tuple[str, int], peers: Peers) -> None:
        self._receiver = receiver
        self._place = place
        self._peers = peers

    async def listen(self) -> None:
        """Begin to listen, or go on.

        Raises:
            GapError: the port cannot be had.
        """
        await self._receiver.open(self._place, self._peers)

    @property
    def place(self) -> str:
        """Where notifications are received and by which engine, for people who set up devices."""
        return f"UDP port {self._receiver.port}, engine ID {self._receiver.engine_id.hex()}"

    async def exchange(self, request: Request) -> Notifications:
        """Take what arrived since the last exchange of any transport of this receiver.

        Raises:
            GapError: the port cannot be had.
            UsageError: it is another kind of request.
        """
        if not isinstance(request, SnmpNotifications):
            raise UsageError(
                "{op} is not asked of a receiver of notifications",
                todo="Ask it of an asset whose family has another transport",
                op=request.op,
            )
        await self.listen()
        return await self._receiver.take(request.seconds)

    async def close(self) -> None:
        """Nothing of its own to release."""
