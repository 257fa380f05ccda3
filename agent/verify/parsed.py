"""The campus files and packs of one bundle, each parsed once however many statements name it.

A year of runs names the same few files hundreds of times. What is kept is kept by digest, for one verification: a file
that does not parse is not kept, so that every check that needs it fails with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from agent import canonical
from agent.packs.load import Pack, parse_campus, parse_families, parse_metrics, parse_standard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.model.campus import Campus
    from agent.model.family import Family
    from agent.model.metric import Metric
    from agent.model.standard import Standard

__all__ = ["ParsedFiles"]

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class ParsedFiles:
    """What was parsed so far; ``files`` are those that a statement names, by name."""

    _campuses: dict[str, Pack[Campus]] = field(default_factory=dict)
    _families: dict[str, Pack[Family]] = field(default_factory=dict)
    _metrics: dict[tuple[str, ...], dict[str, Metric]] = field(default_factory=dict)
    _standards: dict[tuple[str, ...], Pack[Standard]] = field(default_factory=dict)

    def campus(self, data: bytes) -> Pack[Campus]:
        """Return what a `campus.yaml` says.

        Raises:
            PackError: with every fault of the file.
        """
        return _once(self._campuses, canonical.digest(data), lambda: parse_campus(data, "campus.yaml"))

    def family(self, data: bytes, name: str) -> Pack[Family]:
        """Return what a `families/<id>.yaml` says.

        Raises:
            PackError: with every fault of the file.
        """
        return _once(self._families, canonical.digest(data), lambda: parse_families(data, name))

    def metrics(self, files: Mapping[str, bytes]) -> Mapping[str, Metric]:
        """Return all metrics of the `metrics/*.yaml` among the files, by name.

        Raises:
            PackError: with every fault of the first file that has one.
        """
        return _once(self._metrics, _metric_digests(files), lambda: _metrics(files))

    def standard(self, files: Mapping[str, bytes], name: str) -> Pack[Standard]:
        """Return what the `standards/<id>.yaml` of that name says, with the metrics that stand beside it.

        Raises:
            PackError: with every fault of the file, or of a file of metrics.
        """
        metrics = self.metrics(files)
        key = (canonical.digest(files[name]), *_metric_digests(files))
        return _once(self._standards, key, lambda: parse_standard(files[name], name, metrics=metrics))


def _once(kept: dict[K, V], key: K, parse: Callable[[], V]) -> V:
    if key not in kept:
        kept[key] = parse()
    return kept[key]


def _metric_names(files: Mapping[str, bytes]) -> list[str]:
    return sorted(name for name in files if name.startswith("metrics/"))


def _metric_digests(files: Mapping[str, bytes]) -> tuple[str, ...]:
    return tuple(canonical.digest(files[name]) for name in _metric_names(files))


def _metrics(files: Mapping[str, bytes]) -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    for name in _metric_names(files):
        found |= {metric.name: metric for metric in parse_metrics(files[name], name).value.metrics}
    return found
