"""Derivations: one module per thing that clauses speak of and no single device can answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.assess.derive.equipment import equipment
from agent.assess.derive.ipv6 import ipv6
from agent.assess.derive.logs import logs
from agent.assess.derive.platforms import platforms
from agent.assess.derive.power import power
from agent.assess.derive.ratios import ratios
from agent.assess.derive.region import region
from agent.assess.derive.rooms import rooms
from agent.assess.derive.security import security
from agent.assess.derive.surveillance import surveillance
from agent.assess.derive.systems import systems
from agent.assess.derive.telemetry import telemetry
from agent.assess.derive.terminals import terminals
from agent.assess.derive.topology import topology

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.assess.derive.derived import Derivation

__all__ = ["DERIVATIONS"]

DERIVATIONS: Mapping[str, Derivation] = {
    "equipment": equipment,
    "ipv6": ipv6,
    "logs": logs,
    "platforms": platforms,
    "power": power,
    "ratios": ratios,
    "region": region,
    "rooms": rooms,
    "security": security,
    "surveillance": surveillance,
    "systems": systems,
    "telemetry": telemetry,
    "terminals": terminals,
    "topology": topology,
}
"""By the name that a metric's `derivation` gives."""
