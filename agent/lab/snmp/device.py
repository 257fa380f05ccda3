"""`Device`: what a lab device is, as data: where it listens, what it answers, whom it lets in, what is wrong."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.lab.snmp.faults import Fault
    from agent.lab.snmp.recording import Recording
    from agent.transports.snmp import User

__all__ = ["Device"]

_ENTERPRISE = bytes.fromhex("80007ed9")
"""snmpEngineID of RFC 3411 §5 with the enterprise number kept for documentation, 32473 (RFC 5612)."""
_ADMINISTRATIVE_OCTETS = b"\x05"


@dataclass(frozen=True, slots=True)
class Device:
    """One SNMP agent of the lab.

    Attributes:
        name: how tests and statistics call it; unique in a lab.
        recording: its objects.
        host: a loopback address; 127.0.0.0/8 has one for each device.
        port: UDP port; 0 takes a free one.
        community: for SNMPv1 and v2c; None refuses both.
        users: for SNMPv3.
        engine_id: snmpEngineID; empty makes one from the name.
        boots: snmpEngineBoots at start.
        max_size: octets of the largest message it sends (RFC 3417 §3.2 asks for 484 at least).
        faults: what is wrong with it.
    """

    name: str
    recording: Recording
    host: str = "127.0.0.1"
    port: int = 0
    community: bytes | None = b"lab-ro"
    users: tuple[User, ...] = ()
    engine_id: bytes = b""
    boots: int = 1
    max_size: int = 65_507
    faults: tuple[Fault, ...] = ()

    def engine(self) -> bytes:
        """Return the snmpEngineID."""
        return self.engine_id or _ENTERPRISE + _ADMINISTRATIVE_OCTETS + hashlib.sha256(self.name.encode()).digest()[:8]
