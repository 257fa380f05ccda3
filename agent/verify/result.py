"""`AttestationResult`.

Every check by name, and what it came to (RFC 9334: the Verifier's word to the Relying Party).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from agent.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["Assurance", "AttestationResult", "Check", "CheckList", "Failed"]


class Assurance(StrEnum):
    """How well a run is bound to its time, best first (DESIGN: assurance)."""

    CHALLENGED = "challenged"
    """It answers the backend's nonce, and its receipt came within 15 minutes of its end."""
    DEFERRED = "deferred"
    """It has a receipt, but no nonce, or the receipt came later."""
    CHAINED = "chained"
    """It is in the signed chain; no receipt yet."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name says what was checked, on which entry or file."""

    name: str
    ok: bool
    detail: str = ""
    error: AgentError | None = field(default=None, compare=False, repr=False)
    """What ``detail`` was made of, so that a person reads it in their language."""

    def told(self, translate: Callable[[str], str]) -> str:
        """Return the detail in a reader's language; records keep it in English."""
        return self.error.render(translate) if self.error else translate(self.detail)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"name": self.name, "ok": self.ok, "detail": self.detail}


class Failed(Exception):  # noqa: N818 - control flow between a check and its list, never seen outside
    """Raised inside a check with the reason why it does not hold."""


@dataclass(frozen=True, slots=True)
class _Running:
    """A check that is being made."""

    checks: list[Check]
    name: str
    detail: str

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        failed = isinstance(error, AgentError | Failed)
        if failed or error is None:
            told = error if isinstance(error, AgentError) else None
            detail = str(error) if failed else self.detail
            self.checks.append(Check(self.name, ok=not failed, detail=detail, error=told))
        return failed


@dataclass
class CheckList:
    """Collects checks; a check that raises one of our errors is a failed check, never a traceback."""

    checks: list[Check] = field(default_factory=list)

    def check(self, name: str, detail: str = "") -> _Running:
        """Return the context in which a block runs as the check of that name."""
        return _Running(self.checks, name, detail)

    def ok(self) -> bool:
        """Tell whether nothing failed so far."""
        return all(check.ok for check in self.checks)


@dataclass(frozen=True)
class AttestationResult:
    """The verdict on a bundle."""

    bundle: str
    """Digest of the bundle file."""
    checks: tuple[Check, ...]
    assurance: dict[int, Assurance]
    """Of each run, by seq."""
    trust: str
    """Where the keys came from: `pinned` by the reviewer, or `bundle` (self-asserted)."""

    @property
    def ok(self) -> bool:
        """Tell whether every check held."""
        return all(check.ok for check in self.checks)

    def failed(self) -> tuple[Check, ...]:
        """Return the checks that do not hold."""
        return tuple(check for check in self.checks if not check.ok)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `verify --json` prints."""
        return {
            "bundle": self.bundle,
            "verdict": "pass" if self.ok else "fail",
            "trust": self.trust,
            "failed": [check.name for check in self.failed()],
            "checks": [check.to_json() for check in self.checks],
            "assurance": {str(seq): str(grade) for seq, grade in sorted(self.assurance.items())},
        }
