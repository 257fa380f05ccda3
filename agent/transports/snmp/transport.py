"""`SnmpTransport`: carries `SnmpGet` and `SnmpTable` to one device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import UsageError
from agent.model.exchange import SnmpGet, SnmpTable, VarBinds
from agent.transports.snmp.credentials import Community, User
from agent.transports.snmp.get import Get
from agent.transports.snmp.message import CommunitySecurity, Security
from agent.transports.snmp.pace import Limits, Pace
from agent.transports.snmp.target import Target
from agent.transports.snmp.usm import UserSecurity
from agent.transports.snmp.walk import Walk

if TYPE_CHECKING:
    from collections import Counter

    from agent.model.exchange import Request

__all__ = ["SnmpTransport"]


class SnmpTransport:
    """SNMP to one device, v1, v2c or v3.

    Args:
        host: name, IPv4 or IPv6 address.
        port: UDP port.
        credentials: `Community` or `User`.
        limits: bounds of each exchange.
    """

    def __init__(
        self, host: str, port: int = 161, *, credentials: Community | User, limits: Limits | None = None
    ) -> None:
        self._host, self._port, self._credentials = host, port, credentials
        self._limits = limits or Limits()
        self._seconds: float | None = None
        self._version_1 = isinstance(credentials, Community) and credentials.version == "1"
        self._security: Security
        if isinstance(credentials, Community):
            self._security = CommunitySecurity(credentials.version, credentials.community)
        else:
            self._security = UserSecurity(credentials)
        self._target = Target(host, port, self._security, self._limits)
        self._pace = Pace(self._limits)

    async def exchange(self, request: Request) -> VarBinds:
        """Ask one thing.

        Raises:
            GapError: the device never answered (`unreachable`, `deadline`, `malformed`) or refuses us (`refused`).
            UsageError: it is not an SNMP request.
        """
        if isinstance(request, SnmpGet):
            get = Get(request, self._limits, version_1=self._version_1)
            await self._target.run(get)
            return get.result()
        if isinstance(request, SnmpTable) and request.vlan is not None:
            return await self._of_vlan(request, request.vlan)
        if isinstance(request, SnmpTable):
            walk = Walk(request, self._pace, self._limits, bulk=not self._version_1)
            await self._target.run(walk)
            return walk.result()
        raise UsageError(
            "{op} is not asked over SNMP",
            where=self._target.name,
            todo="Ask it of an asset whose family has another transport",
            op=request.op,
        )

    async def _of_vlan(self, request: SnmpTable, vlan: int) -> VarBinds:
        """Ask with the credentials of a VLAN, on a socket of its own: answers with others are not ours."""
        other = SnmpTransport(self._host, self._port, credentials=self._credentials.in_vlan(vlan), limits=self._limits)
        if self._seconds is not None:
            other.within(self._seconds)
        try:
            return await other.exchange(request.model_copy(update={"vlan": None}))
        finally:
            await other.close()

    def within(self, seconds: float) -> None:
        """Bound the next exchange: what was read by then is its answer, the rest is marked partial."""
        self._seconds = seconds
        self._target.within(seconds)

    async def close(self) -> None:
        """Close the socket; may be called more than once."""
        self._target.close()

    @property
    def dropped(self) -> Counter[str]:
        """Datagrams that were not answers to us, by reason: `community`, `request-id`, `malformed`, `digest`, ..."""
        return self._target.dropped

    @property
    def sent(self) -> int:
        """Requests sent, retransmissions included."""
        return self._target.sent

    @property
    def notices(self) -> tuple[str, ...]:
        """What is odd about this device's SNMPv3 engine: boots that went back, an engine ID that changed."""
        return tuple(self._security.notices) if isinstance(self._security, UserSecurity) else ()

    @property
    def engine_id(self) -> bytes:
        """The SNMPv3 engine ID, once known: two devices must not have the same."""
        return self._security.engine_id if isinstance(self._security, UserSecurity) else b""
