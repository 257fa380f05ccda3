"""Which family a device belongs to, by what it says about itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.model.family import Family

__all__ = ["recognise"]

_DESCRIBED: Final = 13
"""A match of sysDescr stands above a sysObjectID prefix that names no enterprise (up to six arcs, each counts two)."""


def recognise(families: Iterable[Family], *, sys_object_id: str = "", sys_descr: str = "") -> Family | None:
    """Return the family whose sysObjectID prefix is longest; None if none fits.

    Args:
        families: all families.
        sys_object_id: dotted value of SNMPv2-MIB::sysObjectID.0, without leading dot.
        sys_descr: value of SNMPv2-MIB::sysDescr.0.
    """
    ranked = [(_rank(family, sys_object_id, sys_descr), family.id, family) for family in families]
    best = max((rank for rank, _, _ in ranked), default=0)
    return min(((name, family) for rank, name, family in ranked if rank == best and rank), default=("", None))[1]


def _rank(family: Family, sys_object_id: str, sys_descr: str) -> int:
    arcs = sys_object_id.split(".")
    prefixes = [prefix.split(".") for prefix in family.recognise.sys_object_id] if sys_object_id else []
    longest = max((len(prefix) for prefix in prefixes if arcs[: len(prefix)] == prefix), default=0)
    described = any(re.search(expression, sys_descr) for expression in family.recognise.sys_descr)
    return max(2 * longest, _DESCRIBED if described else 0)
