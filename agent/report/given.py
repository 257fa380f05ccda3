"""What a report is made from: the contents of one verified bundle, as plain frozen values.

The caller opens and verifies the bundle; nothing here reads a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.model.campus import Campus
    from agent.model.exchange import Exchange
    from agent.model.finding import Assessment
    from agent.model.metric import Metric
    from agent.model.reading import Reading
    from agent.model.standard import Standard

__all__ = ["CheckLine", "KeptExchange", "ReportInput", "RunLine"]


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check of the verification, by name."""

    name: str
    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class KeptExchange:
    """A raw exchange and where the bundle keeps it."""

    exchange: Exchange
    path: str
    """Path of the segment inside the bundle."""
    line: int = 0
    """Line of the segment, from 1; 0 if unknown."""
    asset: str = ""


@dataclass(frozen=True, slots=True)
class RunLine:
    """One entry of the chain."""

    seq: int
    kind: str
    """A spelling of `agent.model.evidence.EntryKind`."""
    started: str
    finished: str
    payload: str
    """Digest of the statement's payload."""
    received: str | None = None
    """When the backend's receipt says that it was received; None without a receipt."""
    assurance: str = "chained"
    """`live`, `challenged`, `deferred` or `chained`."""
    detail: str = ""
    """Reason of an abort, length of a gap."""


@dataclass(frozen=True, slots=True)
class ReportInput:
    """Everything that a page shows. Digests are ``sha256:<hex>``; times RFC 3339."""

    assessments: tuple[Assessment, ...]
    readings: tuple[Reading, ...] = ()
    exchanges: Mapping[str, KeptExchange] = field(default_factory=lambda: MappingProxyType({}))
    """By digest: at least those that observations cite."""
    documents: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Digest -> path in the bundle of what else a reading may cite: the campus file that states a declared value."""
    campus: Campus | None = None
    runs: tuple[RunLine, ...] = ()
    checks: tuple[CheckLine, ...] = ()
    """Empty: the bundle was not verified, and the page says so."""
    bundle: str = ""
    """Digest of the bundle's bytes."""
    bundle_name: str = ""
    metrics: tuple[Metric, ...] = ()
    standards: tuple[Standard, ...] = ()
    """The packs used; an assessment whose pack is absent is shown by its ids."""

    @property
    def verified(self) -> bool | None:
        """True if every check held, False if one did not, None if none was made."""
        return all(check.ok for check in self.checks) if self.checks else None
