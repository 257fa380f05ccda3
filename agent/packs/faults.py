"""Faults of a file that is well formed: names that nobody knows, values that stand twice; with place and what to do."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from agent.errors import ConfigError, Phrase
from agent.language import N_
from agent.packs.validate import near
from agent.packs.yaml_source import Path, Source, spell

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["fault", "known", "twice"]


def fault(
    source: Source, place: Path, what: str, todo: str = "", *, at_key: bool = False, **values: object
) -> ConfigError:
    """Return one fault at the place of a value, or of its key."""
    return ConfigError(what, where=source.where(place, key=at_key), todo=todo, **values)


def known(
    source: Source,
    place: Path,
    name: str,
    names: Collection[str] | None,
    kind: str = "",
    *,
    what: str = N_("there is no {kind} {name!r}"),
    at_key: bool = False,
    **values: object,
) -> list[ConfigError]:
    """Report a name that is not among the known ones, with the one that was meant; None: any will do."""
    if names is None or name in names:
        return []
    meant = near(name, names)
    todo = N_("Did you mean {meant!r}? Known: {known}") if meant else N_("Known: {known}")
    listed = difflib.get_close_matches(name, sorted(names), n=5, cutoff=0.0) if len(names) > 20 else sorted(names)
    more = ", ..." if len(listed) < len(names) else ""
    text = ", ".join(listed) + more if listed else Phrase("none")
    told: dict[str, Any] = {"kind": Phrase(kind), "name": name[:60], "meant": meant, "known": text, **values}
    return [fault(source, place, what, todo, at_key=at_key, **told)]


def twice(source: Source, places: Iterable[Path]) -> list[ConfigError]:
    """Report values that stand at more than one of the places; absent ones count as distinct."""
    first: dict[str, str] = {}
    faults = []
    for place in places:
        value = str(_at(source, place))
        where = source.where(place)
        if value in first:
            what = N_("{key}: {value!r} is given twice; first at {first}")
            faults.append(fault(source, place, what, key=spell(place), value=value, first=first[value]))
        first.setdefault(value, where)
    return faults


def _at(source: Source, place: Path) -> object:
    value = source.data
    for part in place:
        value = value[part]
    return value
