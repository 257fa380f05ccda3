"""Fixtures: a school with a real journal, sending to a real backend."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from agent.evidence.note import verify_receipt
from agent.evidence.statement import open_challenge
from agent.journal.records import Limits as Room
from agent.journal.records import Signed as Entered
from agent.journal.store import Journal
from agent.model.evidence import EntryKind
from agent.model.upload import enrolment_proof
from agent.uplink.client import BackendClient, Limits
from agent.uplink.outbox import Outbox
from tests.peers.backend import CAMPUS, HandClock, Served, Speaker, serving, speaker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.journal.records import Entry
    from agent.uplink.outbox import Backend

    MakeSchool = Callable[[], "School"]

QUICK = Limits(connect=5, silence=1.5, total=10)


@dataclass
class School:
    """A journal, the key that signs it, and the backend it reports to."""

    journal: Journal
    speaker: Speaker
    served: Served

    def add(self, kind: EntryKind = EntryKind.CONFIG, files: dict[str, bytes] | None = None, **fields: Any) -> Entry:
        """Keep the files and append a signed entry."""
        files = files or {"raw/core-sw1": b"answers %d" % self.speaker.seq}
        for data in files.values():
            self.journal.put_blob(data)

        def sign(seq: int, prev: str) -> Entered:
            self.speaker.seq, self.speaker.prev = seq, prev
            signed = self.speaker.append(kind, files, **fields)
            return Entered(kind=kind, payload=signed.payload, envelope=signed.envelope)

        return self.journal.append(sign)

    def enrol(self, token: str = "") -> Entry:
        """Append the enrolment, with a good token unless one is given."""
        signer = self.speaker.signer
        token = token or self.served.backend.store.create_token(CAMPUS)
        return self.add(
            EntryKind.ENROL,
            {"agent.pub": signer.public_pem},
            public_key=signer.public_pem.decode(),
            token_hmac=enrolment_proof(hashlib.sha256(token.encode()).digest(), signer.keyid),
        )

    def client(self, url: str = "", limits: Limits = QUICK) -> BackendClient:
        """Return a client with the backend's keys pinned."""
        backend = self.served.backend
        vkey, signer = backend.log.key.text(), backend.challenge_signer
        return BackendClient(
            url or self.served.url,
            check_receipt=lambda proof, digest: verify_receipt(proof, digest, vkey),
            open_challenge=lambda envelope: open_challenge(envelope, {signer.keyid: signer.public}),
            clock=self.speaker.clock,
            limits=limits,
        )

    def outbox(self, client: Backend, *, chance: float = 0.5) -> Outbox:
        """Return an outbox whose jitter always draws that number."""
        return Outbox(self.journal, client, self.speaker.clock, draw=lambda: chance)

    def waiting(self) -> list[int]:
        """Return the numbers of the entries without receipt."""
        return [one.entry.seq for one in self.journal.pending(self.speaker.clock.now())]


@pytest.fixture(scope="module")
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, clock: HandClock) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("backend"), clock) as running:
        yield running


@pytest.fixture
def make_school(served: Served, tmp_path: Path) -> Iterator[MakeSchool]:
    """Make schools, each with a key and a journal of its own; their enrolment waits in the journal."""
    with contextlib.ExitStack() as stack:
        count = 0

        def make() -> School:
            nonlocal count
            count += 1
            room = Room(reserve_bytes=0, ballast_bytes=0)
            journal = stack.enter_context(Journal(tmp_path / f"journal-{count}", limits=room, clock=served.clock))
            return School(journal, speaker(tmp_path / "keys", served.clock), served)

        yield make


@pytest.fixture
def school(make_school: MakeSchool) -> School:
    made = make_school()
    made.enrol()
    return made
