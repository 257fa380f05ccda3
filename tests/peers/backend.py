"""Peers of the upload tests: the real backend on loopback, an agent that signs, a clock that is set by hand."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import uvicorn

from agent import canonical
from agent.backend.app import create_app
from agent.backend.service import Backend, Settings, listening, server_config
from agent.clock import time_text
from agent.evidence import keys
from agent.evidence.statement import predicate_type_of, sign_statement, subjects_of
from agent.model.evidence import (
    AgentIdentity,
    ChallengeRef,
    DigestSet,
    EntryKind,
    Predicate,
    Statement,
    Times,
)
from agent.model.upload import BLOB_MEDIA_TYPE, ENVELOPE_MEDIA_TYPE, enrolment_proof

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
ORIGIN = "backend.test/log"
CAMPUS = "school-1"


class HandClock:
    """A clock that moves only when told."""

    def __init__(self, now: datetime = START) -> None:
        self.moment = now

    def now(self) -> datetime:
        return self.moment

    def monotonic_ns(self) -> int:
        return int((self.moment - START).total_seconds() * 1e9)

    def forward(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Signed:
    """A signed statement, ready to be put."""

    seq: int
    payload: bytes
    envelope: bytes
    files: dict[str, bytes]

    @property
    def digest(self) -> str:
        return canonical.digest(self.payload)

    @property
    def hex(self) -> str:
        return canonical.hex_of(self.digest)


@dataclass
class Speaker:
    """An agent as the backend sees it: a key and a chain."""

    signer: keys.Signer
    clock: HandClock
    campus: str = CAMPUS
    name: str = f"{CAMPUS}/agent"
    seq: int = 0
    prev: str = "0" * 64
    chain: list[Signed] = field(default_factory=list)

    def sign(self, kind: EntryKind, files: dict[str, bytes] | None = None, **fields: Any) -> Signed:
        """Sign a statement at the end of the chain, without moving the end."""
        files = files or {"note": b"nothing to see\n"}
        values: dict[str, Any] = {
            "campus": self.campus,
            "agent": AgentIdentity(id=self.name, version="1", boot_id="boot"),
            "keyid": self.signer.keyid,
            "seq": self.seq,
            "prev": DigestSet(sha256=self.prev),
            "time": self.times(),
        }
        predicate = Predicate(kind=kind, **{**values, **fields})
        statement = Statement(subject=subjects_of(files), predicate_type=predicate_type_of(kind), predicate=predicate)
        payload, envelope = sign_statement(statement, self.signer)
        return Signed(predicate.seq, payload, envelope, files)

    def append(self, kind: EntryKind, files: dict[str, bytes] | None = None, **fields: Any) -> Signed:
        """Sign a statement and make it the end of the chain."""
        signed = self.sign(kind, files, **fields)
        self.seq, self.prev = signed.seq + 1, signed.hex
        self.chain.append(signed)
        return signed

    def enrol(self, token: str) -> Signed:
        """Append the enrolment."""
        return self.append(
            EntryKind.ENROL,
            {"agent.pub": self.signer.public_pem},
            public_key=self.signer.public_pem.decode(),
            token_hmac=enrolment_proof(hashlib.sha256(token.encode()).digest(), self.signer.keyid),
        )

    def times(self, started: float = 0, finished: float = 0) -> Times:
        """Return times that many seconds from now."""
        now = self.clock.now()
        return Times(
            started=time_text(now + timedelta(seconds=started)),
            finished=time_text(now + timedelta(seconds=finished)),
            monotonic_ns="1",
        )


def speaker(directory: Path, clock: HandClock, **fields: Any) -> Speaker:
    """Return a new agent with a key of its own."""
    directory.mkdir(parents=True, exist_ok=True)
    return Speaker(keys.create(directory / f"key-{len(list(directory.iterdir()))}.pem"), clock, **fields)


@dataclass
class Served:
    """A running backend."""

    url: str
    backend: Backend
    clock: HandClock
    http: httpx.Client

    def put_blob(self, data: bytes) -> httpx.Response:
        return self.http.put(
            f"/v1/blobs/{canonical.digest(data)}", content=data, headers={"content-type": BLOB_MEDIA_TYPE}
        )

    def put(self, signed: Signed, *, blobs: bool = True, envelope: bytes | None = None) -> httpx.Response:
        """Put a statement, after its files unless told otherwise."""
        if blobs:
            for data in signed.files.values():
                assert self.put_blob(data).status_code in (200, 201)
        return self.http.put(
            f"/v1/statements/{signed.digest}",
            content=signed.envelope if envelope is None else envelope,
            headers={"content-type": ENVELOPE_MEDIA_TYPE},
        )

    def enrolled(self, directory: Path, **fields: Any) -> Speaker:
        """Return an agent that is enrolled here."""
        agent = speaker(directory, self.clock, **fields)
        answer = self.put(agent.enrol(self.backend.store.create_token(agent.campus)))
        assert answer.status_code == 201, answer.text
        return agent

    def challenge(self, agent: Speaker) -> ChallengeRef:
        """Fetch a challenge and return how a statement refers to it."""
        from agent.evidence.statement import open_challenge

        answer = self.http.get("/v1/challenges", params={"keyid": agent.signer.keyid})
        assert answer.status_code == 200, answer.text
        signer = self.backend.challenge_signer
        challenge = open_challenge(answer.content, {signer.keyid: signer.public})
        return ChallengeRef(nonce=challenge.nonce, issued_at=challenge.issued_at)

    def leaves(self) -> int:
        """Return the size of the log."""
        return int(self.backend.checkpoint().splitlines()[1])


@contextlib.contextmanager
def serving(directory: Path, clock: HandClock, *, port: int = 0, **settings: Any) -> Iterator[Served]:
    """Run the backend by uvicorn in a thread, as `serve` does, and stop it at the end."""
    settings = {"origin": ORIGIN, "reserve_bytes": 0, **settings}
    app = create_app(Settings(directory, **settings), clock)
    with listening("127.0.0.1", port) as listener:
        server = uvicorn.Server(server_config(app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            deadline = time.monotonic() + 10
            while not server.started and time.monotonic() < deadline:
                time.sleep(0.01)
            assert server.started
            with httpx.Client(base_url=url, timeout=20, trust_env=False) as http:
                yield Served(url, app.state.backend, clock, http)
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()
