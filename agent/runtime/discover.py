"""Find the SNMP devices of some networks, once, when a person asks for it: a bounded, courteous sweep.

Only addresses inside the given networks are asked. A host is asked one thing at a time, each credential at most once
and in the order given: a community in a single datagram without repetition, because a device counts wrong ones. SNMPv3
asks for the engine first, which costs no key; after a refusal in which a key was tried (wrong digest, wrong privacy,
or silence after the engine had answered) no further SNMPv3 credential is tried on that host, because some devices lock
a user, or the asking host, out. A wrong user name or security level tries no key and does not count. A host that says
that nothing listens at the port is left in peace at once.

The sweep begins at most `rate` tries a second, has at most `concurrency` hosts under way, and begins none after
`seconds`. Who answered is then read with the collectors `identity` and `neighbours`, under the credential that worked.
Serial numbers, engine IDs and MAC addresses are pseudonyms under a key that is thrown away.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.collectors import measure
from agent.errors import AgentError, GapError, MalformedError, UsageError
from agent.model import snmp
from agent.model.asset import Asset
from agent.model.campus import Campus, School
from agent.model.exchange import GapReason, SnmpColumn, SnmpGet, SnmpTable, VarBinds
from agent.runtime.networks import address_of, count, hosts
from agent.runtime.opening import snmp_access
from agent.sessions.live import LiveSession
from agent.transports.snmp import HARMLESS_REFUSALS, Limits, SnmpTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.clock import Clock
    from agent.model.exchange import Exchange
    from agent.model.reading import Reading
    from agent.runtime.credentials import Credential
    from agent.runtime.networks import Network
    from agent.sessions.redact import Redactor

__all__ = ["COLLECTORS", "Discovery", "Found", "Sweep", "discover"]

log = logging.getLogger(__name__)

SYS_DESCR, SYS_OBJECT_ID, SYS_NAME = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.1.5.0"
WHO = SnmpGet(oids=(SYS_DESCR, SYS_OBJECT_ID, SYS_NAME), holds=(None, None, "identifier"))
OWN_ADDRESSES = SnmpTable(
    columns=(
        SnmpColumn(oid="1.3.6.1.2.1.4.20.1.2"),  # ipAdEntIfIndex, indexed by the address
        SnmpColumn(oid="1.3.6.1.2.1.4.34.1.3.1.4"),  # ipAddressIfIndex of IPv4 addresses
        SnmpColumn(oid="1.3.6.1.2.1.4.34.1.3.2.16"),  # of IPv6 addresses
    ),
    max_rows=2_000,
)
COLLECTORS = ("identity", "neighbours")
REASONS = ("refused", "no-view", "malformed", "silent", "closed", "late")
"""Why a host is not among the found, the most telling first."""
HOST_SECONDS = 60
"""For the conversation with a host that answered."""


@dataclass(frozen=True)
class Sweep:
    """What to ask, with which credentials, and how gently.

    Attributes:
        networks: whose hosts are asked.
        credentials: name and credential, in the order to try.
        port: UDP port.
        concurrency: hosts under way at a time.
        rate: tries begun per second.
        timeout_ms: wait for each answer of the sweep.
        seconds: after these no further host is begun.
    """

    networks: tuple[Network, ...]
    credentials: tuple[tuple[str, Credential], ...]
    port: int = 161
    concurrency: int = 64
    rate: int = 100
    timeout_ms: int = 1_500
    seconds: int = 900


@dataclass(frozen=True)
class Found:
    """A device that answered."""

    address: str
    credentials: str
    object_id: str
    description: str
    name: str
    """sysName, without MAC addresses."""
    readings: tuple[Reading, ...] = ()
    own: frozenset[str] = frozenset()
    """Its own addresses, where it was asked for them."""


@dataclass
class Discovery:
    """What came of a sweep.

    Attributes:
        hosts: addresses in the networks.
        found: by address, in the order of the networks.
        missing: why the others are not among them, by reason.
        refused: address and what it said, for those that answered but let us not in.
    """

    hosts: int = 0
    found: list[Found] = field(default_factory=list)
    missing: Counter[str] = field(default_factory=Counter)
    refused: dict[str, AgentError] = field(default_factory=dict)

    @property
    def asked(self) -> int:
        """Hosts that are done with."""
        return len(self.found) + self.missing.total()


class _Pace:
    """Lets begin at most so many tries a second, evenly."""

    def __init__(self, rate: int) -> None:
        self._step = 1 / rate
        self._next = 0.0

    async def turn(self) -> None:
        now = asyncio.get_running_loop().time()
        self._next = max(self._next, now)
        wait, self._next = self._next - now, self._next + self._step
        if wait > 0:
            await asyncio.sleep(wait)


async def discover(
    sweep: Sweep, redactor: Redactor, clock: Clock, progress: Callable[[Discovery], None] | None = None
) -> Discovery:
    """Ask every host of the networks and read those that answer.

    Args:
        sweep: what to ask.
        redactor: knows the secrets of all credentials.
        clock: times the conversations.
        progress: is told after each host.

    Raises:
        UsageError: there is no credential to try.
        ConfigError: a credential opens no SNMP agent.
    """
    if not sweep.credentials:
        raise UsageError("no credential to try", todo="Name at least one with --credentials")
    for name, credential in sweep.credentials:
        snmp_access(credential, name)
    result = Discovery(hosts=sum(count(network) for network in sweep.networks))
    until = asyncio.get_running_loop().time() + sweep.seconds
    pace = _Pace(sweep.rate)
    queue = hosts(sweep.networks)
    order: dict[str, int] = {}

    async def work() -> None:
        for address in queue:
            order[address] = len(order)
            if asyncio.get_running_loop().time() >= until:
                return
            await _Host(sweep, address, redactor, clock, pace).into(result)
            if progress is not None:
                progress(result)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(sweep.concurrency, result.hosts)):
            group.create_task(work())
    if result.asked < result.hosts:
        result.missing["late"] = result.hosts - result.asked
    result.found.sort(key=lambda found: order[found.address])
    return result


class _Host:
    """One address while it is asked."""

    def __init__(self, sweep: Sweep, address: str, redactor: Redactor, clock: Clock, pace: _Pace) -> None:
        self._sweep = sweep
        self._address = address
        self._redactor = redactor
        self._clock = clock
        self._pace = pace
        self._why: dict[str, AgentError | None] = {}

    async def into(self, result: Discovery) -> None:
        """Ask, and put what came of it into the result."""
        for name, credential in self._credentials():
            await self._pace.turn()
            found = await self._try(name, credential)
            if found is not None:
                result.found.append(await self._read(found, credential))
                return
        reason = next(reason for reason in REASONS if reason in self._why)
        result.missing[reason] += 1
        if (why := self._why[reason]) is not None:
            result.refused[self._address] = why

    def _credentials(self) -> Iterator[tuple[str, Credential]]:
        """Give the credentials that may still be tried."""
        for name, credential in self._sweep.credentials:
            if "closed" in self._why:
                return
            if credential.version != "3" or "key refused" not in self._why:
                yield name, credential

    async def _try(self, name: str, credential: Credential) -> Found | None:
        limits = Limits(timeout_ms=self._sweep.timeout_ms, retries=0, deadline_ms=4 * self._sweep.timeout_ms)
        transport = self._transport(credential, limits)
        try:
            answer = await self._session(transport).ask(WHO)
        except GapError as gap:
            self._note(gap, credential, closed=bool(transport.dropped["port closed"]))
            return None
        finally:
            await transport.close()
        assert isinstance(answer.response, VarBinds)  # an SNMP transport gives nothing else
        cells = snmp.scalars(answer.response, WHO.oids)
        texts = {oid: snmp.text(cell.value) if cell else "" for oid, cell in cells.items()}
        object_id = snmp.oid(cells[SYS_OBJECT_ID]) or ""
        if not object_id and not texts[SYS_DESCR]:
            self._why["no-view"] = GapError(GapReason.REFUSED, "{why}", why=name)
            return None
        return Found(self._address, name, object_id, texts[SYS_DESCR], texts[SYS_NAME])

    def _note(self, gap: GapError, credential: Credential, *, closed: bool) -> None:
        if gap.reason == GapReason.REFUSED:
            self._why["refused"] = gap
            if credential.version == "3" and gap.what not in HARMLESS_REFUSALS:
                self._why["key refused"] = None
        elif closed:
            self._why["closed"] = None
        elif gap.reason == GapReason.MALFORMED:
            self._why["malformed"] = None
        else:
            self._why["silent"] = None

    async def _read(self, found: Found, credential: Credential) -> Found:
        """Read a device that let us in; what it does not tell is missing from the proposal, no more."""
        asset = Asset(id="device", family="generic-snmp", address=self._address, port=self._sweep.port)
        campus = Campus(version="1", school=School(id="discover", name="discover"), assets=(asset,))
        transport = self._transport(credential, Limits(timeout_ms=self._sweep.timeout_ms))
        session = self._session(transport)
        try:
            found = replace(found, readings=tuple(await measure(asset, campus, COLLECTORS, session)))
            return replace(found, own=await _own_addresses(session))
        except Exception:  # a collector's defect costs this host its details, not the others their turn
            log.exception("reading %s failed", self._address)
            return found
        finally:
            await transport.close()

    def _transport(self, credential: Credential, limits: Limits) -> SnmpTransport:
        access = snmp_access(credential, self._address)
        return SnmpTransport(self._address, self._sweep.port, credentials=access, limits=limits)

    def _session(self, transport: SnmpTransport) -> LiveSession:
        return LiveSession(transport, self._redactor, _forget, self._clock, HOST_SECONDS)


def _forget(exchange: Exchange) -> None:
    """Keep no record: a proposal is no evidence."""


async def _own_addresses(session: LiveSession) -> frozenset[str]:
    try:
        answer = await session.ask(OWN_ADDRESSES)
        assert isinstance(answer.response, VarBinds)  # an SNMP transport gives nothing else
        rows = snmp.rows(answer.response, OWN_ADDRESSES)
    except (GapError, MalformedError):
        return frozenset()
    return frozenset(address for index in rows if (address := address_of(index)) is not None)
