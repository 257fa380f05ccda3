"""What a device tells of its access points, whatever its MIB: `Inventory`, `AccessPoint`, `Radio`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.model.exchange import Answer

__all__ = ["AccessPoint", "Inventory", "Radio", "Total", "with_keys"]


@dataclass(frozen=True, slots=True)
class Total:
    """A count that the device keeps itself, and the answer that holds it."""

    value: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class Radio:
    """One radio of an access point; None where the device does not say."""

    key: str
    answers: tuple[Answer, ...]
    channel: int | None = None
    band: str | None = None
    state: str | None = None
    clients: int | None = None
    signal: str | None = None

    def merged(self, other: Radio) -> Radio:
        """Return one radio of two rows about it: its networks have their own clients and states."""
        counts = [each for each in (self.clients, other.clients) if each is not None]
        states = {self.state, other.state}
        return replace(
            self,
            channel=self.channel if self.channel is not None else other.channel,
            band=self.band or other.band,
            state="up" if "up" in states else self.state or other.state,
            clients=sum(counts) if counts else None,
            signal=self.signal or other.signal,
        )


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """One access point; texts are empty and numbers None where the device does not say."""

    index: str
    """Its index in the tables of the device, MAC addresses as pseudonyms; empty for the device itself."""
    answers: tuple[Answer, ...]
    key: str = ""
    """The name under which readings speak of it; see `with_keys`."""
    name: str = ""
    state: str | None = None
    clients: int | None = None
    location: str = ""
    model: str = ""
    serial: str = ""
    group: str = ""
    radios: tuple[Radio, ...] = ()

    @property
    def is_standby(self) -> bool:
        """The copy of an access point on the controller that waits: its figures are zeros, not measurements."""
        return self.state == "standby"

    def clients_now(self) -> int | None:
        """Return its clients: its own count, else that of its radios."""
        if self.is_standby:
            return None
        if self.clients is not None:
            return self.clients
        counts = [radio.clients for radio in self.radios if radio.clients is not None]
        return sum(counts) if counts else None


@dataclass(frozen=True)
class Inventory:
    """All that one MIB of the device tells."""

    mib: str
    answers: tuple[Answer, ...]
    joined: Total | None = None
    configured: Total | None = None
    clients: Total | None = None
    aps: tuple[AccessPoint, ...] = ()
    partial: bool = False
    has_table: bool = field(default=False)
    """The device has a table of access points at all, so that counting its rows means something."""

    @property
    def weight(self) -> int:
        """How much it tells: 2 with access points, 1 with a count that is not 0, 0 otherwise."""
        totals = (self.joined, self.configured, self.clients)
        return 2 if self.aps else int(any(total is not None and total.value for total in totals))

    @property
    def is_empty(self) -> bool:
        """The device knows nothing of this MIB."""
        return not self.aps and self.joined is None and self.configured is None and self.clients is None


def with_keys(aps: Iterable[AccessPoint]) -> tuple[AccessPoint, ...]:
    """Return the access points with the names of their readings, each different.

    The name is the device's own; one that is empty, taken twice or holds a `#` gets its index behind a `#`, so that two
    access points never merge.
    """
    every = list(aps)
    taken = Counter(ap.name for ap in every)
    keyed = []
    for ap in every:
        unique = ap.name and taken[ap.name] == 1 and "#" not in ap.name
        keyed.append(replace(ap, key=ap.name if unique else f"{ap.name}#{ap.index}"))
    return tuple(keyed)
