"""The bundle: all that a stranger needs to check an assessment, in one file (a zip, see `container`).

    README.txt  verify.sh  manifest.json
    statements/<seq>-<kind>.dsse.json      receipts/<seq>.tlog-proof
    blobs/sha256/<hex>                     raw segments, readings, findings, campus file, packs, challenge envelopes
    trust/agent.pub  trust/log.vkey  trust/challenge.pub

Re-exporting the same contents gives the same bytes (with the same zlib). The manifest is a table of contents, not
evidence: what counts are signatures, digests and receipts.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agent import canonical
from agent.errors import MalformedError, UsageError, VerificationError
from agent.evidence import container, dsse
from agent.model.base import Digest, Word
from agent.model.evidence import EntryKind

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BundleContents",
    "Manifest",
    "ManifestEntry",
    "StatementFile",
    "bundle_bytes",
    "check_manifest",
    "entries_of",
    "manifest_of",
    "read_bundle",
    "receipt_name",
    "statement_name",
    "verify_script",
    "write_bundle",
]

AGENT_PUB, LOG_VKEY, CHALLENGE_PUB = "trust/agent.pub", "trust/log.vkey", "trust/challenge.pub"
README, SCRIPT, MANIFEST = "README.txt", "verify.sh", "manifest.json"
BLOBS = "blobs/sha256/"
MAX_BUNDLE_BYTES = container.MAX_TOTAL_BYTES
"""Of the file; nothing that is read here is larger packed than unpacked."""

_STATEMENT = re.compile(r"statements/([0-9]{8,16})-([a-z-]{1,20})\.dsse\.json")
_RECEIPT = re.compile(r"receipts/([0-9]{8,16})\.tlog-proof")
_BLOB = re.compile(r"blobs/sha256/[0-9a-f]{64}")


class ManifestEntry(Word):
    """A statement in the table of contents."""

    seq: int
    kind: EntryKind
    payload: Digest


class Manifest(Word):
    """The table of contents: what the bundle shows, and its statements in chain order."""

    format: Literal["campus-agent/bundle/v1"] = "campus-agent/bundle/v1"
    assessment: Digest | None = None
    """Payload digest of the newest assessment."""
    statements: tuple[ManifestEntry, ...]


@dataclass(frozen=True, slots=True)
class StatementFile:
    """A signed statement and its receipt, if the backend gave one. `seq` and `kind` are those of its predicate."""

    seq: int
    kind: EntryKind
    envelope: bytes
    receipt: bytes | None = None


@dataclass(frozen=True, slots=True)
class BundleContents:
    """What a bundle holds; `blobs` maps ``sha256:<hex>`` to bytes of that digest."""

    statements: tuple[StatementFile, ...]
    blobs: Mapping[str, bytes]
    agent_pub: bytes
    log_vkey: str | None
    challenge_pub: bytes | None
    manifest: Manifest


def manifest_of(statements: tuple[StatementFile, ...]) -> Manifest:
    """Return the table of contents of statements.

    Raises:
        MalformedError: an envelope is not one.
    """
    entries = tuple(
        ManifestEntry(
            seq=one.seq,
            kind=one.kind,
            payload=dsse.payload_digest(dsse.parse(one.envelope, where=statement_name(one.seq, one.kind))),
        )
        for one in sorted(statements, key=lambda one: one.seq)
    )
    assessments = [one.payload for one in entries if one.kind is EntryKind.ASSESSMENT]
    return Manifest(assessment=assessments[-1] if assessments else None, statements=entries)


def check_manifest(contents: BundleContents) -> None:
    """Check that the table of contents lists the statements that are there.

    Raises:
        VerificationError: it does not.
    """
    if contents.manifest != manifest_of(contents.statements):
        raise VerificationError(
            "the manifest does not list the statements that the bundle holds",
            where=MANIFEST,
            todo="Statements were added, left out or exchanged; get the original bundle",
        )


def statement_name(seq: int, kind: EntryKind) -> str:
    """Return the name of a statement's file."""
    return f"statements/{seq:08d}-{kind}.dsse.json"


def receipt_name(seq: int) -> str:
    """Return the name of a receipt's file."""
    return f"receipts/{seq:08d}.tlog-proof"


def verify_script() -> bytes:
    """Return the shell script that checks an unpacked bundle, as this program carries it."""
    return resources.files(__package__).joinpath("verify.sh").read_bytes()


def entries_of(contents: BundleContents) -> dict[str, bytes]:
    """Return the files of a bundle by name.

    Raises:
        MalformedError: two statements have the same seq, or a blob does not have the digest it is filed under.
    """
    entries = {
        README: resources.files(__package__).joinpath("bundle-readme.txt").read_bytes(),
        SCRIPT: verify_script(),
        MANIFEST: contents.manifest.to_bytes(),
        AGENT_PUB: contents.agent_pub,
    }
    if contents.log_vkey is not None:
        entries[LOG_VKEY] = contents.log_vkey.encode() + b"\n"
    if contents.challenge_pub is not None:
        entries[CHALLENGE_PUB] = contents.challenge_pub
    for one in contents.statements:
        entries[statement_name(one.seq, one.kind)] = one.envelope
        if one.receipt is not None:
            entries[receipt_name(one.seq)] = one.receipt
    if len({one.seq for one in contents.statements}) != len(contents.statements):
        raise MalformedError("two statements have the same seq", where="statements")
    for digest, content in contents.blobs.items():
        name = BLOBS + canonical.hex_of(digest)
        _check_blob(name, content)
        entries[name] = content
    return entries


def bundle_bytes(contents: BundleContents) -> bytes:
    """Return the bundle file.

    Raises:
        MalformedError: the contents are inconsistent or pass a cap.
    """
    return container.zip_bytes(entries_of(contents))


def write_bundle(path: Path, contents: BundleContents) -> None:
    """Write the bundle so that the name either holds all of it or what it held before.

    Raises:
        MalformedError: the contents are inconsistent or pass a cap.
        UsageError: the file cannot be written.
    """
    data = bundle_bytes(contents)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # A bundle is made to be handed on: the mode of an ordinary new file, as the umask says.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, 0o666), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_directory(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise UsageError(
            "the bundle cannot be written: {why}",
            where=str(path),
            todo="Choose a directory that exists, is writable and has free space",
            why=error.strerror or str(error),
        ) from error


def read_bundle(source: Path | bytes) -> BundleContents:
    """Read a bundle; the container, names and blob digests are checked, no signature is.

    Raises:
        MalformedError: it is not a bundle, or was damaged; `where` names the entry.
        UsageError: the file cannot be read.
    """
    entries = container.unzip(_read(source) if isinstance(source, Path) else source)
    statements: dict[int, tuple[EntryKind, bytes]] = {}
    receipts: dict[int, bytes] = {}
    blobs: dict[str, bytes] = {}
    for name, content in entries.items():
        if match := _STATEMENT.fullmatch(name):
            seq = _seq(name, match[1], statements)
            statements[seq] = (_kind(name, match[2]), content)
        elif match := _RECEIPT.fullmatch(name):
            receipts[_seq(name, match[1], receipts)] = content
        elif _BLOB.fullmatch(name):
            _check_blob(name, content)
            blobs["sha256:" + name.removeprefix(BLOBS)] = content
        elif name not in (README, SCRIPT, MANIFEST, AGENT_PUB, LOG_VKEY, CHALLENGE_PUB):
            raise MalformedError("no bundle has an entry of this name", where=name)
    for seq in receipts.keys() - statements.keys():
        raise MalformedError("the receipt belongs to no statement", where=receipt_name(seq))
    return BundleContents(
        statements=tuple(
            StatementFile(seq, kind, envelope, receipts.get(seq))
            for seq, (kind, envelope) in sorted(statements.items())
        ),
        blobs=blobs,
        agent_pub=_required(entries, AGENT_PUB),
        log_vkey=_vkey(entries),
        challenge_pub=entries.get(CHALLENGE_PUB),
        manifest=Manifest.from_bytes(_required(entries, MANIFEST), where=MANIFEST),
    )


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BUNDLE_BYTES:
            raise MalformedError("the file is too large for a bundle", where=str(path))
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            "the bundle cannot be read: {why}",
            where=str(path),
            todo="Name a bundle file that exists and that you may read",
            why=error.strerror or str(error),
        ) from error


def _seq(name: str, text: str, seen: Mapping[int, object]) -> int:
    seq = int(text)
    if f"{seq:08d}" != text or seq in seen:
        raise MalformedError("the number in the name is not the one spelling of a new seq", where=name)
    return seq


def _kind(name: str, text: str) -> EntryKind:
    try:
        return EntryKind(text)
    except ValueError as error:
        raise MalformedError("{kind!r} is not a kind of statement", where=name, kind=text) from error


def _check_blob(name: str, content: bytes) -> None:
    if BLOBS + canonical.hex_of(canonical.digest(content)) != name:
        raise MalformedError(
            "the content does not have the digest that its name says",
            where=name,
            todo="The content was changed; get the original bundle",
        )


def _required(entries: Mapping[str, bytes], name: str) -> bytes:
    if name not in entries:
        raise MalformedError("the entry is missing", where=name, todo="Get the original bundle")
    return entries[name]


def _vkey(entries: Mapping[str, bytes]) -> str | None:
    if LOG_VKEY not in entries:
        return None
    try:
        text = entries[LOG_VKEY].decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError("not UTF-8", where=LOG_VKEY) from error
    if not text.endswith("\n") or "\n" in text[:-1]:
        raise MalformedError("not one line", where=LOG_VKEY)
    return text[:-1]


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
