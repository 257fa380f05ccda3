"""Checks of the signed statements themselves: signatures, named files, chain, receipts, time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from agent import canonical
from agent.clock import parse_time
from agent.errors import VerificationError
from agent.evidence.note import verify_receipt
from agent.evidence.statement import open_challenge, open_statement
from agent.journal.chain import check_links
from agent.language import N_
from agent.verify.result import Assurance, CheckList, WordedError

if TYPE_CHECKING:
    from datetime import datetime

    from agent.evidence.bundle import BundleContents, StatementFile
    from agent.model.evidence import EntryKind, Leaf, Statement
    from agent.verify.policy import Trust

__all__ = ["SKEW", "Opened", "check_chain", "check_files", "check_receipt", "check_time", "open_all", "stated_step"]

SKEW = timedelta(seconds=60)
"""How far the agent's clock may differ from the backend's (evidence.md 4.6)."""
IN_TIME = timedelta(minutes=15)
"""A receipt later than this after the end of the run is `deferred` (evidence.md 7)."""


@dataclass(frozen=True)
class Opened:
    """A statement whose signature held."""

    file: StatementFile
    statement: Statement
    payload: bytes

    @property
    def seq(self) -> int:
        """Return its place in the chain."""
        return self.statement.predicate.seq

    @property
    def kind(self) -> EntryKind:
        """Return what it states."""
        return self.statement.predicate.kind

    @cached_property
    def digest(self) -> str:
        """Return its identity: the digest of its payload."""
        return canonical.digest(self.payload)

    def files(self, bundle: BundleContents) -> dict[str, bytes]:
        """Return the files that it names and the bundle carries."""
        found = {subject.name: bundle.blobs.get(subject.digest.digest()) for subject in self.statement.subject}
        return {name: data for name, data in found.items() if data is not None}


def open_all(bundle: BundleContents, trust: Trust, checks: CheckList) -> list[Opened]:
    """Check `signature/<seq>` of every statement and return those that hold, in order."""
    opened: list[Opened] = []
    for file in sorted(bundle.statements, key=lambda item: item.seq):
        with checks.check(f"signature/{file.seq}"):
            statement, payload = open_statement(file.envelope, trust.agent_keys)
            if (statement.predicate.seq, str(statement.predicate.kind)) != (file.seq, str(file.kind)):
                raise VerificationError(
                    "the file is named {name}, the statement says {seq} {kind}",
                    name=f"{file.seq} {file.kind}",
                    seq=statement.predicate.seq,
                    kind=statement.predicate.kind,
                )
            opened.append(Opened(file, statement, payload))
    return opened


def check_files(bundle: BundleContents, opened: list[Opened], checks: CheckList) -> None:
    """Check `files/<seq>`.

    Every named file is there and has its digest; and `files/unnamed`: no file is there for nothing.
    """
    named: set[str] = set()
    sound = {digest for digest, data in bundle.blobs.items() if canonical.digest(data) == digest}
    for item in opened:
        with checks.check(f"files/{item.seq}", N_("{count} files"), count=len(item.statement.subject)):
            for subject in item.statement.subject:
                digest = subject.digest.digest()
                named.add(digest)
                if digest not in bundle.blobs:
                    raise VerificationError("{name} ({digest}) is not in the bundle", name=subject.name, digest=digest)
                if digest not in sound:
                    raise VerificationError(
                        "{name} does not have the digest {digest}", name=subject.name, digest=digest
                    )
    with checks.check("files/unnamed"):
        left = sorted(set(bundle.blobs) - named)
        if len(left) > 1:
            raise VerificationError("no statement names {name} and {count} more", name=left[0], count=len(left) - 1)
        if left:
            raise VerificationError("no statement names {name}", name=left[0])


def check_chain(opened: list[Opened], checks: CheckList) -> None:
    """Check `chain`: numbers without a gap, each naming its predecessor's payload digest, one campus, one key."""
    with checks.check("chain", N_("{count} entries"), count=len(opened)):
        problems = check_links([item.payload for item in opened])
        if problems:
            raise WordedError(N_("entry {seq}: {why}"), {"why": problems[0].what}, seq=problems[0].seq)
        speakers = {(item.statement.predicate.campus, item.statement.predicate.keyid) for item in opened}
        if len(speakers) > 1:
            raise VerificationError("statements of more than one campus or key are mixed")


def check_receipt(item: Opened, trust: Trust, checks: CheckList) -> Leaf | None:
    """Check `receipt/<seq>`, and return the log leaf it proves.

    Where the reviewer pinned the log's key, every entry must have a receipt: without, a school can make its past anew.
    Where the key is the bundle's own, there is nobody to vouch, and an entry without receipt is `chained`.
    """
    if item.file.receipt is None:
        if trust.source == "pinned" and trust.log_vkey is not None:
            with checks.check(f"receipt/{item.seq}"):
                raise VerificationError(
                    "it has no receipt, though the key of the log is pinned",
                    todo="Ask the school to upload first and to make the bundle again",
                )
        return None
    leaf = None
    with checks.check(f"receipt/{item.seq}"):
        if trust.log_vkey is None:
            raise VerificationError("there is a receipt, but no log key to check it with")
        leaf = verify_receipt(item.file.receipt, item.digest, trust.log_vkey)
        predicate = item.statement.predicate
        if (leaf.seq, leaf.keyid) != (predicate.seq, predicate.keyid):
            raise VerificationError("the receipt names another entry or another key than the statement")
    return leaf


def check_time(item: Opened, leaf: Leaf | None, bundle: BundleContents, trust: Trust, checks: CheckList) -> Assurance:
    """Check `time/<seq>`: challenge issued <= started <= finished <= received, each within the skew."""
    predicate = item.statement.predicate
    assurance = Assurance.CHAINED
    with checks.check(f"time/{item.seq}"):
        started, finished = parse_time(predicate.time.started), parse_time(predicate.time.finished)
        if started > finished + stated_step(item):
            raise VerificationError("it finished before it started")
        if predicate.challenge is not None:
            _check_challenge(item, started, bundle, trust)
        if leaf is not None:
            received = parse_time(leaf.received)
            if finished > received + SKEW:
                raise VerificationError(
                    "it finished at {finished}, after it was received at {received}",
                    finished=predicate.time.finished,
                    received=leaf.received,
                )
            in_time = received - finished <= IN_TIME
            answered = predicate.challenge is not None and not stated_step(item)
            assurance = Assurance.CHALLENGED if in_time and answered else Assurance.DEFERRED
    return assurance


def stated_step(item: Opened) -> timedelta:
    """Return by how much the wall clock was set during the statement, as it says itself."""
    text = item.statement.predicate.time.clock_step_ms
    return abs(timedelta(milliseconds=int(text))) if text and text.lstrip("-").isdecimal() else timedelta()


def _check_challenge(item: Opened, started: datetime, bundle: BundleContents, trust: Trust) -> None:
    reference = item.statement.predicate.challenge
    assert reference is not None  # the caller looked
    data = item.files(bundle).get("challenge.dsse.json")
    if data is None:
        raise VerificationError("it answers a challenge that it does not carry (challenge.dsse.json)")
    if not trust.challenge_keys:
        raise VerificationError("it answers a challenge, but there is no challenge key to check it with")
    challenge = open_challenge(data, trust.challenge_keys)
    if (challenge.nonce, challenge.issued_at) != (reference.nonce, reference.issued_at):
        raise VerificationError("the challenge that it carries is not the one that it names")
    if challenge.agent != item.statement.predicate.keyid:
        raise VerificationError("the challenge was issued to another agent")
    if started < parse_time(challenge.issued_at) - SKEW:
        raise VerificationError("it started before its challenge was issued at {time}", time=challenge.issued_at)
    if started > parse_time(challenge.expires) + SKEW:
        raise VerificationError("it started after its challenge expired at {time}", time=challenge.expires)
