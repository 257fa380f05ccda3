"""The bureau withdraws a school's key: by the real command, beside the real server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agent.model.evidence import EntryKind
from tests.peers.backend import CAMPUS, HandClock, Served, Speaker, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Call


@pytest.fixture
def bureau(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "backend", HandClock()) as served:
        yield served


@pytest.fixture
def agent(bureau: Served, tmp_path: Path) -> Speaker:
    return bureau.enrolled(tmp_path / "agent")


def states(call: Call, bureau: Served) -> dict[str, tuple[str, str | None]]:
    told = json.loads(call("backend", "keys", "--json", "--directory", bureau.backend.store.directory).out)
    return {one["keyid"]: (one["state"], one["reason"]) for one in told}


def test_a_revoked_key_sends_nothing_more(bureau: Served, agent: Speaker, tmp_path: Path, call: Call) -> None:
    """From the command on, uploads and challenges are refused and say since when; what was there before stays."""
    directory, keyid = bureau.backend.store.directory, agent.signer.keyid
    before = agent.append(EntryKind.RUN)
    receipt = bureau.put(before).content
    done = call("backend", "revoke", keyid[:16], "--reason", "服务器失窃 [theft]", "--directory", directory)
    assert done.code == 0
    first, second = done.out.splitlines()
    assert first.startswith(f"{CAMPUS}  {keyid}  revoked at 20")
    assert first.endswith("Z: 服务器失窃 [theft]")
    assert "its 2 entries of before" in second
    assert f"campus-agent backend token {CAMPUS}" in done.err
    refused = bureau.put(agent.append(EntryKind.RUN))
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:campus-agent:problem:key-revoked")
    assert first.split()[4].rstrip(":") in refused.json()["detail"]
    assert bureau.http.get("/v1/challenges", params={"keyid": keyid}).status_code == 403
    again = bureau.put(before)
    assert (again.status_code, again.content) == (200, receipt)
    # The school enrols a new key and goes on.
    newer = bureau.enrolled(tmp_path / "newer")
    assert bureau.put(newer.append(EntryKind.RUN)).status_code == 201
    assert states(call, bureau) == {
        keyid: ("revoked", "服务器失窃 [theft]"),
        newer.signer.keyid: ("active", None),
    }


def test_a_second_revocation_changes_nothing(bureau: Served, agent: Speaker, tmp_path: Path, call: Call) -> None:
    """Time and reason of the first stay; the command says so and ends well; the school's other keys are named."""
    other = bureau.enrolled(tmp_path / "other")
    bureau.enrolled(tmp_path / "elsewhere", campus="school-2", name="school-2/agent")
    revoke = ("backend", "revoke", agent.signer.keyid, "--directory", bureau.backend.store.directory, "--reason")
    first = call(*revoke, "lost")
    second = call(*revoke, "lost, said twice")
    assert (first.code, second.code) == (0, 0)
    assert "was revoked before, at 20" in second.out
    assert second.out.splitlines()[0].endswith(": lost")
    for done in (first, second):
        assert done.out.splitlines()[2:] == [f"{CAMPUS}  {other.signer.keyid}  active"]
        assert f"campus-agent backend trust --campus {CAMPUS} --output DIRECTORY" in done.err
    assert states(call, bureau)[agent.signer.keyid] == ("revoked", "lost")


def test_a_slip_of_the_hand_revokes_nobody(bureau: Served, agent: Speaker, call: Call) -> None:
    """Too short, unknown or without a reason: one line that helps, exit 2, and every key stays as it was."""
    keyid = agent.signer.keyid
    typo = ("0" if keyid[3] != "0" else "1").join((keyid[:3], keyid[4:16]))
    for given, reason, told in (
        (keyid[:7], "lost", f"'{keyid[:7]}' is too short for the id of a key"),
        ("", "lost", "'' is too short"),
        (typo, "lost", f"no key {typo} is enrolled. Did you mean {keyid} ({CAMPUS})?"),
        ("zzzzzzzzzz", "lost", "no key zzzzzzzzzz is enrolled. All keys are in campus-agent backend keys --full"),
        (f"{keyid}0", "lost", f"Did you mean {keyid}"),
        (keyid, " ", "the reason is 1 to 500 printable characters"),
        (keyid, "x" * 501, "the reason is 1 to 500 printable characters"),
        (keyid, "two\nlines", "the reason is 1 to 500 printable characters"),
    ):
        done = call("backend", "revoke", given, "--reason", reason, "--directory", bureau.backend.store.directory)
        assert (done.code, done.out) == (2, ""), (given, done)
        assert told in done.err, (given, done.err)
    assert call("backend", "revoke", keyid, "--directory", bureau.backend.store.directory).code == 2
    assert states(call, bureau) == {keyid: ("active", None)}
