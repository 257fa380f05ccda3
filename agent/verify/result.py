"""`AttestationResult`.

Every check by name, and what it came to (RFC 9334: the Verifier's word to the Relying Party).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from agent.errors import AgentError, VerificationError
from agent.language import N_, NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

__all__ = ["Assurance", "AttestationResult", "Check", "CheckList", "WordedError"]


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
    """In English, as records keep it."""
    render: Callable[[Callable[[str], str]], str] | None = field(default=None, compare=False, repr=False)
    """Makes ``detail`` anew in another language."""

    def told(self, translate: Callable[[str], str]) -> str:
        """Return the detail in a reader's language."""
        return self.render(translate) if self.render else translate(self.detail)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"name": self.name, "ok": self.ok, "detail": self.detail}


class WordedError(VerificationError):
    """A reason with places that are words themselves, and so are translated with it.

    ``what`` is marked for the catalogue where the error is raised (``N_``).

    Args:
        words: by place, a message id, or a spelling of the record that has a name (`agent.language.NAMES`). Without a
            translation it stays as it is, so that the English detail has the record's own spelling.
    """

    def __init__(self, what: str, words: Mapping[str, str], **values: object) -> None:
        super().__init__(what)
        self.values = {**values, **words}
        self._words = words

    def render(self, translate: Callable[[str], str] = str) -> str:
        """Return the reason in a reader's language."""
        told = {place: _translated(word, translate) for place, word in self._words.items()}
        return translate(self.what).format(**{**self.values, **told})


def _translated(word: str, translate: Callable[[str], str]) -> str:
    name = NAMES.get(word, word)
    found = translate(name)
    return word if found == name else found


_ABSURD = (ArithmeticError, MemoryError, RecursionError, ValueError)
"""What numbers, dates and depths that no agent writes come to where they are computed with."""
_NO_SENSE = N_("it holds numbers that nothing can be computed from")


@dataclass(frozen=True, slots=True)
class _Running:
    """A check that is being made."""

    checks: list[Check]
    name: str
    detail: str
    values: Mapping[str, object]

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, AgentError):
            self.checks.append(Check(self.name, ok=False, detail=str(error), render=error.render))
            return True
        if isinstance(error, _ABSURD):
            self.checks.append(Check(self.name, ok=False, detail=_NO_SENSE))
            return True
        if error is None:
            self.checks.append(Check(self.name, ok=True, detail=self._held(str), render=self._held))
        return False

    def _held(self, translate: Callable[[str], str]) -> str:
        return translate(self.detail).format(**self.values)


@dataclass
class CheckList:
    """Collects checks; one that raises an error of ours, or stumbles over absurd numbers, is a failed check."""

    checks: list[Check] = field(default_factory=list)

    def check(self, name: str, detail: str = "", **values: object) -> _Running:
        """Return the context in which a block runs as the check of that name.

        Args:
            name: what is checked, on which entry or file.
            detail: what is told of a check that holds; a gettext message id with ``{named}`` places, may be empty.
            values: the values for those places.
        """
        return _Running(self.checks, name, detail, values)

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
