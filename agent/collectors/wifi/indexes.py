"""Row indexes of Wi-Fi tables: which part is the access point, which the radio, and what of it is personal; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agent.model import snmp
from agent.model.exchange import IndexPart

if TYPE_CHECKING:
    from agent.model.exchange import Holds
    from agent.model.wifi import IndexKind

__all__ = ["Place", "redacted", "split"]

_HELD: dict[IndexKind, Holds] = {"name": "identifier", "serial": "serial"}
_MAC_OCTETS = 6


class Place(NamedTuple):
    """An index taken apart."""

    access_point: str
    """Of the access point, as its own table spells it."""
    rest: str
    """What follows: which radio."""
    name: str
    """The name that the index holds; empty if none."""


def redacted(kinds: tuple[IndexKind, ...]) -> tuple[IndexPart, ...]:
    """Return what an index holds that may not be kept as it is.

    Only what follows parts of fixed size can be declared; a text is therefore the last such part.
    """
    declared: list[IndexPart] = []
    at = 0
    for kind in kinds:
        if kind == "number":
            at += 1
        elif kind == "mac":
            declared.append(IndexPart(at=at, length=_MAC_OCTETS, holds="mac"))
            at += _MAC_OCTETS
        else:
            declared.append(IndexPart(at=at + 1, length=-1, holds=_HELD[kind]))
            break
    return tuple(declared)


def split(index: str, kinds: tuple[IndexKind, ...]) -> Place:
    """Take an index apart; one that is shorter than its kinds say is the access point's altogether."""
    numbers = index.split(".")
    at = 0
    name = ""
    for kind in kinds:
        if kind == "mac":
            at += _MAC_OCTETS
        elif kind == "number":
            at += 1
        else:
            length = int(numbers[at]) if at < len(numbers) else 0
            if kind == "name":
                name = snmp.text(bytes(int(number) & 0xFF for number in numbers[at + 1 : at + 1 + length]))
            at += 1 + length
    return Place(".".join(numbers[:at]), ".".join(numbers[at:]), name)
