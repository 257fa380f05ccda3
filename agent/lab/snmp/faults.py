"""Faults that a lab device has, as data. Each is something that devices or networks in use do.

`when` says at which requests a fault acts, counted from 1 with every datagram that reaches the device: from the first
on for good, at one request, or at every third.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ALWAYS",
    "BootsReset",
    "CounterStep",
    "Delay",
    "Duplicate",
    "Empty",
    "ErrorAt",
    "Fault",
    "Garbage",
    "Jump",
    "OtherPort",
    "Reboot",
    "Silence",
    "TooBig",
    "Truncated",
    "When",
    "WrongCommunity",
    "WrongRequestId",
]


@dataclass(frozen=True, slots=True)
class When:
    """Requests `first`, `first` + `every`, ... up to and including `last` (None: without end)."""

    first: int = 1
    last: int | None = None
    every: int = 1

    def holds(self, request: int) -> bool:
        """Say whether the fault acts at the request of that number."""
        before_end = self.last is None or request <= self.last
        return request >= self.first and before_end and (request - self.first) % self.every == 0


ALWAYS = When()


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer. With ``When(first=n, every=n)`` every nth request is lost."""

    when: When = ALWAYS


@dataclass(frozen=True, slots=True)
class Delay:
    """The answer comes late."""

    seconds: float
    when: When = ALWAYS


@dataclass(frozen=True, slots=True)
class TooBig:
    """tooBig for an answer of more than so many variable bindings, instead of a shorter answer."""

    varbinds: int
    when: When = ALWAYS


@dataclass(frozen=True, slots=True)
class ErrorAt:
    """An error (genErr unless said otherwise) for every answer that would hold this object."""

    oid: str
    status: int = 5
    when: When = ALWAYS


@dataclass(frozen=True, slots=True)
class Jump:
    """After one object comes another than the next: itself (not increasing), an earlier one (a cycle), a later one."""

    after: str
    to: str
    when: When = ALWAYS


@dataclass(frozen=True, slots=True)
class Empty:
    """An answer without error and without variable bindings."""

    when: When = ALWAYS


@dataclass(frozen=True, slots=True)
class Truncated:
    """A datagram that lacks its last octets."""

    octets: int = 7
    when: When = ALWAYS


@dataclass(frozen=True, slots=True)
class WrongRequestId:
    """The answer to another request."""

    when: When = ALWAYS


@dataclass(frozen=True, slots=True)
class WrongCommunity:
    """The answer holds another community (SNMPv1 and v2c)."""

    when: When = ALWAYS


@dataclass(frozen=True, slots=True)
class OtherPort:
    """The answer comes from a port that was not asked."""

    when: When = ALWAYS


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The answer comes twice."""

    when: When = ALWAYS


@dataclass(frozen=True, slots=True)
class Garbage:
    """A datagram that is not SNMP comes before the answer."""

    data: bytes = b"\x30\x82\xff\xff\x02\x01\x01\x04"
    when: When = ALWAYS


@dataclass(frozen=True, slots=True)
class Reboot:
    """The device restarts before it answers: sysUpTime and counters start at 0, engineBoots rises by one."""

    when: When = ALWAYS


@dataclass(frozen=True, slots=True)
class BootsReset:
    """As a reboot that also loses the boots counter: engineBoots becomes `boots`, which RFC 3414 forbids."""

    boots: int = 1
    when: When = ALWAYS


@dataclass(frozen=True, slots=True)
class CounterStep:
    """Every counter under the OID steps by so much, once per request at which it acts."""

    oid: str
    by: int
    when: When = ALWAYS


Fault = (
    Silence
    | Delay
    | TooBig
    | ErrorAt
    | Jump
    | Empty
    | Truncated
    | WrongRequestId
    | WrongCommunity
    | OtherPort
    | Duplicate
    | Garbage
    | Reboot
    | BootsReset
    | CounterStep
)
