"""Find, read and cross-check packs: metrics, families, standards, and the campus file.

Each file becomes a `Pack`: the value, and the exact bytes with their digest, which evidence carries and names. The
`parse_*` functions work on bytes alone, so that a verifier reads the packs of a bundle with the same rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import agent
from agent import canonical
from agent.errors import ConfigError, UsageError
from agent.model.base import Word
from agent.model.campus import Campus
from agent.model.family import Family
from agent.model.metric import Metric, MetricPack
from agent.model.standard import Standard
from agent.packs import check, check_campus, check_standard
from agent.packs.rooms import needs_rooms, with_rooms
from agent.packs.tables import MOST_TABLE_BYTES
from agent.packs.validate import validate
from agent.packs.yaml_source import MAX_BYTES, PackError, Source, parse
from agent.packs.yaml_source import Path as Place

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

__all__ = [
    "Pack",
    "chosen_standards",
    "config_directory",
    "family_packs",
    "load_campus",
    "load_families",
    "load_metrics",
    "load_standard",
    "load_standards",
    "metric_packs",
    "pack_digests",
    "parse_campus",
    "parse_families",
    "parse_metrics",
    "parse_standard",
    "standard_packs",
]

W_co = TypeVar("W_co", bound=Word, covariant=True)
P = TypeVar("P")


@dataclass(frozen=True)
class Pack(Generic[W_co]):
    """A file that was read: its value, its name, its exact bytes, and their digest."""

    value: W_co
    path: str
    """Where it came from, as errors name it: a path, or the name inside a bundle."""
    data: bytes
    digest: str
    """``sha256:<hex>`` of `data`."""
    source: Source
    """Places of all values, for errors that are found later."""


def config_directory() -> Path:
    """Return the directory of the packs: the one inside the installed package, else that of the checkout.

    Raises:
        ConfigError: neither exists.
    """
    package = Path(agent.__file__).parent
    for directory in (package / "_config", package.parent / "config"):
        if (directory / "metrics").is_dir():
            return directory
    raise ConfigError("the packs are missing", where=str(package), todo="Install the package again")


def parse_metrics(data: bytes, name: str) -> Pack[MetricPack]:
    """Read a file of metrics from bytes.

    Raises:
        PackError: with every fault of the file.
    """
    return _parse(data, name, MetricPack, check.metrics)


def parse_families(data: bytes, name: str, *, collectors: Collection[str] | None = None) -> Pack[Family]:
    """Read a family from bytes; with `collectors`, the ones that it names must be among them.

    Raises:
        PackError: with every fault of the file.
    """
    return _parse(data, name, Family, lambda family, source: check.family(family, source, collectors))


def parse_standard(data: bytes, name: str, *, metrics: Mapping[str, Metric] | None = None) -> Pack[Standard]:
    """Read a standard from bytes; with `metrics`, its metrics must be known and its units agree.

    Raises:
        PackError: with every fault of the file.
    """
    return _parse(data, name, Standard, lambda standard, source: check_standard.standard(standard, source, metrics))


def parse_campus(
    data: bytes,
    name: str,
    *,
    families: Mapping[str, Family] | None = None,
    collectors: Collection[str] | None = None,
) -> Pack[Campus]:
    """Read a campus file from bytes; with `families` and `collectors`, the ones that it names must be among them.

    Raises:
        PackError: with every fault of the file.
    """
    return _parse(data, name, Campus, lambda campus, source: check_campus.campus(campus, source, families, collectors))


def metric_packs(directory: Path) -> tuple[Pack[MetricPack], ...]:
    """Read all files of `directory`/metrics.

    Raises:
        PackError: with every fault of every file; also when two files define one metric.
    """
    packs = _each(directory / "metrics", parse_metrics)
    _refuse_twice(
        (metric.name, ("metrics", n, "name"), pack.source)
        for pack in packs
        for n, metric in enumerate(pack.value.metrics)
    )
    return packs


def family_packs(directory: Path, *, collectors: Collection[str] | None = None) -> tuple[Pack[Family], ...]:
    """Read all files of `directory`/families.

    Raises:
        PackError: with every fault of every file; also when two files define one family.
    """
    packs = _each(directory / "families", lambda data, name: parse_families(data, name, collectors=collectors))
    _refuse_twice((pack.value.id, ("id",), pack.source) for pack in packs)
    return packs


def standard_packs(directory: Path, metrics: Mapping[str, Metric] | None = None) -> tuple[Pack[Standard], ...]:
    """Read all files of `directory`/standards; without `metrics`, those of the directory are used.

    Raises:
        PackError: with every fault of every file; also when two files define one standard.
    """
    known = load_metrics(directory) if metrics is None else metrics
    packs = _each(directory / "standards", lambda data, name: parse_standard(data, name, metrics=known))
    _refuse_twice((pack.value.id, ("id",), pack.source) for pack in packs)
    return packs


def pack_digests(directory: Path) -> frozenset[str]:
    """Return the digests of all files of `directory`/metrics, /families and /standards, without reading what they say.

    Raises:
        PackError: with every file that cannot be read; also when there is none.
    """
    kinds = ("metrics", "families", "standards")
    return frozenset(
        digest for kind in kinds for digest in _each(directory / kind, lambda data, _: canonical.digest(data))
    )


def load_metrics(directory: Path) -> dict[str, Metric]:
    """Return all metrics of `directory`/metrics by name.

    Raises:
        PackError: as `metric_packs`.
    """
    return {metric.name: metric for pack in metric_packs(directory) for metric in pack.value.metrics}


def load_families(directory: Path, *, collectors: Collection[str] | None = None) -> dict[str, Family]:
    """Return all families of `directory`/families by id.

    Raises:
        PackError: as `family_packs`.
    """
    return {pack.value.id: pack.value for pack in family_packs(directory, collectors=collectors)}


def chosen_standards(known: Mapping[str, Pack[Standard]], names: Iterable[str]) -> list[Pack[Standard]]:
    """Return the standards of these ids, in this order.

    Raises:
        UsageError: one of them is not known.
    """
    wanted = list(names)
    for name in wanted:
        if name not in known:
            raise UsageError(
                "there is no standard {name!r}", todo="Known are: {known}", name=name, known=", ".join(known)
            )
    return [known[name] for name in wanted]


def load_standards(directory: Path, metrics: Mapping[str, Metric] | None = None) -> dict[str, Pack[Standard]]:
    """Return all standards of `directory`/standards by id, with their bytes.

    Raises:
        PackError: as `standard_packs`.
    """
    return {pack.value.id: pack for pack in standard_packs(directory, metrics)}


def load_standard(path: Path, metrics: Mapping[str, Metric] | None = None) -> Pack[Standard]:
    """Read one standard from a file.

    Raises:
        ConfigError: the file cannot be read.
        PackError: with every fault of the file.
    """
    return parse_standard(_read(path), str(path), metrics=metrics)


def load_campus(
    path: Path,
    *,
    families: Mapping[str, Family] | None = None,
    collectors: Collection[str] | None = None,
) -> Pack[Campus]:
    """Read a campus file, with the table of rooms beside it that it may name.

    What is read in becomes part of the pack's bytes, so that evidence needs one file only (`agent.packs.rooms`).

    Raises:
        ConfigError: the file, or the table of rooms that it names, cannot be read.
        PackError: with every fault of the file, or of that table.
    """
    data = _read(path)
    source = parse(data, str(path))
    if needs_rooms(source):
        table = _read(path.parent / str(source.data["rooms_file"]), MOST_TABLE_BYTES)
        data, source = with_rooms(data, source, table)
    return _checked(data, source, Campus, lambda campus, at: check_campus.campus(campus, at, families, collectors))


W = TypeVar("W", bound=Word)


def _parse(data: bytes, name: str, model: type[W], checks: Callable[[W, Source], list[ConfigError]]) -> Pack[W]:
    return _checked(data, parse(data, name), model, checks)


def _checked(data: bytes, source: Source, model: type[W], checks: Callable[[W, Source], list[ConfigError]]) -> Pack[W]:
    value = validate(source, model)
    faults = checks(value, source)
    if faults:
        raise PackError(faults)
    return Pack(value, source.name, data, canonical.digest(data), source)


def _each(directory: Path, read: Callable[[bytes, str], P]) -> tuple[P, ...]:
    packs: list[P] = []
    faults: list[ConfigError] = []
    paths = sorted(directory.glob("*.yaml"))
    if not paths:
        raise PackError([ConfigError("there is no .yaml file here", where=str(directory))])
    for path in paths:
        try:
            packs.append(read(_read(path), str(path)))
        except PackError as error:
            faults.extend(error.faults)
        except ConfigError as error:
            faults.append(error)
    if faults:
        raise PackError(faults)
    return tuple(packs)


def _read(path: Path, most: int = MAX_BYTES) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise ConfigError(
            "the file cannot be read: {why}",
            where=str(path),
            todo="Check the path and the permissions",
            why=error.strerror or type(error).__name__,
        ) from error


def _refuse_twice(named: Iterable[tuple[str, Place, Source]]) -> None:
    """Refuse two definitions of one name; `named` gives each name, the place of its value, and its file."""
    first: dict[str, str] = {}
    faults: list[ConfigError] = []
    for name, place, source in named:
        where = source.where(place)
        if name in first:
            faults.append(
                ConfigError("{name} is defined twice; first in {first}", where=where, name=name, first=first[name])
            )
        first.setdefault(name, where)
    if faults:
        raise PackError(faults)
