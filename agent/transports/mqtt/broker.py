"""The broker as a peer: where it is, who we are to it, the bounds of a conversation, the gaps it can end in."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.errors import GapError
from agent.model.exchange import GapReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.transports.mqtt.dial import Address

__all__ = ["Broker", "MqttLimits", "MqttLogin"]


@dataclass(frozen=True, slots=True)
class MqttLogin:
    """User name and password for a broker; neither shows in the repr."""

    username: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MqttLimits:
    """Bounds of one conversation."""

    connect_seconds: float = 10.0
    """Resolve, TCP, TLS, CONNACK and SUBACK together."""
    close_seconds: float = 2.0
    """For the broker's last answer, after listening."""
    keepalive_seconds: int = 10
    """Silence after which the broker is pinged; twice that is a lost connection."""
    reconnect_seconds: float = 1.0
    """Wait before reconnecting during listening; doubles each time."""
    max_packet_octets: int = 32 * 2**20
    """The library holds a packet about three times in memory."""
    max_topic_octets: int = 1024


@dataclass(frozen=True)
class Broker:
    """Where to connect and as whom."""

    host: str
    port: int
    addresses: Sequence[Address]
    login: MqttLogin | None
    tls: ssl.SSLContext | None
    client_id: str
    started: float
    """`time.monotonic` when the exchange began, for elapsed times in gaps."""

    def gap(self, reason: GapReason, phase: str, what: str, todo: str = "", **values: object) -> GapError:
        """Return the gap that names host, phase and elapsed time."""
        elapsed = time.monotonic() - self.started
        return GapError(
            reason,
            what,
            where=f"{self.host}:{self.port}, phase {phase}, after {elapsed:.1f} s",
            todo=todo,
            **values,
        )

    def foreign(self, phase: str, why: str) -> GapError:
        """Return the gap for a peer that is no MQTT broker."""
        return self.gap(
            GapReason.MALFORMED,
            phase,
            "this is not an MQTT broker: {why}",
            todo="Check address and port of the asset in the campus file, and whether the port wants TLS",
            why=why,
        )

    def no_connection(self, phase: str, error: OSError) -> GapError:
        """Return the gap for a failed TCP or TLS connection."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return self.gap(
                GapReason.REFUSED,
                phase,
                "the certificate of the broker is not trusted: {why}",
                todo="Give the authority that issued it, and the name that it carries",
                why=error.verify_message,
            )
        if isinstance(error, ssl.SSLError):
            return self.gap(
                GapReason.MALFORMED,
                phase,
                "no TLS connection: {why}",
                todo="Check that this port speaks TLS 1.2 or later",
                why=error.reason or error.strerror,
            )
        return self.gap(
            GapReason.UNREACHABLE,
            phase,
            "no connection: {why}",
            todo="Check address, port and firewall, and that the broker runs",
            why=error.strerror or str(error),
        )
