"""`verify.sh` in a real bundle: stock tools agree with this program, and name what was tampered with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent import canonical
from agent.evidence import base64text, bundle, container, dsse, note, statement
from agent.model.evidence import EntryKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.canonical import Json
    from tests.evidence.world import World

Entries = dict[str, bytes]
TOOLS = ("jq", "openssl", "sha256sum", "base64", "wc", "head", "tail", "tr", "od", "cut", "sort", "comm", "mktemp")
FIRST, SECOND, LAST = (
    "statements/00000000-run.dsse.json",
    "statements/00000001-run.dsse.json",
    "statements/00000002-assessment.dsse.json",
)
RECEIPT = "receipts/00000001.tlog-proof"


def run(entries: Entries, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Unpack the entries and run the script that they carry, with nothing on the path but what it may use."""
    tools = directory / "tools"
    tools.mkdir(parents=True)
    for tool in (*TOOLS, "cat", "mv", "rm"):
        (tools / tool).symlink_to(shutil.which(tool) or "")
    for name, content in entries.items():
        path = directory / "bundle" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return subprocess.run(
        ["/bin/sh", directory / "bundle" / "verify.sh", directory / "bundle"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": str(tools), "TMPDIR": str(directory)} | environment,
    )


def resigned(world: World, entries: Entries, name: str, change: Callable[[Json], None]) -> None:
    """Let the agent's key sign a changed payload in place of a statement's."""
    value = json.loads(dsse.parse(entries[name]).payload)
    change(value)
    payload = canonical.dumps(value)
    sig = world.agent.sign(dsse.pae(dsse.STATEMENT_PAYLOAD_TYPE, payload))
    entries[name] = dsse.envelope_bytes(payload, dsse.STATEMENT_PAYLOAD_TYPE, [dsse.Signature(world.agent.keyid, sig)])


@pytest.mark.parametrize("seqs", [(0, 1, 2), (4, 5, 6)])
def test_good_bundle(world: World, tmp_path: Path, seqs: tuple[int, ...]) -> None:
    """Every check holds on a good bundle, each statement's and receipt's among them; that it begins later is noted."""
    entries = container.unzip(bundle.bundle_bytes(world.contents(seqs)))
    result = run(entries, tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "FAIL" not in result.stdout
    assert result.stdout.count(": signature\n") == 3
    assert result.stdout.count(": receipt, received 2026-11-22T12:00:00.000Z\n") == 2
    assert result.stdout.count("no receipt") == 1
    assert result.stdout.count(": challenge\n") == (1 in seqs)
    assert world.agent.keyid in result.stdout
    assert world.log_key.text() in result.stdout
    assert ("the statement before it is not in the bundle" in result.stdout) == (4 in seqs)
    assert not list(tmp_path.glob("tmp.*"))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 33])
def test_inclusion_in_logs_of_many_shapes(world: World, tmp_path: Path, size: int) -> None:
    """The root recomputed in the shell is the signed one wherever in the log the leaf stands."""
    contents = world.contents((0,))
    (payload,) = (dsse.parse(one.envelope).payload for one in contents.statements)
    receipt = world.receipts([payload], before=size)[0]
    entries = bundle.entries_of(replace(contents, statements=(replace(contents.statements[0], receipt=receipt),)))
    result = run(entries, tmp_path)
    assert result.returncode == 0, result.stdout
    assert ": receipt, received" in result.stdout


def flip_payload(world: World, entries: Entries) -> None:
    value = json.loads(entries[SECOND])
    payload = base64text.decode(value["payload"]).replace(b'"example-school"', b'"example-schoof"')
    entries[SECOND] = json.dumps(value | {"payload": base64text.encode(payload)}).encode()


def change_type(world: World, entries: Entries) -> None:
    entries[SECOND] = entries[SECOND].replace(b"vnd.in-toto+json", b"vnd.in-toto-json")


def signed_by_stranger(world: World, entries: Entries) -> None:
    envelope = dsse.parse(entries[LAST])
    sig = world.stranger.sign(dsse.pae(envelope.payload_type, envelope.payload))
    entries[LAST] = dsse.envelope_bytes(
        envelope.payload, envelope.payload_type, [dsse.Signature(world.agent.keyid, sig)]
    )


def other_agent_key(world: World, entries: Entries) -> None:
    entries["trust/agent.pub"] = world.stranger.public_pem


def other_log_key(world: World, entries: Entries) -> None:
    key = note.VerifierKey(world.log_key.name, note.ED25519, world.witness.public)
    entries["trust/log.vkey"] = key.text().encode() + b"\n"


def other_log_name(world: World, entries: Entries) -> None:
    key = note.VerifierKey("other.example/log", note.ED25519, world.log.public)
    entries["trust/log.vkey"] = key.text().encode() + b"\n"


def no_log_key(world: World, entries: Entries) -> None:
    del entries["trust/log.vkey"]


def wrong_log_id(world: World, entries: Entries) -> None:
    name, _, key = world.log_key.text().split("+", 2)
    entries["trust/log.vkey"] = f"{name}+00000000+{key}\n".encode()


def edited_blob(world: World, entries: Entries) -> None:
    name = "blobs/sha256/" + canonical.hex_of(canonical.digest(b'{"reading":1}\n'))
    entries[name] = b'{"reading":9}\n'


def missing_blob(world: World, entries: Entries) -> None:
    del entries["blobs/sha256/" + canonical.hex_of(canonical.digest(b'{"reading":1}\n'))]


def unnamed_blob(world: World, entries: Entries) -> None:
    entries["blobs/sha256/" + canonical.hex_of(canonical.digest(b"smuggled"))] = b"smuggled"


def dropped_statement(world: World, entries: Entries) -> None:
    del entries[SECOND], entries[RECEIPT]


def hidden_statement(world: World, entries: Entries) -> None:
    dropped_statement(world, entries)
    manifest = bundle.Manifest.from_bytes(entries["manifest.json"])
    shown = (manifest.statements[0], manifest.statements[2])
    entries["manifest.json"] = manifest.model_copy(update={"statements": shown}).to_bytes()
    challenges = [name for name, data in entries.items() if b"payloadType" in data and name.startswith("blobs/")]
    for name in (*challenges, "blobs/sha256/" + canonical.hex_of(canonical.digest(b'{"reading":1}\n'))):
        del entries[name]


def leaf_of_another_seq(world: World, entries: Entries) -> None:
    payload = dsse.parse(entries[SECOND]).payload
    entries[RECEIPT] = world.receipts([payload])[0]  # the log took it for seq 0


def rewritten_statement(world: World, entries: Entries) -> None:
    resigned(world, entries, FIRST, lambda value: value["predicate"].update(campus="another"))


def wrong_prev(world: World, entries: Entries) -> None:
    resigned(world, entries, LAST, lambda value: value["predicate"]["prev"].update(sha256="ab" * 32))


def wrong_start(world: World, entries: Entries) -> None:
    resigned(world, entries, FIRST, lambda value: value["predicate"]["prev"].update(sha256="ab" * 32))


def wrong_keyid(world: World, entries: Entries) -> None:
    resigned(world, entries, LAST, lambda value: value["predicate"].update(keyid="ab" * 32))


def wrong_seq(world: World, entries: Entries) -> None:
    resigned(world, entries, LAST, lambda value: value["predicate"].update(seq=1))


def wrong_predicate_type(world: World, entries: Entries) -> None:
    resigned(world, entries, LAST, lambda value: value.update(predicateType="urn:campus-agent:measurement-run:v1"))


def missing_run(world: World, entries: Entries) -> None:
    resigned(world, entries, LAST, lambda value: value["predicate"].update(runs=[{"sha256": "ab" * 32}]))


def other_nonce(world: World, entries: Entries) -> None:
    challenge = world.challenge("ff" * 16)
    digest = canonical.digest(challenge)
    entries["blobs/sha256/" + canonical.hex_of(digest)] = challenge

    def change(value: Json) -> None:
        for subject in value["subject"]:
            if subject["name"] == "challenge.dsse.json":
                subject["digest"]["sha256"] = canonical.hex_of(digest)

    resigned(world, entries, SECOND, change)


def other_challenge_key(world: World, entries: Entries) -> None:
    entries["trust/challenge.pub"] = world.stranger.public_pem


def receipt_of_another(world: World, entries: Entries) -> None:
    entries[RECEIPT] = entries["receipts/00000000.tlog-proof"]


def edited_received(world: World, entries: Entries) -> None:
    proof = note.parse_proof(entries[RECEIPT])
    leaf = (proof.extra or b"").replace(b"12:00:00", b"11:00:00")
    entries[RECEIPT] = replace(proof, extra=leaf).to_bytes()


def wrong_index(world: World, entries: Entries) -> None:
    proof = note.parse_proof(entries[RECEIPT])
    entries[RECEIPT] = replace(proof, index=proof.index - 1).to_bytes()


def forged_root(world: World, entries: Entries) -> None:
    proof = note.parse_proof(entries[RECEIPT])
    lines = proof.checkpoint.split("\n")
    lines[2] = base64text.encode(bytes(32))
    entries[RECEIPT] = replace(proof, checkpoint="\n".join(lines)).to_bytes()


def unsigned_checkpoint(world: World, entries: Entries) -> None:
    entries[RECEIPT] = entries[RECEIPT].replace("\u2014 evidence".encode(), "\u2014 videnced".encode())


def garbage_receipt(world: World, entries: Entries) -> None:
    entries[RECEIPT] = b"HTTP/1.1 200 OK\n"


def stray_receipt(world: World, entries: Entries) -> None:
    entries["receipts/00000009.tlog-proof"] = entries[RECEIPT]


def manifest_without_the_last(world: World, entries: Entries) -> None:
    manifest = bundle.Manifest.from_bytes(entries["manifest.json"])
    entries["manifest.json"] = manifest.model_copy(update={"statements": manifest.statements[:2]}).to_bytes()


def manifest_of_another_assessment(world: World, entries: Entries) -> None:
    manifest = bundle.Manifest.from_bytes(entries["manifest.json"])
    entries["manifest.json"] = manifest.model_copy(update={"assessment": canonical.digest(b"")}).to_bytes()


TAMPERED: list[tuple[Callable[..., None], str]] = [
    (flip_payload, "00000001-run.dsse.json: signature"),
    (change_type, "00000001-run.dsse.json: signature"),
    (signed_by_stranger, "00000002-assessment.dsse.json: signature"),
    (other_agent_key, "00000000-run.dsse.json: signature"),
    (other_log_key, "00000001-run.dsse.json: receipt (the log did not sign"),
    (other_log_name, "00000001-run.dsse.json: receipt (it is of another log"),
    (no_log_key, "00000000-run.dsse.json: receipt (no trust/log.vkey"),
    (wrong_log_id, "trust/log.vkey"),
    (edited_blob, "00000001-run.dsse.json: subject readings.jsonl was changed"),
    (missing_blob, "00000001-run.dsse.json: subject readings.jsonl is not in the bundle"),
    (unnamed_blob, "no statement names it"),
    (dropped_statement, "manifest.json lists these statements"),
    (hidden_statement, "00000002-assessment.dsse.json: chain (statements 1 to 1 are not in the bundle)"),
    (leaf_of_another_seq, "00000001-run.dsse.json: receipt (it is for another statement, seq or key)"),
    (rewritten_statement, "00000001-run.dsse.json: chain (prev"),
    (wrong_prev, "00000002-assessment.dsse.json: chain (prev"),
    (wrong_start, "00000000-run.dsse.json: chain begins"),
    (wrong_keyid, "00000002-assessment.dsse.json: names the key that signed it"),
    (wrong_seq, "00000002-assessment.dsse.json: chain (this seq was there before)"),
    (wrong_predicate_type, "00000002-assessment.dsse.json: statement type"),
    (missing_run, "00000002-assessment.dsse.json: the run " + "ab" * 32),
    (other_nonce, "00000001-run.dsse.json: challenge"),
    (other_challenge_key, "00000001-run.dsse.json: challenge"),
    (receipt_of_another, "00000001-run.dsse.json: receipt (it is for another statement"),
    (edited_received, "00000001-run.dsse.json: receipt (the inclusion proof"),
    (wrong_index, "00000001-run.dsse.json: receipt (the inclusion proof"),
    (forged_root, "00000001-run.dsse.json: receipt (the log did not sign"),
    (unsigned_checkpoint, "00000001-run.dsse.json: receipt (the log did not sign"),
    (garbage_receipt, "00000001-run.dsse.json: receipt (malformed)"),
    (stray_receipt, "receipts/00000009.tlog-proof: belongs to no statement"),
    (manifest_without_the_last, "manifest.json lists these statements"),
    (manifest_of_another_assessment, "manifest.json names the newest assessment"),
]


@pytest.mark.parametrize(("tamper", "expected"), TAMPERED, ids=[one.__name__ for one, _ in TAMPERED])
def test_tampered_bundle(world: World, tmp_path: Path, tamper: Callable[..., None], expected: str) -> None:
    """A bundle with one defect fails, and the line that says so names the defect."""
    entries = bundle.entries_of(world.contents())
    tamper(world, entries)
    result = run(entries, tmp_path)
    assert result.returncode == 1, result.stdout
    failed = [line for line in result.stdout.splitlines() if line.startswith("FAIL")]
    assert any(expected in line for line in failed), result.stdout


def test_keys_from_elsewhere(world: World, tmp_path: Path) -> None:
    """A reviewer's own copy of the agent's key is used instead of the bundle's."""
    (tmp_path / "other.pub").write_bytes(world.stranger.public_pem)
    entries = bundle.entries_of(world.contents())
    result = run(entries, tmp_path / "a", AGENT_PUB=str(tmp_path / "other.pub"))
    assert result.returncode == 1
    assert world.stranger.keyid in result.stdout
    (tmp_path / "agent.pub").write_bytes(world.agent.public_pem)
    assert run(entries, tmp_path / "b", AGENT_PUB=str(tmp_path / "agent.pub")).returncode == 0


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_any_of_several_pinned_keys(world: World, tmp_path: Path, line_end: bytes) -> None:
    """A school's keys of two servers stand in one file: the bundle holds by its own, wherever that one stands."""
    entries = bundle.entries_of(world.contents())
    right, other = (b"a server\n" + signer.public_pem for signer in (world.agent, world.stranger))
    for name, pems, code in (("first", right + other, 0), ("last", other + right, 0), ("none", other + other, 1)):
        (tmp_path / name).write_bytes(pems.replace(b"\n", line_end))
        result = run(entries, tmp_path / f"{name}.d", AGENT_PUB=str(tmp_path / name))
        assert result.returncode == code, result.stdout
        assert (world.stranger if code else world.agent).keyid in result.stdout


def test_shell_meets_hostile_names(world: World, tmp_path: Path) -> None:
    """Text from a bundle is never run: command substitution in names and values stays text."""
    entries = bundle.entries_of(world.contents())
    marker = tmp_path / "ran"

    def change(value: Json) -> None:
        value["subject"].append(
            {"name": f"$(touch {marker})`touch {marker}`", "digest": {"sha256": f"$(touch {marker})"}}
        )
        value["predicate"]["prev"]["sha256"] = f"$(touch {marker})"

    resigned(world, entries, LAST, change)
    entries[f"statements/$(touch {marker.name}).dsse.json"] = entries[FIRST]
    result = run(entries, tmp_path / "x")
    assert result.returncode == 1
    assert not marker.exists()
    assert not list(tmp_path.rglob("ran"))


def test_missing_tools_and_directories(world: World, tmp_path: Path) -> None:
    """Without a tool, a directory or a bundle, the script says so instead of passing."""
    script = tmp_path / "verify.sh"
    script.write_bytes(bundle.verify_script())
    for arguments, environment, code in (
        ([tmp_path / "none"], {}, 2),
        ([tmp_path], {}, 1),
        ([tmp_path], {"PATH": str(tmp_path)}, 2),
    ):
        result = subprocess.run(
            ["/bin/sh", script, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=dict(os.environ) | environment,
        )
        assert (result.returncode, result.stdout[:4]) == (code, "FAIL")


def test_an_assessment_with_all_its_runs(world: World, tmp_path: Path) -> None:
    """An assessment that names runs holds if they are in the bundle."""
    contents = world.contents((0, 1, 2))
    runs = tuple(statement.digest_set(dsse.payload_digest(dsse.parse(one.envelope))) for one in contents.statements[:2])
    made = statement.read_statement(dsse.parse(contents.statements[2].envelope).payload)
    judged = made.model_copy(update={"predicate": made.predicate.model_copy(update={"runs": runs})})
    _, envelope = statement.sign_statement(judged, world.agent)
    files = (*contents.statements[:2], bundle.StatementFile(2, EntryKind.ASSESSMENT, envelope))
    whole = replace(contents, statements=files, manifest=bundle.manifest_of(files))
    result = run(bundle.entries_of(whole), tmp_path)
    assert result.returncode == 0, result.stdout
