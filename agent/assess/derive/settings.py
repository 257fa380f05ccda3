"""The settings of a derivation: what a standard states by name, the derivation's own defaults for the rest."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["numbers"]

_NUMBER: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")


def numbers(derivation: str, method: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, Fraction]:
    """Return every setting as a number: what the standard states, else the default.

    Args:
        derivation: its name, for the error.
        method: what a standard states.
        defaults: all settings that the derivation has.

    Raises:
        ConfigError: a setting is unknown or no plain decimal number.
    """
    where = f"method of {derivation}"
    for name, text in method.items():
        if name not in defaults:
            known = ", ".join(sorted(defaults)) or "none"
            raise ConfigError(
                "there is no setting {name!r}", where=where, todo="Known are: {known}", name=name[:60], known=known
            )
        if not _NUMBER.fullmatch(text):
            raise ConfigError(
                "{value!r} is no plain decimal number",
                where=f"{where}, {name}",
                todo="Write digits, with a point if needed",
                value=text[:60],
            )
    return {name: Fraction(method.get(name, default)) for name, default in defaults.items()}
