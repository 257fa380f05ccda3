"""One step of a conversation: `Request`, `Response`, `Exchange`, `Gap`; and `Session`, the port that collectors ask.

A request says everything that shapes its answer, and which parts of the answer hold personal data, so that replay and
redaction are exact. An `Exchange` is one line of a raw segment; its digest is what readings cite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Protocol, runtime_checkable

from pydantic import Field

from agent import canonical
from agent.model.base import Decimal, Digest, Holds, Identifier, Nanoseconds, Timestamp, Word
from agent.model.canary import CanaryFound, CanaryList, CanaryNonces, CanarySeek, CanarySend, CanarySent
from agent.model.cli import CliCommand, CliOutput
from agent.model.gap import Gap, GapReason, Unasked
from agent.model.http import HttpReply, HttpRequest
from agent.model.logs import LogDays, LogTally
from agent.model.net import NetAddresses, NetLookup, NetProbe, NetProbed
from agent.model.rtsp import RtspPlay, RtspPlayed

__all__ = [
    "Answer",
    "Bounded",
    "CliCommand",
    "CliOutput",
    "Exchange",
    "Gap",
    "GapReason",
    "Holds",
    "HostAddress",
    "HostFacts",
    "HostState",
    "HttpReply",
    "HttpRequest",
    "IndexPart",
    "LogDays",
    "LogTally",
    "MqttListen",
    "MqttMessage",
    "MqttMessages",
    "NetAddresses",
    "NetLookup",
    "NetProbe",
    "NetProbed",
    "Notification",
    "Notifications",
    "Partial",
    "Request",
    "Response",
    "RtspPlay",
    "RtspPlayed",
    "Session",
    "SnmpColumn",
    "SnmpGet",
    "SnmpNotifications",
    "SnmpTable",
    "Topic",
    "Transport",
    "Unasked",
    "VarBinds",
]


# --- SNMP ---------------------------------------------------------------------------------------------------------


class SnmpGet(Word):
    """GET of scalar instances or table cells, all in one PDU where the device allows.

    The answer has one varbind per OID, in order; exceptions (noSuchObject, noSuchInstance) are kept as their tags.
    """

    op: Literal["snmp.get"] = "snmp.get"
    oids: tuple[str, ...]
    """Dotted instances without leading dot."""
    holds: tuple[Holds | None, ...] = ()
    """What each value holds; empty, or as long as `oids`."""


class SnmpColumn(Word):
    """A column of a table to walk."""

    oid: str
    """Dotted column OID, without index and leading dot."""
    holds: Holds | None = None


class IndexPart(Word):
    """A run of sub-identifiers of the row index that holds personal data (a MAC is six of them)."""

    at: int
    """Position of the first sub-identifier, from 0."""
    length: int
    """How many; 0 for all to the end of the index, whose own form then says where the address starts: `inet`, or
    `ip4`, `ip6` and `mac` with or without their length in front. Of such a part nothing stays that does not decode.
    -1 for as many as the sub-identifier before it says (RFC 2578 §7.7), or for all where that is too many."""
    holds: Holds


class SnmpTable(Word):
    """Walk of some columns of one table. The answer keeps wire order within a column, columns in the order asked."""

    op: Literal["snmp.table"] = "snmp.table"
    columns: tuple[SnmpColumn, ...]
    index: tuple[IndexPart, ...] = ()
    max_rows: int = 20_000
    vlan: int | None = Field(default=None, ge=1, le=4094)
    """Of devices that keep one copy of a table for each VLAN, which copy: with a community `community@vlan`, with a
    user the context `vlan-<number>` (Cisco). Asked only of devices that show a list of such VLANs."""


class Partial(Word):
    """Why a walk ended early; what it had is kept and marked, never silently shortened."""

    column: str
    reason: str
    """`error-status 5`, `not increasing`, `timeout`, `row cap`, ..."""


class VarBinds(Word):
    """SNMP answer: each variable binding's BER bytes as received (RFC 3416 §3), in hex."""

    op: Literal["varbinds"] = "varbinds"
    varbinds: tuple[str, ...]
    partial: tuple[Partial, ...] = ()


class SnmpNotifications(Word):
    """Take the traps and informs that arrived since the last time; with none at hand, wait for the first."""

    op: Literal["snmp.notifications"] = "snmp.notifications"
    seconds: int = Field(ge=0, le=3600)
    """How long to wait at most."""
    columns: tuple[SnmpColumn, ...]
    """The variables that are kept, as columns or scalars without instance. A device may send along anything, user names
    and log lines too: every other variable is only counted."""


class Notification(Word):
    """One notification (RFC 3416 §4.2.6, §4.2.7); its community or user is not kept."""

    at: Timestamp
    """When it arrived here."""
    sender: Identifier
    """The asset that sent it."""
    version: Literal["1", "2c", "3"]
    """A trap of version 1 has its two first varbinds made from its header (RFC 3584 §3.1)."""
    kind: Literal["trap", "inform"]
    """An inform was acknowledged."""
    varbinds: tuple[str, ...]
    """BER bytes as received, after decryption, in hex: sysUpTime.0, snmpTrapOID.0, and what was sent along."""


class Notifications(Word):
    """What arrived, in order of arrival, and how much more is not shown."""

    op: Literal["notifications"] = "notifications"
    notifications: tuple[Notification, ...]
    listened_ms: int
    """Time since the last taking, or since listening began."""
    dropped: int = 0
    """Notifications and datagrams that came faster than they could be taken or kept."""
    repeated: int = 0
    """Second copies of one notification: an inform whose acknowledgement was lost, or a datagram played back."""
    unknown: int = 0
    """Datagrams from addresses that are no asset's."""
    refused: int = 0
    """Datagrams of assets with a wrong community, user, key or security level, or from outside the time window."""
    malformed: int = 0
    """Datagrams of assets that do not decode or are no notification."""


# --- MQTT ---------------------------------------------------------------------------------------------------------


class Topic(Word):
    """A topic filter to listen to, and which of its levels names a device."""

    kind: str
    """What publishes there: lighting, water, air, energy, ..."""
    filter: str
    """MQTT topic filter with + and #."""
    device_level: int
    """Level (from 0) of a matching topic that names the device; it becomes a pseudonym."""


class MqttListen(Word):
    """Listen to a broker for a bounded time."""

    op: Literal["mqtt.listen"] = "mqtt.listen"
    topics: tuple[Topic, ...]
    seconds: int
    max_messages: int = 20_000


class MqttMessage(Word):
    """One message, without its payload: who (pseudonym), where, when, how large."""

    kind: str
    topic: str
    """The topic with the device level replaced by its pseudonym."""
    device: str
    at: Timestamp
    """When it arrived here."""
    retained: bool
    """True for a message that the broker kept from before: it proves that the device exists, not that it lives."""
    qos: int
    size: int
    """Payload octets."""


class MqttMessages(Word):
    """What was heard; `dropped` counts messages beyond the cap."""

    op: Literal["mqtt.messages"] = "mqtt.messages"
    messages: tuple[MqttMessage, ...]
    listened_ms: int
    dropped: int = 0


# --- the agent's own server ----------------------------------------------------------------------------------------


class HostFacts(Word):
    """Look at the server that the agent runs on."""

    op: Literal["host.facts"] = "host.facts"


class HostAddress(Word):
    """How many addresses of a kind the server has; the addresses themselves are not kept."""

    family: Literal["ipv4", "ipv6"]
    scope: str
    """As `model.inet.scope_of` names it."""
    count: int


class HostState(Word):
    """What the operating system says; absent where it does not."""

    op: Literal["host.state"] = "host.state"
    disk_total: Decimal | None = None
    """Octets of the file system that holds the agent's state."""
    disk_free: Decimal | None = None
    """Octets of it that the agent may still use."""
    memory_total: Decimal | None = None
    memory_available: Decimal | None = None
    """Octets that can be given out without swapping."""
    load: tuple[Decimal, ...] = ()
    """Load averages over 1, 5 and 15 minutes."""
    cpus: int | None = None
    uptime_seconds: Decimal | None = None
    boot_id: str
    """`unknown` where the system gives none."""
    clock: Literal["synchronised", "unsynchronised", "unknown"]
    clock_source: Literal["chrony", "kernel", "none"]
    """What said so."""
    clock_error_ms: Decimal | None = None
    """The largest error that it admits."""
    addresses: tuple[HostAddress, ...] = ()


# --- the conversation ---------------------------------------------------------------------------------------------

Request = Annotated[
    SnmpGet
    | SnmpTable
    | SnmpNotifications
    | MqttListen
    | HostFacts
    | CliCommand
    | HttpRequest
    | RtspPlay
    | LogTally
    | CanarySend
    | CanarySeek
    | CanaryList
    | NetLookup
    | NetProbe
    | Unasked,
    Field(discriminator="op"),
]
Response = Annotated[
    VarBinds
    | Notifications
    | MqttMessages
    | HostState
    | CliOutput
    | HttpReply
    | RtspPlayed
    | LogDays
    | CanarySent
    | CanaryFound
    | CanaryNonces
    | NetAddresses
    | NetProbed,
    Field(discriminator="op"),
]


class Exchange(Word):
    """One request and what came of it: a response or a gap, redacted, as it is kept and hashed."""

    n: int
    """Position in the segment, from 0."""
    at: Timestamp
    """Wall time of the agent when the answer was complete."""
    monotonic_ns: Nanoseconds
    """CLOCK_MONOTONIC at the same moment, a decimal string."""
    request: Request
    response: Response | None = None
    gap: Gap | None = None
    redactions: dict[str, int] = Field(default_factory=dict)
    """How many values each redaction rule replaced."""

    def digest(self) -> Digest:
        """Return the digest that readings cite: of the canonical bytes of this line."""
        return canonical.digest(self.to_bytes())


@dataclass(frozen=True, slots=True)
class Answer:
    """What a collector gets: the response, when it was complete, and the digest to cite."""

    response: Response
    at: Timestamp
    source: Digest


class Session(Protocol):
    """The only door that a collector has to the outside."""

    async def ask(self, request: Request) -> Answer:
        """Ask one thing and wait for the answer.

        Raises:
            GapError: there is no usable answer; the gap is recorded, `source` cites it.
        """
        ...


@runtime_checkable
class Bounded(Protocol):
    """A transport that ends an exchange in time by itself, and then gives what it has instead of nothing."""

    def within(self, seconds: float) -> None:
        """Bound the next exchange."""
        ...


class Transport(Protocol):
    """Carries one request to one asset and brings back what it said, unredacted.

    Sessions own it; collectors never see it.
    """

    async def exchange(self, request: Request) -> Response:
        """Send the request with its own per-packet timeouts and tries.

        Raises:
            GapError: there is no usable answer.
        """
        ...

    async def close(self) -> None:
        """Release sockets and threads; may be called more than once."""
        ...
