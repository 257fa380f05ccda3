"""Verification of one bundle, from the zip's bytes to every number in it.

Checks, in order: `bundle`, `trust`, `signature/<seq>`, `files/<seq>`, `files/unnamed`, `chain`, `receipt/<seq>`,
`time/<seq>`, `plan/<seq>`, `segment/<seq>/<asset>`, `replay/<seq>/<asset>`, `readings/<seq>`, `assessment`; of the
assessment, which is the last entry, `packs/<seq>`, `campus/<seq>`, `runs/<seq>`, `findings/<seq>/<standard>`. Earlier
assessments that lie between are history: what they judged is in bundles of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent import canonical
from agent.clock import parse_time
from agent.errors import VerificationError
from agent.evidence.bundle import BundleContents, check_manifest, read_bundle
from agent.language import N_
from agent.model.evidence import EntryKind
from agent.sessions.segment import parse_segment, unpacked
from agent.verify.judged import check_assessment, findings_of
from agent.verify.policy import Trust, released_packs, trust_of_bundle
from agent.verify.recompute import readings_bytes, readings_of, replay_segment
from agent.verify.result import AttestationResult, CheckList
from agent.verify.statements import (
    Opened,
    check_chain,
    check_files,
    check_receipt,
    check_time,
    open_all,
    stated_step,
)
from agent.verify.work import Kept, Verified, Work, unreleased

if TYPE_CHECKING:
    from agent.model.campus import Campus
    from agent.model.reading import Reading
    from agent.sessions.segment import Segment

__all__ = ["Kept", "Verified", "verify_bundle"]


def verify_bundle(data: bytes, *, trust: Trust | None = None, packs: frozenset[str] | None = None) -> Verified:
    """Check everything about a bundle that can be checked offline; never raises for what is wrong with it.

    Args:
        data: the bytes of the zip file.
        trust: keys pinned by the reviewer; without them, the keys in the bundle are used and the result says so.
        packs: digests of the packs that count; without them, those that this program carries.
    """
    checks = CheckList()
    digest = canonical.digest(data)
    empty = Verified(AttestationResult(digest, (), {}, trust.source if trust else "bundle"))
    bundle: BundleContents | None = None
    agreed: Trust | None = None
    with checks.check("bundle"):
        bundle = read_bundle(data)
        check_manifest(bundle)
    if bundle is not None:
        with checks.check("trust", _trust_detail(trust)):
            agreed = _agreed_trust(bundle, trust)
    if bundle is None or agreed is None:
        empty.result = AttestationResult(digest, tuple(checks.checks), {}, empty.result.trust)
        return empty
    empty.bundle = bundle
    work = Work(bundle, agreed, checks, empty, released_packs() if packs is None else packs)
    _check_statements(work)
    for item in work.found.statements:
        if item.kind in (EntryKind.RUN, EntryKind.RUN_ABORT):
            _check_run(work, item)
    last = work.found.statements[-1] if work.found.statements else None
    with work.checks.check("assessment"):
        if last is None or last.kind is not EntryKind.ASSESSMENT or not findings_of(last.files(bundle)):
            raise VerificationError("the bundle does not end with an assessment that has findings")
    if last is not None and last.kind is EntryKind.ASSESSMENT:
        check_assessment(work, last)
    work.found.result = AttestationResult(digest, tuple(checks.checks), work.assurance, agreed.source)
    return work.found


def _trust_detail(trust: Trust | None) -> str:
    if trust is not None:
        return N_("keys pinned by the reviewer")
    return N_("keys taken from the bundle itself; pin them with --trust to know whose they are")


def _agreed_trust(bundle: BundleContents, pinned: Trust | None) -> Trust:
    carried = trust_of_bundle(bundle)
    if pinned is None:
        return carried
    if not set(carried.agent_keys) <= set(pinned.agent_keys):
        raise VerificationError("the bundle's agent key is not the pinned one")
    if pinned.log_vkey and carried.log_vkey and pinned.log_vkey != carried.log_vkey:
        raise VerificationError("the bundle's log key is not the pinned one")
    if pinned.challenge_keys and not set(carried.challenge_keys) <= set(pinned.challenge_keys):
        raise VerificationError("the bundle's challenge key is not the pinned one")
    return pinned


def _check_statements(work: Work) -> None:
    opened = open_all(work.bundle, work.trust, work.checks)
    work.found.statements = opened
    check_files(work.bundle, opened, work.checks)
    check_chain(opened, work.checks)
    for item in opened:
        leaf = check_receipt(item, work.trust, work.checks)
        if leaf is not None:
            work.found.leaves[item.seq] = leaf
        grade = check_time(item, leaf, work.bundle, work.trust, work.checks)
        if item.kind is EntryKind.RUN:
            work.assurance[item.seq] = grade


# --- runs ---------------------------------------------------------------------------------------------------------


def _check_run(work: Work, item: Opened) -> None:
    files = item.files(work.bundle)
    campus = None
    with work.checks.check(f"plan/{item.seq}"):
        campus = _campus(work, item, files)
        work.found.campus = campus
    recomputed: list[Reading] = []
    broken = campus is None
    challenge = item.statement.predicate.challenge
    for target in item.statement.predicate.targets:
        name = f"{item.seq}/{target.id}"
        segment = None
        if target.segment is None:
            broken = broken or target.exchanges > 0
            continue
        with work.checks.check(f"segment/{name}", N_("{count} exchanges"), count=target.exchanges):
            segment = _segment(target.id, target.segment.digest(), files)
            _keep_exchanges(work, segment, target.segment.digest())
            _check_segment(item, segment, target.exchanges, target.gaps)
            if item.kind is EntryKind.RUN and campus is not None:
                _check_asset(work, segment, campus, files, challenge.nonce if challenge else "")
        if segment is None or campus is None:
            broken = True
            continue
        if item.kind is EntryKind.RUN_ABORT or target.result == "failed":
            continue
        replayed: list[Reading] | None = None
        with work.checks.check(f"replay/{name}"):
            replayed = replay_segment(segment, campus, where=f"raw/{target.id}")
        broken = broken or replayed is None
        recomputed += replayed or []
    if item.kind is EntryKind.RUN:
        _check_readings(work, item, files, None if broken else recomputed)


def _campus(work: Work, item: Opened, files: dict[str, bytes]) -> Campus:
    plan = item.statement.predicate.plan
    if "campus.yaml" not in files:
        raise VerificationError("the statement carries no campus.yaml")
    if plan is None or plan.digest() != canonical.digest(files["campus.yaml"]):
        raise VerificationError("the plan that the statement names is not its campus.yaml")
    return work.parsed.campus(files["campus.yaml"]).value


def _segment(asset: str, digest: str, files: dict[str, bytes]) -> Segment:
    name = f"raw/{asset}.jsonl"
    kept = files.get(name, files.get(f"{name}.gz"))
    data = unpacked(files, name)
    if kept is None or data is None or canonical.digest(kept) != digest:
        raise VerificationError("the raw segment of {asset} is not among the statement's files", asset=asset)
    return parse_segment(data, where=name)


def _check_segment(item: Opened, segment: Segment, exchanges: int, gaps: int) -> None:
    """The segment belongs to this run, holds what the target says, and lies within the run's time."""
    predicate = item.statement.predicate
    if segment.header.run != predicate.run:
        raise VerificationError("the raw segment is of another run")
    recorded = [entry.exchange for entry in segment.exchanges]
    if len(recorded) != exchanges or sum(entry.gap is not None for entry in recorded) != gaps:
        raise VerificationError(
            "it has {count} exchanges, the statement says {stated}", count=len(recorded), stated=exchanges
        )
    started, finished = parse_time(predicate.time.started), parse_time(predicate.time.finished)
    step = stated_step(item)
    previous_ns = 0
    for entry in recorded:
        if item.kind is EntryKind.RUN and not started - step <= parse_time(entry.at) <= finished + step:
            raise VerificationError("exchange {n} at {at} lies outside the run", n=entry.n, at=entry.at)
        if int(entry.monotonic_ns) < previous_ns:
            raise VerificationError("exchange {n} goes back in monotonic time", n=entry.n)
        previous_ns = int(entry.monotonic_ns)


def _check_asset(work: Work, segment: Segment, campus: Campus, files: dict[str, bytes], nonce: str) -> None:
    """The asset that was asked is the campus file's, read as a released family says."""
    header = segment.header
    declared = campus.asset(header.asset.id)
    name = f"families/{header.asset.family}.yaml"
    if declared is None:
        raise VerificationError("the campus file has no asset {asset}", asset=header.asset.id)
    if name not in files or canonical.digest(files[name]) not in work.packs:
        raise unreleased(name)
    family = work.parsed.family(files[name], name).value
    if family.id != declared.family or family.equip(declared).drawn(nonce) != header.asset:
        raise VerificationError(
            "the asset {asset} was not asked as the campus file and its family say", asset=header.asset.id
        )
    if not set(header.collectors) <= set(family.collectors):
        raise VerificationError(
            "the family {family} does not have all of the collectors {collectors}",
            family=family.id,
            collectors=", ".join(header.collectors),
        )


def _keep_exchanges(work: Work, segment: Segment, digest: str) -> None:
    for number, recorded in enumerate(segment.exchanges):
        kept = Kept(recorded.exchange, digest, number + 2, segment.header.asset.id)
        work.found.exchanges[recorded.source] = kept


def _check_readings(work: Work, item: Opened, files: dict[str, bytes], recomputed: list[Reading] | None) -> None:
    with work.checks.check(f"readings/{item.seq}"):
        data = unpacked(files, "readings.jsonl")
        if data is None:
            raise VerificationError("the statement carries no readings.jsonl")
        if recomputed is None or readings_bytes(recomputed) != data:
            raise _first_difference(readings_of(data, where="readings.jsonl"), recomputed)
        work.run_readings[item.digest] = recomputed
        work.found.readings += recomputed


def _first_difference(claimed: list[Reading], recomputed: list[Reading] | None) -> VerificationError:
    if recomputed is None:
        return VerificationError("the readings cannot be recomputed, since a raw segment does not hold")
    for one, other in zip(claimed, recomputed, strict=False):
        if one != other:
            return VerificationError(
                "{metric} of {subject} is signed as {signed}, "
                "but the raw answers give {given} for {given_metric} of {given_subject}",
                metric=one.metric,
                subject=one.subject,
                signed=f"{one.value} {one.unit}",
                given=f"{other.value} {other.unit}",
                given_metric=other.metric,
                given_subject=other.subject,
            )
    return VerificationError(
        "{count} readings are signed, but the raw answers give {given}", count=len(claimed), given=len(recomputed)
    )
