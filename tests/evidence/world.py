"""A small world with real keys: an agent's chain, the backend's log, and the bundle over both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent import canonical
from agent.evidence import bundle, keys, note, statement, tlog
from agent.model.evidence import (
    AgentIdentity,
    Challenge,
    ChallengeRef,
    DigestSet,
    EntryKind,
    Leaf,
    Predicate,
    Statement,
    Times,
)

if TYPE_CHECKING:
    from pathlib import Path

ORIGIN = "evidence.example.edu/log/2026"
NONCE = "00112233445566778899aabbccddeeff"
NOON = "2026-11-22T12:00:00.000Z"


@dataclass(frozen=True)
class World:
    """Keys of every role, made once."""

    agent: keys.Signer
    stranger: keys.Signer
    backend: keys.Signer
    log: keys.LogSigner
    witness: keys.LogSigner

    @classmethod
    def made_in(cls, directory: Path) -> World:
        """Make every key."""
        return cls(
            agent=keys.create(directory / "agent.pem"),
            stranger=keys.create(directory / "stranger.pem"),
            backend=keys.create(directory / "backend.pem"),
            log=keys.create_log_key(directory / "log.pem"),
            witness=keys.create_log_key(directory / "witness.pem"),
        )

    @property
    def log_key(self) -> note.VerifierKey:
        """Return the trusted key of the log."""
        return note.VerifierKey(ORIGIN, note.ED25519, self.log.public)

    @property
    def witness_key(self) -> note.VerifierKey:
        """Return the trusted key of the witness."""
        return note.VerifierKey("witness.example.org/w1", note.COSIGNATURE, self.witness.public)

    def statement(self, seq: int, kind: EntryKind, prev: str, files: dict[str, bytes]) -> Statement:
        """Return a statement about files."""
        return Statement(
            subject=statement.subjects_of(files),
            predicate_type=statement.predicate_type_of(kind),
            predicate=Predicate(
                kind=kind,
                campus="example-school",
                agent=AgentIdentity(id="agent-1", version="1.0.0", boot_id="unknown"),
                keyid=self.agent.keyid,
                seq=seq,
                prev=DigestSet(sha256=prev),
                time=Times(started=NOON, finished=NOON, monotonic_ns="1000"),
                challenge=ChallengeRef(nonce=NONCE, issued_at=NOON) if "challenge.dsse.json" in files else None,
            ),
        )

    def challenge(self, nonce: str = NONCE) -> bytes:
        """Return a challenge envelope for the agent."""
        return statement.sign_challenge(
            Challenge(nonce=nonce, agent=self.agent.keyid, issued_at=NOON, expires="2026-11-22T12:10:00.000Z"),
            self.backend,
        )

    def chain(self, seqs: tuple[int, ...] = (0, 1, 2)) -> tuple[list[tuple[Statement, bytes, bytes]], dict[str, bytes]]:
        """Return (statement, payload, envelope) of a chain that ends in an assessment, and its blobs."""
        made: list[tuple[Statement, bytes, bytes]] = []
        blobs: dict[str, bytes] = {}
        prev = "0" * 64
        for seq in range(max(seqs) + 1):
            kind = EntryKind.ASSESSMENT if seq == max(seqs) else EntryKind.RUN
            files = {"readings.jsonl": b'{"reading":%d}\n' % seq, "campus.yaml": b"version: '1'\n"}
            if seq == 1:
                files["challenge.dsse.json"] = self.challenge()
            one = self.statement(seq, kind, prev, files)
            payload, envelope = statement.sign_statement(one, self.agent)
            prev = canonical.hex_of(canonical.digest(payload))
            if seq in seqs:
                made.append((one, payload, envelope))
                blobs |= {canonical.digest(content): content for content in files.values()}
        return made, blobs

    def receipts(
        self, payloads: list[bytes], *, seqs: tuple[int, ...] = (0,), before: int = 3, cosigned: bool = False
    ) -> list[bytes]:
        """Return a receipt for each payload, in a log that holds other leaves before and after."""
        leaves = [
            Leaf(
                agent="agent-1",
                keyid=self.agent.keyid,
                seq=seq,
                received=NOON,
                statement=statement.digest_set(canonical.digest(payload)),
            ).to_bytes()
            for seq, payload in zip(seqs, payloads, strict=True)
        ]
        entries = [b"other %d" % n for n in range(before)] + leaves + [b"later"]
        tree = tlog.Tree(tlog.leaf_hash(entry) for entry in entries)
        checkpoint = note.Checkpoint(ORIGIN, tree.size, tree.root())
        signed = checkpoint.signed(self.log)
        if cosigned:
            signed += note.cosign(checkpoint.text(), self.witness_key.name, self.witness, 1_795_300_503)
        return [
            note.TlogProof(before + n, tlog.inclusion_proof(before + n, tree.size, tree.node), signed, leaf).to_bytes()
            for n, leaf in enumerate(leaves)
        ]

    def contents(self, seqs: tuple[int, ...] = (0, 1, 2)) -> bundle.BundleContents:
        """Return a whole bundle; the last statement has no receipt yet."""
        made, blobs = self.chain(seqs)
        receipts = self.receipts([payload for _, payload, _ in made], seqs=seqs)
        files = [
            bundle.StatementFile(one.predicate.seq, one.predicate.kind, envelope, receipt)
            for (one, _, envelope), receipt in zip(made, receipts, strict=True)
        ]
        files[-1] = replace(files[-1], receipt=None)
        return bundle.BundleContents(
            statements=tuple(files),
            blobs=blobs,
            agent_pub=self.agent.public_pem,
            log_vkey=self.log_key.text(),
            challenge_pub=self.backend.public_pem,
            manifest=bundle.manifest_of(tuple(files)),
        )
