"""What the bureau hands to a reviewer: the list of keys, and the directory with which `verify` believes them."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.clock import SystemClock
from agent.errors import MalformedError
from agent.evidence import keys
from agent.verify.bundle import verify_bundle
from agent.verify.policy import pinned_trust
from tests.peers.backend import ORIGIN, HandClock, Served, serving
from tests.runtime.world import SCHOOL, school

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Call

NAMES = ["agent.pub", "challenge.pub", "log.vkey"]
TAMPERED = Path(__file__).parents[1] / "tampered"


class MachineClock(HandClock):
    """The machine's own time: the commands of the school read it, too."""

    def now(self) -> datetime:
        return SystemClock().now()


@pytest.fixture
def bureau(tmp_path: Path) -> Iterator[Served]:
    """Return a backend whose log has a name of its own, with a school that moved to a new server."""
    clock = HandClock(datetime(2026, 11, 22, 2, 0, tzinfo=UTC))
    with serving(tmp_path / "backend", clock) as served:
        for place in ("old", "new"):
            served.enrolled(tmp_path / place)
            clock.forward(3600)
        yield served


def published(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def speakers(served: Served) -> list[str]:
    return [one.keyid for one in served.backend.store.agents()]


def test_a_bundle_holds_with_the_bureaus_keys(tmp_path: Path, call: Call, device: int) -> None:
    """Enrol, measure, judge and export at one place; from the bureau come the three keys; offline the bundle holds.

    With the keys of another school it does not.
    """
    place = school(tmp_path / "school", {"egress-gw": device})
    here = ("--campus", place.campus, "--state", place.state)
    backend, trust = tmp_path / "backend", tmp_path / "trust"
    with serving(backend, MachineClock()) as served:
        (tmp_path / "token").write_text(call("backend", "token", SCHOOL, "--directory", backend).out)
        for arguments in (
            ("enrol", "--backend", served.url, "--token-file", tmp_path / "token", *here),
            ("run", "--once", "--backend", served.url, *here),
            ("assess", "--standard", "jiangsu-2018", *here),
            ("upload", "--backend", served.url, *here),
            ("bundle", "--state", place.state, "-o", tmp_path / "bundle.zip"),
        ):
            done = call(*arguments)
            assert done.code == 0, (arguments, done.err)
        served.enrolled(tmp_path / "other", campus="school-2", name="school-2/agent")
        done = call("backend", "trust", "--campus", SCHOOL, "--out", trust, "--directory", backend)
        other = call("backend", "trust", "--campus", "school-2", "--out", tmp_path / "2", "--directory", backend)
        (listed,) = json.loads(call("backend", "keys", "--campus", SCHOOL, "--json", "--directory", backend).out)
    assert (done.code, done.err, other.code) == (0, "", 0)
    assert listed["keyid"] in done.out
    assert listed["entries"] > 3
    holds = call("verify", tmp_path / "bundle.zip", "--trust", trust)
    assert holds.code == 0, holds.out
    assert "keys pinned by the reviewer" in holds.out
    assert "ok   receipt/" in holds.out
    refused = call("verify", tmp_path / "bundle.zip", "--trust", tmp_path / "2", "--quiet")
    assert refused.code == 1
    assert "the bundle's agent key is not the pinned one" in refused.out


def test_the_keys_are_listed_for_people_and_programs(
    bureau: Served, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """School, beginning of the key, state and times as a table in both languages; everything as JSON."""
    monkeypatch.setenv("COLUMNS", "200")
    directory, (old, new) = bureau.backend.store.directory, speakers(bureau)
    bureau.backend.store.create_token("invited")
    shown = call("backend", "keys", "--directory", directory)
    assert (shown.code, shown.err) == (0, "")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.out.splitlines() if "school-1" in line]
    assert rows == [
        ["school-1", new[:16], "active", "2026-11-22 03:00", "2026-11-22 03:00"],
        ["school-1", old[:16], "replaced", "2026-11-22 02:00", "2026-11-22 02:00"],
    ]
    assert old in call("backend", "keys", "--full", "--directory", directory).out
    told = json.loads(call("backend", "keys", "--json", "--directory", directory).out)
    assert [(one["keyid"], one["short"], one["state"]) for one in told] == [
        (new, new[:16], "active"),
        (old, old[:16], "replaced"),
    ]
    assert keys.keyid_of(keys.public_from_pem(told[0]["public_key"].encode())) == new
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "已替换" in call("backend", "keys", "--directory", directory).out


def test_a_backend_without_schools_says_what_comes_next(tmp_path: Path, call: Call) -> None:
    """Nothing enrolled is no error: an empty list for programs, and for people how a school is invited."""
    with serving(tmp_path, HandClock()):
        done = call("backend", "keys", "--directory", tmp_path)
        assert done.code == 0
        assert "campus-agent backend token SCHOOL-ID" in done.err
        assert json.loads(call("backend", "keys", "--json", "--directory", tmp_path).out) == []


def test_a_trust_directory_is_for_everybody_to_read(tmp_path: Path, bureau: Served, call: Call) -> None:
    """Three files of mode 0644 whatever the umask, nothing beside them; again is no change; it names every key."""
    directory = bureau.backend.store.directory
    before = os.umask(0o077)
    try:
        done = call("backend", "trust", "--campus", "school-1", "--output", tmp_path / "t", "--directory", directory)
    finally:
        os.umask(before)
    assert (done.code, done.err) == (0, "")
    written = published(tmp_path / "t")
    assert list(written) == NAMES
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "t").iterdir()} == {0o644}
    assert done.out.splitlines()[1:] == [
        f"school-1  {keyid}  {state}"
        for keyid, state in zip(reversed(speakers(bureau)), ("active", "replaced"), strict=True)
    ]
    assert call("backend", "trust", "--campus", "school-1", "-o", tmp_path / "t", "--directory", directory).code == 0
    assert published(tmp_path / "t") == written
    trust = pinned_trust(tmp_path / "t")
    assert sorted(trust.agent_keys) == sorted(speakers(bureau))
    assert (trust.log_vkey or "").startswith(f"{ORIGIN}+")


def test_other_keys_are_not_written_over(tmp_path: Path, bureau: Served, call: Call) -> None:
    """A directory with another school's key stays as it is, all of it, until --replace says so."""
    directory, place = bureau.backend.store.directory, tmp_path / "t"
    bureau.enrolled(tmp_path / "other", campus="school-2", name="school-2/agent")
    write = ("backend", "trust", "--output", place, "--directory", directory)
    assert call(*write, "--campus", "school-2").code == 0
    (place / "log.vkey").unlink()
    before = published(place)
    done = call(*write, "--campus", "school-1")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"campus-agent: {place}: agent.pub here holds something else")
    assert "--replace" in done.err
    assert published(place) == before
    assert call(*write, "--campus", "school-1", "--replace").code == 0
    assert sorted(pinned_trust(place).agent_keys) == sorted(speakers(bureau)[:2])
    (place / "agent.pub").unlink()
    (place / "agent.pub").mkdir()
    assert call(*write, "--campus", "school-1").err.startswith(
        f"campus-agent: {place}/agent.pub: cannot read this file"
    )


def test_without_a_school_the_backends_own_keys_are_told(tmp_path: Path, bureau: Served, call: Call) -> None:
    """The keys of log and challenges are one directory for all schools; that verify needs one more file is said."""
    directory = bureau.backend.store.directory
    done = call("backend", "trust", "--output", tmp_path / "t", "--directory", directory)
    assert done.code == 0
    assert "--campus SCHOOL-ID" in done.err
    assert list(published(tmp_path / "t")) == NAMES[1:]
    told = json.loads(call("backend", "trust", "--directory", directory).out)
    assert (sorted(told), told["log"]["origin"]) == (["challenge", "log"], ORIGIN)
    with_school = json.loads(call("backend", "trust", "--campus", "school-1", "--directory", directory).out)
    assert [one["keyid"] for one in with_school["agents"]] == speakers(bureau)[::-1]


def test_a_revoked_key_is_left_out_and_said(tmp_path: Path, bureau: Served, call: Call) -> None:
    """Whose key was withdrawn is no longer pinned; for bundles of before it can be had by name."""
    directory, (old, new) = bureau.backend.store.directory, speakers(bureau)
    bureau.backend.store.revoke(old, "stolen")
    write = ("backend", "trust", "--campus", "school-1", "--directory", directory)
    done = call(*write, "--output", tmp_path / "a")
    assert done.code == 0
    assert f"left out: key {old}, revoked at 2026-11-22T04:00:00.000Z" in done.err
    assert list(pinned_trust(tmp_path / "a").agent_keys) == [new]
    assert call(*write, "--output", tmp_path / "b", "--with-revoked").code == 0
    assert sorted(pinned_trust(tmp_path / "b").agent_keys) == sorted([old, new])


@pytest.mark.parametrize("command", [("keys",), ("trust",), ("trust", "--output", "never-made")])
def test_a_misspelt_school_is_told_the_near_ones(bureau: Served, call: Call, command: tuple[str, ...]) -> None:
    """One line with what was meant, exit 2, and nothing written."""
    done = call("backend", *command, "--campus", "schol-1", "--directory", bureau.backend.store.directory)
    told = "no school 'schol-1' is enrolled. Did you mean school-1? All are in campus-agent backend keys"
    assert (done.code, done.out, done.err) == (2, "", f"campus-agent: {told}\n")
    assert not Path("never-made").exists()


@pytest.mark.parametrize("position", [0, 1])
def test_a_bundle_holds_by_any_of_the_pinned_keys(tmp_path: Path, position: int) -> None:
    """A school's agent.pub of two servers checks bundles of either, whatever stands around the keys."""
    right = (TAMPERED / "trust" / "agent.pub").read_bytes()
    both = [b"school-1, the other server\r\n" + keys.create(tmp_path / "other.pem").public_pem.replace(b"\n", b"\r\n")]
    both.insert(position, right)
    for name in ("log.vkey", "challenge.pub"):
        (tmp_path / name).write_bytes((TAMPERED / "trust" / name).read_bytes())
    (tmp_path / "agent.pub").write_bytes(b"".join(both))
    result = verify_bundle((TAMPERED / "base.zip").read_bytes(), trust=pinned_trust(tmp_path)).result
    assert next(check for check in result.checks if check.name == "trust").ok
    assert [check.name for check in result.failed() if check.name.startswith(("signature", "chain", "receipt"))] == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda pem: b"",
        lambda pem: pem[:-10],
        lambda pem: pem + pem[:40],
        lambda pem: pem + pem.replace(b"M", b"N", 1),
        lambda pem: pem + b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ],
)
def test_a_damaged_list_of_keys_is_refused_whole(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    """A key that is cut short is never dropped in silence: the bundle that it signed would look forged."""
    pem = keys.create(tmp_path / "agent.pem").public_pem
    (tmp_path / "agent.pub").write_bytes(damage(pem))
    with pytest.raises(MalformedError, match=r"agent\.pub: "):
        pinned_trust(tmp_path)


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"no key", b"name+00000000+AQ" + b"A" * 42])
def test_a_damaged_key_of_the_log_is_an_error_with_its_place(tmp_path: Path, call: Call, damage: bytes) -> None:
    """A trust directory that was damaged on the way is told as such, not as a bundle that does not hold."""
    for path in (TAMPERED / "trust").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "log.vkey").write_bytes(damage)
    done = call("verify", TAMPERED / "base.zip", "--trust", tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("campus-agent: log.vkey: ")
    assert done.err.count("\n") == 1
