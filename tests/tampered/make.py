"""Makes the museum of broken bundles: one defect per file, the file's name is the defect.

    python -m tests.tampered base     records an honest bundle from the demo's daemons, with throw-away keys
    python -m tests.tampered          makes every broken bundle from it

`base.zip` and its keys are checked in, so that the second command gives the same bytes everywhere (signatures are
deterministic, RFC 6979). The keys belong to nobody: whoever tampers here may hold the school's key, and where it
says so, the backend's.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from agent import canonical
from agent.evidence import bundle, container, dsse, keys, note, tlog
from agent.evidence.dsse import Signature
from agent.model.evidence import EntryKind, Leaf

HERE = Path(__file__).parent
BASE = HERE / "base.zip"
ORIGIN = "campus-agent-backend/log"

Case = Callable[["Museum"], None]
CASES: dict[str, tuple[str, Case]] = {}
"""Name of the defect -> the check that must fail (a prefix of its name), and what makes it."""


def case(check: str) -> Callable[[Case], Case]:
    """Register a defect under its function's name."""

    def register(make: Case) -> Case:
        CASES[make.__name__] = (check, make)
        return make

    return register


@dataclass
class Entry:
    """A statement that can be changed."""

    seq: int
    kind: EntryKind
    payload: dict[str, Any]
    envelope: bytes
    receipt: bytes | None

    @property
    def predicate(self) -> dict[str, Any]:
        """Return the predicate."""
        value: dict[str, Any] = self.payload["predicate"]
        return value

    def subject(self, name: str) -> dict[str, Any]:
        """Return the subject of that name."""
        return next(item for item in self.payload["subject"] if item["name"] == name)


@dataclass
class Museum:
    """An honest bundle in pieces, and the keys of those who made it."""

    entries: list[Entry]
    blobs: dict[str, bytes]
    contents: bundle.BundleContents
    agent: ec.EllipticCurvePrivateKey
    log: Ed25519PrivateKey
    stranger: ec.EllipticCurvePrivateKey
    manifest: bool = True
    edit: list[Callable[[dict[str, bytes]], None]] = field(default_factory=list)
    """Changes of the files right before they are zipped."""
    raw: list[Callable[[bytes], bytes]] = field(default_factory=list)
    """Changes of the zip's bytes."""

    @classmethod
    def load(cls) -> Museum:
        """Open the honest bundle."""
        contents = bundle.read_bundle(BASE.read_bytes())
        entries = []
        for one in contents.statements:
            payload = json.loads(dsse.parse(one.envelope).payload)
            entries.append(Entry(one.seq, one.kind, payload, one.envelope, one.receipt))
        agent, log, stranger = (
            load_pem_private_key((HERE / f"{name}-key.pem").read_bytes(), None) for name in ("agent", "log", "stranger")
        )
        assert isinstance(agent, ec.EllipticCurvePrivateKey)
        assert isinstance(log, Ed25519PrivateKey)
        assert isinstance(stranger, ec.EllipticCurvePrivateKey)
        return cls(entries, dict(contents.blobs), contents, agent, log, stranger)

    def first(self, kind: EntryKind) -> Entry:
        """Return the first entry of the kind."""
        return next(entry for entry in self.entries if entry.kind is kind)

    def put(self, entry: Entry, name: str, data: bytes) -> None:
        """Exchange a named file of a statement, and file it under its new digest;

        The old one goes if nobody names it.
        """
        subject = entry.subject(name)
        old = "sha256:" + subject["digest"]["sha256"]
        new = canonical.digest(data)
        subject["digest"]["sha256"] = canonical.hex_of(new)
        for target in entry.predicate.get("targets", []):
            if target.get("segment", {}).get("sha256") == canonical.hex_of(old):
                target["segment"]["sha256"] = canonical.hex_of(new)
        self.blobs[new] = data
        named = {item["digest"]["sha256"] for one in self.entries for item in one.payload["subject"]}
        if canonical.hex_of(old) not in named:
            self.blobs.pop(old, None)

    def data(self, entry: Entry, name: str) -> bytes:
        """Return a named file of a statement."""
        return self.blobs["sha256:" + entry.subject(name)["digest"]["sha256"]]

    def resign(self, entry: Entry, *, key: ec.EllipticCurvePrivateKey | None = None) -> None:
        """Sign the entry and all later ones anew, each naming its predecessor; their receipts no longer fit."""
        start = self.entries.index(entry)
        for place in range(start, len(self.entries)):
            one = self.entries[place]
            if place > start:
                before = dsse.parse(self.entries[place - 1].envelope).payload
                one.predicate["prev"]["sha256"] = canonical.hex_of(canonical.digest(before))
            one.envelope = envelope(one.payload, key or self.agent)

    def rejudge(self) -> None:
        """Let the assessment name the runs as they are now (for edits of a run by the holder of the key)."""
        last = self.entries[-1]
        runs = [
            canonical.digest(dsse.parse(entry.envelope).payload) + "\n"
            for entry in self.entries
            if entry.kind is EntryKind.RUN
        ]
        self.put(last, "runs.txt", "".join(runs).encode())
        self.resign(last)

    def without_receipts(self) -> None:
        """Drop all receipts, as somebody does who can no longer show them."""
        for entry in self.entries:
            entry.receipt = None

    def receipt(self, entry: Entry, received: str) -> None:
        """Let a colluding backend put the entry into a log of its own and give a receipt."""
        payload = dsse.parse(entry.envelope).payload
        leaf = Leaf(
            agent=entry.predicate["agent"]["id"],
            keyid=entry.predicate["keyid"],
            seq=entry.seq,
            received=received,
            statement={"sha256": canonical.hex_of(canonical.digest(payload))},  # type: ignore[arg-type] # parsed
        ).to_bytes()
        hashed = tlog.leaf_hash(leaf)
        signer = keys.LogSigner("", self.log.public_key().public_bytes_raw(), self.log)
        checkpoint = note.Checkpoint(ORIGIN, 1, tlog.root([hashed]), ()).signed(signer)
        entry.receipt = note.TlogProof(0, (), checkpoint, leaf).to_bytes()

    def zip(self) -> bytes:
        """Put the pieces together again."""
        statements = tuple(
            bundle.StatementFile(entry.seq, entry.kind, entry.envelope, entry.receipt) for entry in self.entries
        )
        manifest = bundle.manifest_of(statements) if self.manifest else self.contents.manifest
        contents = bundle.BundleContents(
            statements,
            self.blobs,
            self.contents.agent_pub,
            self.contents.log_vkey,
            self.contents.challenge_pub,
            manifest,
        )
        files = bundle.entries_of(contents)
        for change in self.edit:
            change(files)
        data = container.zip_bytes(files)
        for damage in self.raw:
            data = damage(data)
        return data


def envelope(payload: dict[str, Any], key: ec.EllipticCurvePrivateKey, kind: str = "") -> bytes:
    """Sign a payload deterministically (RFC 6979), so that the museum does not change from run to run."""
    body = canonical.dumps(payload)
    payload_type = kind or dsse.STATEMENT_PAYLOAD_TYPE
    signature = key.sign(dsse.pae(payload_type, body), ec.ECDSA(SHA256(), deterministic_signing=True))
    return dsse.envelope_bytes(body, payload_type, [Signature(keys.keyid_of(key.public_key()), signature)])


def make_all(target: Path) -> list[Path]:
    """Write every broken bundle into the directory."""
    made = []
    for name, (_, make) in sorted(CASES.items()):
        museum = Museum.load()
        make(museum)
        path = target / f"{name}.zip"
        path.write_bytes(museum.zip())
        made.append(path)
    return made


def segment_lines(data: bytes) -> list[dict[str, Any]]:
    """Return the lines of a raw segment as objects."""
    plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    return [json.loads(line) for line in plain.splitlines()]


def segment_data(lines: list[dict[str, Any]]) -> bytes:
    """Return a raw segment of canonical lines."""
    return b"".join(canonical.dumps(line) + b"\n" for line in lines)
