"""The units that metrics, readings and standards may carry, and exact conversion between those of one dimension.

Spellings are UCUM, case-sensitive (https://ucum.org/ucum): `By` is the byte, `Cel` the degree Celsius, `1` a count or a
ratio. Decimal prefixes are powers of ten, so `Mbit/s` is 10^6 bit/s.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from agent.errors import MalformedError

__all__ = ["UNITS", "compatible", "convert", "factor"]

UNITS: Final[dict[str, tuple[str, Fraction]]] = {
    "1": ("ratio", Fraction(1)),
    "%": ("ratio", Fraction(1, 100)),
    "bit/s": ("data rate", Fraction(1)),
    "kbit/s": ("data rate", Fraction(10**3)),
    "Mbit/s": ("data rate", Fraction(10**6)),
    "Gbit/s": ("data rate", Fraction(10**9)),
    "By/s": ("data rate", Fraction(8)),
    "bit": ("data", Fraction(1, 8)),
    "By": ("data", Fraction(1)),
    "kBy": ("data", Fraction(10**3)),
    "MBy": ("data", Fraction(10**6)),
    "GBy": ("data", Fraction(10**9)),
    "TBy": ("data", Fraction(10**12)),
    "ms": ("time", Fraction(1, 1000)),
    "cs": ("time", Fraction(1, 100)),
    "s": ("time", Fraction(1)),
    "min": ("time", Fraction(60)),
    "h": ("time", Fraction(3600)),
    "d": ("time", Fraction(86400)),
    "mo": ("calendar months", Fraction(1)),  # as the clauses count them; no number of days
    "Cel": ("temperature", Fraction(1)),
    "V": ("voltage", Fraction(1)),
    "W": ("power", Fraction(1)),
    "kW": ("power", Fraction(1000)),
    "dB[mW]": ("level", Fraction(1)),  # dBm; UCUM has only B[W], this is formed alike
}
"""Unit to its dimension and to the factor that leads to the first unit of that dimension."""


def compatible(one: str, other: str) -> bool:
    """Tell whether both units are known and measure the same thing."""
    return one in UNITS and other in UNITS and UNITS[one][0] == UNITS[other][0]


def factor(source: str, target: str) -> Fraction:
    """Return what a number in `source` is multiplied with to be in `target`.

    Raises:
        MalformedError: a unit is unknown, or the two measure different things.
    """
    for unit in (source, target):
        if unit not in UNITS:
            raise MalformedError("{unit!r} is not a unit known here", unit=unit[:40])
    if not compatible(source, target):
        raise MalformedError("{source!r} cannot be converted to {target!r}", source=source, target=target)
    return UNITS[source][1] / UNITS[target][1]


def convert(value: Fraction, source: str, target: str) -> Fraction:
    """Return the value in the target unit, exactly.

    Raises:
        MalformedError: a unit is unknown, or the two measure different things.
    """
    return value if source == target and source in UNITS else value * factor(source, target)
