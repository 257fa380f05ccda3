"""What a region's clauses ask is no matter of one school: from its readings nothing can be derived.

The backend judges regions, with figures made of accepted statements (`assess.region_figures`); a school that asks for
a region's pack sees every clause without a target.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.assess.derive.derived import Derived

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.assess.samples import Readings
    from agent.model.campus import Campus
    from agent.model.finding import Window

__all__ = ["region"]


def region(readings: Readings, campus: Campus, window: Window, method: Mapping[str, str]) -> Derived:  # noqa: ARG001 - a derivation's signature
    """Derive nothing; see the module."""
    return Derived()
