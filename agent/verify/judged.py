"""Verification of an assessment: what it was judged by, which runs, and what comes of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from agent import canonical
from agent.clock import parse_time
from agent.errors import VerificationError
from agent.language import N_
from agent.model.evidence import EntryKind
from agent.model.finding import Assessment, Window
from agent.sessions.segment import unpacked
from agent.verify.recompute import recompute_assessment
from agent.verify.result import WordedError
from agent.verify.work import unreleased

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.model.reading import Reading
    from agent.verify.statements import Opened
    from agent.verify.work import Work

__all__ = ["check_assessment", "findings_of"]

LONGEST_WINDOW: Final = timedelta(days=400)
"""Longer than any clause looks back; what is computed grows with a window."""


def check_assessment(work: Work, item: Opened) -> None:
    """Check `packs/<seq>`, `campus/<seq>`, `runs/<seq>` and `findings/<seq>/<standard>` of an assessment."""
    files = item.files(work.bundle)
    predicate = item.statement.predicate
    window = None
    readings: list[Reading] = []
    with work.checks.check(f"packs/{item.seq}"):
        for name, data in sorted(files.items()):
            if name.startswith(("standards/", "metrics/")) and canonical.digest(data) not in work.packs:
                raise unreleased(name)
    with work.checks.check(f"campus/{item.seq}"):
        _check_campus(work, files)
    with work.checks.check(f"runs/{item.seq}"):
        if predicate.window is None:
            raise VerificationError("the assessment names no window")
        window = _bounded(Window(since=predicate.window[0], until=predicate.window[1]))
        readings = _judged_readings(work, files, window)
    for name, data in findings_of(files):
        with work.checks.check(f"findings/{item.seq}/{name.removeprefix('findings/').removesuffix('.json')}"):
            claimed = Assessment.from_bytes(data, where=name)
            work.found.assessments.append(claimed)
            if window is None:
                raise VerificationError("the runs that it judged are not known")
            again = recompute_assessment(claimed, files, readings, window, work.parsed)
            if again.to_bytes() != data:
                raise _different_findings(claimed, again)


def findings_of(files: Mapping[str, bytes]) -> list[tuple[str, bytes]]:
    """Return the findings among the files of an assessment, by name."""
    return [(name, data) for name, data in sorted(files.items()) if name.startswith("findings/")]


def _check_campus(work: Work, files: dict[str, bytes]) -> None:
    """The campus file that was judged by is one that was measured by, or that the chain says was read."""
    if "campus.yaml" not in files:
        raise VerificationError("the statement carries no campus.yaml")
    judged = canonical.digest(files["campus.yaml"])
    known = {
        subject.digest.digest()
        for item in work.found.statements
        if item.kind in (EntryKind.RUN_START, EntryKind.RUN, EntryKind.CONFIG)
        for subject in item.statement.subject
        if subject.name == "campus.yaml"
    }
    if judged not in known:
        raise VerificationError(
            "it was judged by a campus file that no run was measured by and no entry of the chain says was read"
        )


def _bounded(window: Window) -> Window:
    if parse_time(window.until) - parse_time(window.since) > LONGEST_WINDOW:
        raise VerificationError("the window is longer than {days} days", days=LONGEST_WINDOW.days)
    return window


def _judged_readings(work: Work, files: dict[str, bytes], window: Window) -> list[Reading]:
    """The named runs are exactly the runs of the window that the chain holds: none left out, none added."""
    named = (unpacked(files, "runs.txt") or b"").decode("ascii", "replace").split()
    since, until = parse_time(window.since), parse_time(window.until)
    first = work.found.statements[0]
    if first.seq and parse_time(first.statement.predicate.time.finished) >= since:
        raise VerificationError(
            "the bundle begins with entry {seq}, inside the window: runs before it may have been left out",
            seq=first.seq,
        )
    held = [
        item.digest
        for item in work.found.statements
        if item.kind is EntryKind.RUN and since <= parse_time(item.statement.predicate.time.finished) <= until
    ]
    if named != held:
        missing = len(set(held) - set(named))
        raise VerificationError(
            "the assessment judged {count} runs, the chain holds {held} in its window ({missing} left out)",
            count=len(named),
            held=len(held),
            missing=missing,
        )
    unread = [digest for digest in held if digest not in work.run_readings]
    if unread:
        raise VerificationError("the readings of {count} judged runs do not hold", count=len(unread))
    return [reading for digest in held for reading in work.run_readings[digest]]


def _different_findings(claimed: Assessment, again: Assessment) -> VerificationError:
    for one, other in zip(claimed.clauses, again.clauses, strict=False):
        if one != other:
            return WordedError(
                N_(
                    "clause {clause} is signed as {signed} with {points} points, "
                    "but the evidence gives {given} with {given_points}"
                ),
                {"signed": one.outcome, "given": other.outcome},
                clause=one.clause,
                points=one.points_proven,
                given_points=other.points_proven,
            )
    return VerificationError("the signed findings are not what the evidence gives")
