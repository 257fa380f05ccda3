"""Bundles: deterministic, atomic, read back as written, and strict about what belongs in them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent.canonical import digest
from agent.errors import AgentError, MalformedError, UsageError, VerificationError
from agent.evidence import bundle, container, dsse
from agent.model.evidence import EntryKind

if TYPE_CHECKING:
    from pathlib import Path

    from tests.evidence.world import World


def test_round_trip(world: World, tmp_path: Path) -> None:
    """A bundle is read back as it was written, from the file and from bytes, and its manifest is right."""
    contents = world.contents()
    path = tmp_path / "assessment.zip"
    bundle.write_bundle(path, contents)
    assert bundle.read_bundle(path) == bundle.read_bundle(path.read_bytes()) == contents
    bundle.check_manifest(contents)
    assert [one.name for one in tmp_path.iterdir()] == ["assessment.zip"]


def test_without_optional_parts(world: World) -> None:
    """A bundle from before any backend existed has no receipts, no log and no challenge key."""
    contents = world.contents()
    bare = replace(
        contents,
        statements=tuple(replace(one, receipt=None) for one in contents.statements),
        log_vkey=None,
        challenge_pub=None,
    )
    assert bundle.read_bundle(bundle.bundle_bytes(bare)) == bare


def test_re_export_is_byte_identical(world: World) -> None:
    """The same contents give the same bytes, in whatever order they are handed over."""
    contents = world.contents()
    data = bundle.bundle_bytes(contents)
    assert bundle.bundle_bytes(bundle.read_bundle(data)) == data
    shuffled = replace(
        contents,
        statements=tuple(reversed(contents.statements)),
        blobs=dict(reversed(list(contents.blobs.items()))),
    )
    assert bundle.bundle_bytes(shuffled) == data


def test_layout(world: World) -> None:
    """Files have the names that the README, the script and other readers rely on."""
    names = set(bundle.entries_of(world.contents()))
    assert {name for name in names if not name.startswith("blobs/sha256/")} == {
        "README.txt",
        "manifest.json",
        "receipts/00000000.tlog-proof",
        "receipts/00000001.tlog-proof",
        "statements/00000000-run.dsse.json",
        "statements/00000001-run.dsse.json",
        "statements/00000002-assessment.dsse.json",
        "trust/agent.pub",
        "trust/challenge.pub",
        "trust/log.vkey",
        "verify.sh",
    }


def test_manifest_names_the_newest_assessment(world: World) -> None:
    """The table of contents lists statements in chain order with payload digests, and the newest assessment."""
    contents = world.contents()
    payload = dsse.parse(contents.statements[-1].envelope).payload
    manifest = bundle.manifest_of(tuple(reversed(contents.statements)))
    assert manifest.assessment == manifest.statements[-1].payload
    assert [one.seq for one in manifest.statements] == [0, 1, 2]
    assert manifest.statements[2].kind is EntryKind.ASSESSMENT
    assert bundle.manifest_of(contents.statements[:2]).assessment is None
    assert bundle.manifest_of(()).statements == ()
    assert manifest.assessment == digest(payload)


def test_manifest_of_other_statements(world: World) -> None:
    """A manifest that lists something else than is there is found out."""
    contents = world.contents()
    for statements in (contents.statements[1:], contents.statements[:2], ()):
        with pytest.raises(VerificationError, match="manifest"):
            bundle.check_manifest(replace(contents, statements=statements))


def test_inconsistent_contents_are_not_written(world: World) -> None:
    """A blob under another digest, two statements of one seq, or a digest of another form is never written."""
    contents = world.contents()
    for bad in (
        replace(contents, blobs={digest(b"a"): b"b"}),
        replace(contents, blobs={"md5:00": b"b"}),
        replace(contents, statements=(*contents.statements, replace(contents.statements[0], kind=EntryKind.GAP))),
    ):
        with pytest.raises(MalformedError):
            bundle.bundle_bytes(bad)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"manifest.json": None}, "manifest.json"),
        ({"trust/agent.pub": None}, "trust/agent.pub"),
        ({"manifest.json": b"{}"}, "manifest.json"),
        ({"manifest.json": b"\xff"}, "manifest.json"),
        ({"extra.txt": b""}, "extra.txt"),
        ({"blobs/md5/00": b""}, "blobs/md5/00"),
        ({"blobs/sha256/" + "0" * 64: b"other"}, "blobs/sha256/" + "0" * 64),
        ({"statements/0-run.dsse.json": b"{}"}, "statements/0-run.dsse.json"),
        ({"statements/00000001-gap.dsse.json": b"{}"}, "statements/00000001-run.dsse.json"),
        ({"statements/000000009-run.dsse.json": b"{}"}, "statements/000000009-run.dsse.json"),
        ({"statements/00000009-other.dsse.json": b"{}"}, "statements/00000009-other.dsse.json"),
        ({"receipts/00000009.tlog-proof": b""}, "receipts/00000009.tlog-proof"),
        ({"trust/log.vkey": b"\xff\n"}, "trust/log.vkey"),
        ({"trust/log.vkey": b"a\nb\n"}, "trust/log.vkey"),
    ],
)
def test_entries_that_do_not_belong(world: World, change: dict[str, bytes | None], where: str) -> None:
    """A missing, unknown, misnamed or altered entry is refused, naming it."""
    entries = bundle.entries_of(world.contents())
    for name, content in change.items():
        if content is None:
            del entries[name]
        else:
            entries[name] = content
    with pytest.raises(MalformedError) as caught:
        bundle.read_bundle(container.zip_bytes(entries))
    assert caught.value.where == where


def test_flipped_bits(world: World) -> None:
    """One flipped bit in a bundle is refused, or what is read is unchanged."""
    contents = world.contents()
    data = bundle.bundle_bytes(contents)
    tries = unchanged = 0
    for position in range(0, len(data), 3):
        tries += 1
        changed = bytearray(data)
        changed[position] ^= 1 << (position // 3 % 8)
        try:
            assert bundle.read_bundle(bytes(changed)) == contents
            unchanged += 1
        except MalformedError:
            continue
    assert unchanged * 50 < tries  # unused bits at the end of a deflate stream, another way to say the same


def test_file_errors(world: World, tmp_path: Path) -> None:
    """A missing, unreadable or oversized file and an unwritable place are our errors with something to do."""
    with pytest.raises(UsageError, match="cannot be read"):
        bundle.read_bundle(tmp_path / "none.zip")
    with pytest.raises(AgentError):
        bundle.read_bundle(tmp_path)
    with pytest.raises(UsageError, match="cannot be written") as caught:
        bundle.write_bundle(tmp_path / "none" / "a.zip", world.contents())
    assert caught.value.todo
    with (tmp_path / "huge.zip").open("wb") as file:
        file.truncate(bundle.MAX_BUNDLE_BYTES + 1)
    with pytest.raises(MalformedError, match="too large"):
        bundle.read_bundle(tmp_path / "huge.zip")


def test_failed_write_keeps_the_old_bundle(world: World, tmp_path: Path) -> None:
    """If the new bundle cannot take its place, no half file is left behind and what was there stays."""
    target = tmp_path / "a.zip"
    target.mkdir()
    (target / "old").write_bytes(b"old")
    with pytest.raises(UsageError):
        bundle.write_bundle(target, world.contents())
    assert [one.name for one in tmp_path.iterdir()] == ["a.zip"]
    assert (target / "old").read_bytes() == b"old"


def test_readme_says_how_to_check(world: World) -> None:
    """The README in the bundle names both commands, in English and in Chinese."""
    text = bundle.entries_of(world.contents())["README.txt"].decode()
    assert text.count("campus-agent verify") == 2
    assert text.count("sh verify.sh") == 2
    assert "如何核验" in text
