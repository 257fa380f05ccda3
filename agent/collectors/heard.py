"""`Heard`: what a device has heard of one neighbour, whichever protocol told it; `Hearing`: all of one protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.collectors.ports import LocalPort
    from agent.model.exchange import Answer

__all__ = ["Heard", "Hearing"]


@dataclass(frozen=True, slots=True)
class Heard:
    """A neighbour; what the device does not tell, or what is not asked of terminals, is empty."""

    number: str
    """Of the device's own port, as the protocol counts."""
    kind: str
    capabilities: tuple[str, ...]
    chassis: str = ""
    remote_port: str = ""
    remote_description: str = ""
    name: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hearing:
    """What one protocol told, and in which answers."""

    protocol: str
    """`lldp`, `lldp-v2`, `cdp` or `tp-link`."""
    walked: Answer
    """The answer that shows who is there."""
    complete: bool = True
    heard: tuple[Heard, ...] = ()
    identified: Answer | None = None
    """The answer with names and ports."""
    managed: Answer | None = None
    """The answer with addresses, where it is one of its own."""
    local: Mapping[str, LocalPort] = field(default_factory=dict)
    """Rows of lldpLocPortTable by port number."""
    local_answers: tuple[Answer, ...] = ()
    bridge_ports: bool = False
    """A port number may be that of a bridge port instead of an ifIndex."""
    own: Mapping[str, tuple[str, tuple[Answer, ...]]] = field(default_factory=dict)
    """How the device itself appears to its neighbours, by metric."""

    @property
    def spoken(self) -> bool:
        """The device speaks this protocol."""
        return bool(self.heard or self.own)
