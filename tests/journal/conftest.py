"""Statements in the words of the model, signed with a real P-256 key, for the journal's tests."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agent import canonical
from agent.journal.store import Journal, Limits, Signed
from agent.model.evidence import (
    RUN_TYPE,
    AgentIdentity,
    DigestSet,
    EntryKind,
    Predicate,
    Statement,
    Subject,
    TargetResult,
    Times,
)

if TYPE_CHECKING:
    from pathlib import Path

MOMENT = "2026-11-22T01:02:03.004Z"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
SMALL = Limits(quota_bytes=2**30, reserve_bytes=0, ballast_bytes=0)

MakeSign = Callable[..., Callable[[int, str], Signed]]


@pytest.fixture(scope="session")
def make_sign() -> MakeSign:
    """Return a factory of signers: `make_sign(kind, run=..., blobs=[...])` signs what the journal asks for."""
    key = ec.generate_private_key(ec.SECP256R1())
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    keyid = canonical.hex_of(canonical.digest(spki))

    def make(
        kind: str = "heartbeat", *, run: str | None = None, blobs: list[str] | None = None, segment: str = ""
    ) -> Callable[[int, str], Signed]:
        def sign(seq: int, prev: str) -> Signed:
            digests = [canonical.hex_of(digest) for digest in blobs or []] or ["e" * 64]
            statement = Statement(
                subject=tuple(
                    Subject(name=f"raw/{n}.jsonl", digest=DigestSet(sha256=sha256)) for n, sha256 in enumerate(digests)
                ),
                predicate_type=RUN_TYPE,
                predicate=Predicate(
                    kind=EntryKind(kind),
                    campus="test-school",
                    agent=AgentIdentity(id="agent-1", version="1", boot_id="b"),
                    keyid=keyid,
                    seq=seq,
                    prev=DigestSet(sha256=prev),
                    time=Times(started=MOMENT, finished=MOMENT, monotonic_ns="1"),
                    run=run,
                    targets=(
                        (TargetResult(id="sw1", result="ok", segment=DigestSet(sha256=canonical.hex_of(segment))),)
                        if segment
                        else ()
                    ),
                ),
            )
            payload = statement.to_bytes()
            signed = f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode() + payload
            signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
            envelope = {
                "payload": base64.b64encode(payload).decode(),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"keyid": keyid, "sig": base64.b64encode(signature).decode()}],
            }
            return Signed(kind=kind, payload=payload, envelope=canonical.dumps(envelope))

        return sign

    return make


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Return an empty journal without ballast."""
    with Journal(tmp_path / "journal", limits=SMALL) as opened:
        yield opened
