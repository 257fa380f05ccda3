"""What to do next about a criterion that is not met: one wording for the page, the sheets, the forms and the terminal.

First comes what the reason asks for (list it, let it answer, wait), then what the pack advises: nobody buys bandwidth
because a platform is not listed. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.language import N_, name_of
from agent.model.finding import Outcome, Reason
from agent.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.model.base import Text
    from agent.model.finding import Finding
    from agent.model.standard import Criterion

__all__ = ["Steps"]

MAX_SUBJECTS: Final = 5
"""Subjects that one step names."""

_STEPS: Final[Mapping[Reason, str]] = {
    Reason.NO_TARGET: N_("List in the campus file what is to be measured: {subjects}"),
    Reason.UNREACHABLE: N_("Make these answer: {subjects}"),
    Reason.REFUSED: N_("Give the agent an account that may read these: {subjects}"),
    Reason.UNSUPPORTED: N_("These do not tell it; use another family or protocol: {subjects}"),
    Reason.TOO_FEW_SAMPLES: N_("Keep the agent running until there are enough samples of: {subjects}"),
    Reason.WINDOW_TOO_SHORT: N_("Judge a longer window; wanted are samples on {days}"),
    Reason.CLOCK_UNSURE: N_("Set the clocks right: {subjects}"),
    Reason.CONTRADICTED: N_("Find out which source is wrong: {subjects}"),
    Reason.WEAK_PROOF: N_("Bring stronger proof: {grade} or better is wanted"),
    Reason.UNDECLARED: N_("Declare {name} in the campus file, with the document: {document}"),
}
_ACCEPT: Final = N_("A person must accept the document that was declared: {document}")
_DONE: Final = frozenset({Outcome.SATISFIED, Outcome.NOT_APPLICABLE})


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one standard, in one language.

    Args:
        standard: its id, for the names of declarations.
        language: of the pack's texts, ``zh_CN`` or ``en``.
        translate: of our own texts.
    """

    standard: str
    language: str
    translate: Callable[[str], str]

    def of(self, finding: Finding, criterion: Criterion | None) -> tuple[str, ...]:
        """Return what to do next; empty where it is met or does not concern the school.

        Args:
            finding: the criterion judged.
            criterion: the same in the pack; None leaves out what only the pack knows.
        """
        if finding.outcome in _DONE:
            return ()
        steps = [self._reason(finding, criterion), self._text(finding.remedy) if finding.remedy else ""]
        return tuple(step for step in steps if step)

    def _reason(self, finding: Finding, criterion: Criterion | None) -> str:
        """Return what to do about the reason why it is undecided; empty where it is decided."""
        if finding.outcome is not Outcome.INCONCLUSIVE or finding.reason is None:
            return ""
        document = self._text(criterion.declared.document) if criterion and criterion.declared else ""
        told = _STEPS[finding.reason]
        if finding.reason is Reason.WEAK_PROOF and document:
            told = _ACCEPT
        return self.translate(told).format(
            subjects=self._subjects(finding, criterion),
            days=self._days(criterion),
            grade=name_of(criterion.grade_required, self.translate) if criterion else "–",
            name=f"{self.standard}/{finding.criterion}",
            document=document,
        )

    def _subjects(self, finding: Finding, criterion: Criterion | None) -> str:
        """Return the subjects that the reason is about, a few by name; where none is known, their kinds."""
        seen = finding.observations
        for_it = [item.subject for item in seen if item.reason is finding.reason]
        unsettled = [item.subject for item in seen if item.reason is not None or item.valid == 0]
        names = list(dict.fromkeys(for_it or unsettled or [item.subject for item in seen]))
        shown = [visible(self._subject(name), 60) for name in names[:MAX_SUBJECTS]]
        if not shown and criterion and criterion.measure:
            shown = [name_of(kind, self.translate) for kind in criterion.measure.subjects]
        left = len(names) - len(names[:MAX_SUBJECTS]) + (finding.observations_left or 0)
        return ", ".join(shown) + (f" … (+{left})" if left else "") if shown else "–"

    def _subject(self, subject: str) -> str:
        """Return ``Internet line telecom`` for ``egress:telecom``."""
        kind, _, name = subject.partition(":")
        return f"{name_of(kind, self.translate)} {name}".rstrip()

    def _days(self, criterion: Criterion | None) -> str:
        """Return how many days of samples are wanted."""
        measure = criterion.measure if criterion else None
        if measure is None:
            return "–"
        if measure.min_school_days:
            return self.translate("{days} school days").format(days=measure.min_school_days)
        return self.translate("{days} days").format(days=measure.min_days)

    def _text(self, text: Text) -> str:
        """Return a pack's text as one paragraph; YAML folds leave line ends in it."""
        return visible(" ".join(text.of(self.language).split()), 2000)
