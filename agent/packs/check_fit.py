"""Whether a campus file fits the packs that are here: what `lint` asks of it beyond what a run needs.

A run takes a file with such faults: one wrong name costs its own store or clause, not the others. Nor does a verifier
refuse the file of an old bundle for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.language import N_
from agent.model.log_forms import forms_of
from agent.model.logs import LogStore
from agent.packs.faults import fault, known

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.errors import ConfigError
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.standard import Standard
    from agent.packs.yaml_source import Path, Source

__all__ = ["campus_fits"]

_NO_STANDARD: Final = N_("there is no standard {name!r}")
_SAMPLE: Final = "示例"
"""How the names of rooms begin in config/rooms.example.csv."""
_FIELDS: Final = ("source_field", "time_field", "tenant")
"""What a store says of itself; where it keeps logs and their text may be said elsewhere too."""


def campus_fits(pack: Campus, source: Source, standards: Mapping[str, Standard]) -> list[ConfigError]:
    """Return what the campus file says that no standard knows, and that no log store can be asked for.

    Args:
        pack: the campus file, well formed and consistent by itself (`load_campus`).
        source: its places.
        standards: all that are released, by id.
    """
    return [
        *_applied(pack, source, standards),
        *_declared(pack, source, standards),
        *_logs(pack, source),
        *_samples(pack, source),
    ]


def _samples(pack: Campus, source: Source) -> Iterator[ConfigError]:
    """Find rooms that nobody has: rows of the example table that were left as they are."""
    for n, room in enumerate(pack.rooms):
        if room.name.startswith(_SAMPLE):
            what = N_("this room is one of the example table: {name!r}")
            todo = N_("Write the school's own room instead, or delete the row")
            yield fault(source, ("rooms", n, "name"), what, todo, name=room.name[:40])


def _applied(pack: Campus, source: Source, standards: Mapping[str, Standard]) -> Iterator[ConfigError]:
    """Check that levels and choices applied for exist in their standards."""
    for n, applied in enumerate(pack.applications):
        place: Path = ("applications", n)
        yield from known(source, (*place, "standard"), applied.standard, standards, what=_NO_STANDARD)
        standard = standards.get(applied.standard)
        if standard is None:
            continue
        if applied.level is not None:
            levels = [level.id for level in standard.levels]
            what = N_("{standard} has no level {name!r}")
            yield from known(source, (*place, "level"), applied.level, levels, what=what, standard=standard.id)
        for section, chosen in applied.choices.items():
            yield from _chosen((*place, "choices", section), (section, chosen), source, standard)


def _chosen(place: Path, choice: tuple[str, str], source: Source, standard: Standard) -> list[ConfigError]:
    """Check a choice: a section that lets choose, and one of those below it."""
    section, chosen = choice
    choosing = [one.id for one in standard.sections if one.combine == "choose"]
    if section not in choosing:
        what = N_("{standard} has no section {name!r} that lets choose")
        return known(source, place, section, choosing, what=what, at_key=True, standard=standard.id)
    below = [one.id for one in standard.sections if one.parent == section]
    what = N_("{standard} has no section {name!r} below {section}")
    return known(source, place, chosen, below, what=what, standard=standard.id, section=section)


def _declared(pack: Campus, source: Source, standards: Mapping[str, Standard]) -> Iterator[ConfigError]:
    """Check that each declaration answers a criterion that only a document can show.

    Standards without levels and choices need no application, so a declaration may be for any standard that is released.
    """
    for name in pack.declarations:
        place: Path = ("declarations", name)
        standard, _, criterion = name.partition("/")
        if standard not in standards:
            yield from known(source, place, standard, standards, what=_NO_STANDARD, at_key=True)
            continue
        criteria = [one for indicator in standards[standard].indicators for one in indicator.criteria]
        if any(one.id == criterion and one.declared is None for one in criteria):
            what = N_("{criterion} of {standard} is measured, so no declaration of it counts")
            todo = N_("Leave it out; what a contract says of a line stands under that link")
            yield fault(source, place, what, todo, at_key=True, criterion=criterion, standard=standard)
        else:
            wanted = [one.id for one in criteria if one.declared is not None]
            what = N_("{standard} has no criterion {name!r} that is declared")
            yield from known(source, place, criterion, wanted, what=what, at_key=True, standard=standard)


def _logs(pack: Campus, source: Source) -> Iterator[ConfigError]:
    """Check what stands in the requests to log stores: where, fields, tenant, names of sources."""
    for n, store in enumerate(pack.assets):
        forms = forms_of(store.family)
        if not forms:
            continue
        for place, key, text in (*_of_store(n, store, pack), *_of_sources(store, pack), *_of_canaries(store, pack)):
            if key in forms and not forms[key].fits(text):
                what = (
                    N_("{key} {text!r} cannot be asked for") if text else N_("stores of the family {family} need {key}")
                )
                todo = N_("Write it as stores of the family {family} know it, for example {example}")
                values: dict[str, Any] = {"key": forms[key].key, "example": forms[key].example, "text": text[:100]}
                yield fault(source, place, what, todo, family=store.family, **values)


def _of_store(n: int, store: Asset, pack: Campus) -> Iterator[tuple[Path, str, str]]:
    """Yield what a store says of itself: the place, the key of its form, and the text."""
    logs = store.logs or LogStore()
    for key in _FIELDS:
        yield ("assets", n, "logs", key), key, getattr(logs, key)
    if logs.text_field:
        yield ("assets", n, "logs", "text_field"), "text_field", logs.text_field
    stored = [on for kept in pack.log_sources for on in kept.stored if on.store == store.id]
    if logs.where or not stored or not all(on.where for on in stored):
        yield ("assets", n, "logs", "where"), "where", logs.where


def _of_sources(store: Asset, pack: Campus) -> Iterator[tuple[Path, str, str]]:
    """Yield what log sources say of how the store keeps them."""
    for n, kept in enumerate(pack.log_sources):
        for m, on in enumerate(kept.stored):
            if on.store == store.id:
                yield ("log_sources", n, "stored", m, "name"), "name", on.name
                if on.where:
                    yield ("log_sources", n, "stored", m, "where"), "where", on.where


def _of_canaries(store: Asset, pack: Campus) -> Iterator[tuple[Path, str, str]]:
    """Yield what canaries of the store say of where it keeps them."""
    for n, canary in enumerate(pack.assets):
        if canary.logs is not None and canary.logs.canary_of == store.id:
            texts = {"where": canary.logs.where, "name": canary.logs.canary_host, "text_field": canary.logs.text_field}
            for key, text in texts.items():
                if text:
                    place = ("assets", n, "logs", "canary_host" if key == "name" else key)
                    yield place, key, text
