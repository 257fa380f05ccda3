"""What-if: two judgements of the same evidence side by side, clause by clause, what differs first. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from agent.canonical import decimal_text
from agent.language import name_of, translator
from agent.report.text import amount, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.model.finding import Assessment, ClauseResult, Finding

__all__ = ["ClausePair", "Comparison", "compared", "comparison_json", "comparison_lines"]


@dataclass(frozen=True, slots=True)
class ClausePair:
    """A clause as it was judged then and now; None: the pack does not have it."""

    clause: str
    then: ClauseResult | None
    now: ClauseResult | None

    @property
    def differs(self) -> bool:
        """Tell whether points, worth, outcome, or anything that decided is not the same."""
        if self.then is None or self.now is None:
            return True
        return _weighed(self.then) != _weighed(self.now) or bool(self.parts())

    def gain(self) -> Decimal:
        """Return the points proven now beyond those proven then."""
        return _points(self.now) - _points(self.then)

    def parts(self) -> list[tuple[str, Finding | None, Finding | None]]:
        """Return the criteria that came to something else, or that only one of the packs has."""
        then = {one.criterion: one for one in self.then.findings} if self.then else {}
        now = {one.criterion: one for one in self.now.findings} if self.now else {}
        return [
            (name, then.get(name), now.get(name))
            for name in dict.fromkeys((*then, *now))
            if _decided(then.get(name)) != _decided(now.get(name))
        ]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two judgements; `pairs` has the clauses that differ first, each group in the order of the document."""

    then: Assessment
    now: Assessment
    pairs: tuple[ClausePair, ...]

    @property
    def differing(self) -> int:
        """Return how many clauses differ."""
        return sum(pair.differs for pair in self.pairs)


def compared(then: Assessment, now: Assessment) -> Comparison:
    """Put two judgements of one body of evidence side by side.

    Clauses are paired by number where both are of one standard. The numbers of two standards have nothing to do with
    each other: there, every clause stands alone.
    """
    old, new = _by_clause(then), _by_clause(now)
    if then.standard == now.standard:
        pairs = [ClausePair(name, old.get(name), new.get(name)) for name in dict.fromkeys((*new, *old))]
    else:
        pairs = [ClausePair(name, None, clause) for name, clause in new.items()]
        pairs += [ClausePair(name, clause, None) for name, clause in old.items()]
    return Comparison(then, now, tuple(sorted(pairs, key=lambda pair: not pair.differs)))


def _by_clause(assessment: Assessment) -> dict[str, ClauseResult]:
    return {one.clause: one for one in assessment.clauses}


def _points(clause: ClauseResult | None) -> Decimal:
    return Decimal(clause.points_proven) if clause and not clause.left_out else Decimal(0)


def _weighed(clause: ClauseResult) -> tuple[object, ...]:
    return (
        clause.points,
        clause.points_proven,
        clause.points_open,
        clause.points_declared,
        clause.outcome,
        clause.reason,
        clause.grade,
        clause.left_out,
    )


def _decided(finding: Finding | None) -> tuple[object, ...] | None:
    """Return what counts of a finding: not its words, which a new version of a pack may put better."""
    if finding is None:
        return None
    return (
        finding.outcome,
        finding.reason,
        finding.grade,
        finding.value,
        finding.low,
        finding.high,
        finding.unit,
        finding.threshold,
        tuple(sorted((one.id, one.chosen) for one in finding.interpretations)),
    )


# --- as JSON ------------------------------------------------------------------------------------------------------


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Return the JSON object; points are decimal text, clauses that differ come first."""
    return {
        "then": _head(comparison.then),
        "now": _head(comparison.now),
        "gain": decimal_text(Decimal(comparison.now.points_proven) - Decimal(comparison.then.points_proven)),
        "differing": comparison.differing,
        "clauses": [
            {
                "clause": pair.clause,
                "differs": pair.differs,
                "then": _brief(pair.then),
                "now": _brief(pair.now),
                "gain": decimal_text(pair.gain()),
                "criteria": [
                    {"criterion": name, "then": _finding(old), "now": _finding(new)} for name, old, new in pair.parts()
                ],
            }
            for pair in comparison.pairs
        ],
    }


def _head(one: Assessment) -> dict[str, str]:
    return {
        "standard": one.standard,
        "version": one.version,
        "pack": one.pack,
        "since": one.window.since,
        "until": one.window.until,
        "points_proven": one.points_proven,
        "points_open": one.points_open,
        "points_judged": one.points_judged,
        "points_total": one.points_total,
    }


def _brief(clause: ClauseResult | None) -> dict[str, Any] | None:
    return clause.model_copy(update={"findings": ()}).to_json() if clause else None


def _finding(finding: Finding | None) -> dict[str, Any] | None:
    return finding.model_copy(update={"observations": (), "remedy": None}).to_json() if finding else None


# --- as text ------------------------------------------------------------------------------------------------------


def comparison_lines(comparison: Comparison, language: str) -> Iterator[tuple[str, ...]]:
    """Yield rows of six cells: clause, heading, then, now, gain, and why; a clause that is the same has no why.

    The why has a line for each criterion that differs.
    """
    _ = translator(language)
    for pair in comparison.pairs:
        known = pair.now or pair.then
        assert known is not None  # a pair has one at least
        gain = pair.gain()
        yield (
            visible(pair.clause, 40),
            visible(" ".join(known.title.of(language).split()), 200),
            _told(pair.then, language),
            _told(pair.now, language),
            ("+" if gain > 0 else "") + decimal_text(gain) if pair.differs else "=",
            "\n".join(_change(name, old, new, language) for name, old, new in pair.parts()) if pair.differs else "",
        )


def _told(clause: ClauseResult | None, language: str) -> str:
    """Return ``6/8 partly met``; a dash where the pack has no such clause."""
    if clause is None:
        return "–"
    _ = translator(language)
    told = f"{clause.points_proven}/{clause.points} {name_of(clause.outcome, _)}"
    if clause.points_open != "0":
        told += " " + _("({points} open)").format(points=clause.points_open)
    return told


def _change(name: str, old: Finding | None, new: Finding | None, language: str) -> str:
    _ = translator(language)
    if old is None or new is None:
        there = _finding_told(old or new, language)
        return (_("{part} is new: {what}") if old is None else _("{part} is gone: {what}")).format(
            part=name, what=there
        )
    before, after = _finding_told(old, language), _finding_told(new, language)
    if before == after:
        return _("{part}: read differently").format(part=name)
    return f"{name}: {before} → {after}"


def _finding_told(finding: Finding | None, language: str) -> str:
    """Return ``500 Mbit/s met (threshold 500)``, as much of it as there is."""
    assert finding is not None  # the caller has one of two
    _ = translator(language)
    parts = [amount(finding.value, finding.unit)] if finding.value is not None else []
    if finding.value is None and (finding.low or finding.high):
        high = amount(finding.high, finding.unit) if finding.high else "…"
        parts.append(_("between {low} and {high}").format(low=amount(finding.low or "0", finding.unit), high=high))
    parts.append(name_of(finding.outcome, _))
    extra = [name_of(word, _) for word in (finding.reason, finding.grade) if word]
    if finding.threshold is not None:
        extra.append(_("threshold {value}").format(value=amount(finding.threshold, finding.unit)))
    if extra:
        parts.append(f"({', '.join(extra)})")
    return visible(" ".join(parts), 300)
