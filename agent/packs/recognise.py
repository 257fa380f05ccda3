"""Which family a device belongs to, by what it says about itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from agent.model.family import Family

__all__ = ["recognise", "telling"]

_DESCRIBED: Final = 13
"""A match of sysDescr stands above a sysObjectID prefix that names no enterprise (up to six arcs, each counts two)."""


def recognise(
    families: Iterable[Family], *, sys_object_id: str = "", sys_descr: str = "", objects: Collection[str] = ()
) -> Family | None:
    """Return the family whose sysObjectID prefix is longest; None if none fits.

    Objects tell the role of the device: if it has some of a family, only families of that role come into question, and
    one without a fitting prefix or description only if the device has its objects.

    Args:
        families: all families.
        sys_object_id: dotted value of SNMPv2-MIB::sysObjectID.0, without leading dot.
        sys_descr: value of SNMPv2-MIB::sysDescr.0.
        objects: of the instances in `telling`, those that the device has.
    """
    said = [(_rank(family, sys_object_id, sys_descr), family) for family in families]
    held = [family for _, family in said if any(oid in objects for oid in family.recognise.objects)]
    roles = {family.role for family in held}
    fitting = [
        (-rank, family not in held, family.id, family)
        for rank, family in said
        if (rank or family in held) and (not roles or family.role in roles)
    ]
    return min(fitting, key=lambda one: one[:3])[3] if fitting else None


def telling(families: Iterable[Family]) -> tuple[str, ...]:
    """Return the instances whose presence tells a family, each once."""
    return tuple(dict.fromkeys(oid for family in families for oid in family.recognise.objects))


def _rank(family: Family, sys_object_id: str, sys_descr: str) -> int:
    arcs = sys_object_id.split(".")
    prefixes = [prefix.split(".") for prefix in family.recognise.sys_object_id] if sys_object_id else []
    longest = max((len(prefix) for prefix in prefixes if arcs[: len(prefix)] == prefix), default=0)
    described = any(re.search(expression, sys_descr) for expression in family.recognise.sys_descr)
    return max(2 * longest, _DESCRIBED if described else 0)
