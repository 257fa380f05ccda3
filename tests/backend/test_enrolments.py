"""Whose keys are enrolled, what became of them, and which of them a reviewer is given."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from agent.backend.enrolments import KeyState, enrolments, revoke_key, school_keys, trust_files
from agent.clock import time_text
from agent.errors import MalformedError, UsageError, VerificationError
from agent.evidence import keys
from agent.model.evidence import EntryKind
from agent.model.upload import enrolment_proof
from tests.peers.backend import CAMPUS, speaker
from tests.peers.postgresql import BOTH

if TYPE_CHECKING:
    from pathlib import Path

    from tests.peers.backend import HandClock, Served, Speaker

pytestmark = BOTH


@pytest.fixture
def moved(served: Served, agent: Speaker, tmp_path: Path, clock: HandClock) -> tuple[Speaker, Speaker]:
    """Return a school's agent of before and the one of its new server, enrolled a day later."""
    clock.forward(86400)
    return agent, served.enrolled(tmp_path / "new")


def states(served: Served) -> list[tuple[str, KeyState]]:
    return [(one.keyid, one.state) for one in enrolments(served.backend.store)]


def test_a_new_server_replaces_the_key_of_the_old_one(
    served: Served, moved: tuple[Speaker, Speaker], tmp_path: Path
) -> None:
    """The newest key of an agent is active and those before are replaced; other schools have no part in it."""
    old, new = moved
    other = served.enrolled(tmp_path / "other", campus="school-2", name="school-2/agent")
    beside = served.enrolled(tmp_path / "beside", name=f"{CAMPUS}/second-site")
    assert sorted(states(served)) == sorted(
        [
            (new.signer.keyid, KeyState.ACTIVE),
            (old.signer.keyid, KeyState.REPLACED),
            (other.signer.keyid, KeyState.ACTIVE),
            (beside.signer.keyid, KeyState.ACTIVE),
        ]
    )
    assert [one.campus for one in enrolments(served.backend.store)] == [CAMPUS] * 3 + ["school-2"]
    assert [one.keyid for one in enrolments(served.backend.store, "school-2")] == [other.signer.keyid]


def test_a_revoked_key_replaces_none(served: Served, moved: tuple[Speaker, Speaker], clock: HandClock) -> None:
    """Once the newer key is revoked, the older one is the one in use again; the reason and the time are kept."""
    old, new = moved
    clock.forward(60)
    served.backend.store.revoke(new.signer.keyid, "made by a stranger")
    assert states(served) == [(new.signer.keyid, KeyState.REVOKED), (old.signer.keyid, KeyState.ACTIVE)]
    told = enrolments(served.backend.store)[0].to_json()
    assert (told["revoked"], told["reason"]) == (time_text(clock.now()), "made by a stranger")
    assert (told["state"], told["short"]) == ("revoked", new.signer.keyid[:16])


def test_the_last_upload_is_the_newest_statement(served: Served, agent: Speaker, clock: HandClock) -> None:
    """Every statement counts that became part of the chain, one that was refused for its content too."""
    (first,) = enrolments(served.backend.store)
    assert (first.enrolled, first.last_upload, first.entries) == (time_text(clock.now()),) * 2 + (1,)
    for status, ahead in ((201, 0), (422, 600)):
        clock.forward(3600)
        assert served.put(agent.append(EntryKind.RUN, time=agent.times(finished=ahead))).status_code == status
        (now,) = enrolments(served.backend.store)
        assert (now.enrolled, now.last_upload) == (first.enrolled, time_text(clock.now()))
    assert now.entries == 3


def test_a_database_that_lost_the_newest_statement_still_names_the_key(served: Served, agent: Speaker) -> None:
    """Damage shows as an unknown last upload; a key never drops out of the list."""
    with served.backend.store.write() as connection:
        connection.execute(text("delete from entry"))
    (found,) = enrolments(served.backend.store)
    assert (found.keyid, found.last_upload) == (agent.signer.keyid, None)


def test_a_reviewer_gets_all_keys_that_are_not_revoked(
    served: Served, moved: tuple[Speaker, Speaker], tmp_path: Path
) -> None:
    """Bundles of the old server and of the new one can be checked, the newest key first; no other school's is there."""
    served.enrolled(tmp_path / "other", campus="school-2", name="school-2/agent")
    old, new = moved
    school = school_keys(served.backend.store, CAMPUS)
    assert school.left_out == ()
    files = trust_files(served.backend, school)
    assert files["agent.pub"] == new.signer.public_pem + old.signer.public_pem
    assert files["log.vkey"].decode() == served.backend.log.key.text() + "\n"
    assert files["challenge.pub"] == served.backend.challenge_signer.public_pem
    assert list(trust_files(served.backend)) == ["challenge.pub", "log.vkey"]


def test_revoked_keys_are_pinned_only_when_asked_for(served: Served, moved: tuple[Speaker, Speaker]) -> None:
    """A thief's key is not handed out by habit, and a school without any other key is an error that says what to do."""
    store, (old, new) = served.backend.store, moved
    store.revoke(old.signer.keyid, "stolen")
    school = school_keys(store, CAMPUS)
    assert [one.keyid for one in school.pinned] == [new.signer.keyid]
    assert [one.keyid for one in school.left_out] == [old.signer.keyid]
    store.revoke(new.signer.keyid, "stolen too")
    with pytest.raises(UsageError, match=f"every key of {CAMPUS} is revoked.*--with-revoked"):
        school_keys(store, CAMPUS)
    school = school_keys(store, CAMPUS, with_revoked=True)
    assert [one.keyid for one in school.pinned] == [new.signer.keyid, old.signer.keyid]


def test_what_an_enrolment_carries_around_its_key_is_not_handed_on(
    served: Served, tmp_path: Path, clock: HandClock
) -> None:
    """A second key behind the enrolled one would be pinned without ever having been enrolled."""
    agent = speaker(tmp_path / "agent", clock)
    stranger = keys.create(tmp_path / "stranger.pem")
    token = served.backend.store.create_token(CAMPUS)
    signed = agent.append(
        EntryKind.ENROL,
        {"agent.pub": agent.signer.public_pem},
        public_key="Mrs. Wang's server\n" + (agent.signer.public_pem + stranger.public_pem).decode(),
        token_hmac=enrolment_proof(sha256(token.encode()).digest(), agent.signer.keyid),
    )
    assert served.put(signed).status_code == 201
    files = trust_files(served.backend, school_keys(served.backend.store, CAMPUS))
    assert files["agent.pub"] == agent.signer.public_pem


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("school-11", r"no school 'school-11' is enrolled\. Did you mean school-1, school-2\?"),
        ("SCHOOL-1 ", r"no school 'SCHOOL-1 ' is enrolled\. See campus-agent backend keys"),
        ("", r"no school '' is enrolled\. See campus-agent backend keys"),
        ("invited", r"the school 'invited' has a token but has not enrolled\. Have the school run campus-agent enrol"),
    ],
)
def test_a_school_without_a_key_is_an_error_that_helps(served: Served, tmp_path: Path, asked: str, told: str) -> None:
    """A misspelt id names the near ones, and a school that got its token is told apart from one that nobody knows."""
    for campus in ("school-1", "school-2", "another-place"):
        served.enrolled(tmp_path / campus, campus=campus, name=campus)
    served.backend.store.create_token("invited")
    for ask in (enrolments, school_keys):
        with pytest.raises(UsageError, match=told):
            ask(served.backend.store, asked)


@pytest.mark.parametrize(
    ("stored", "error", "told"),
    [("stranger", VerificationError, "another key under this keyid"), ("", MalformedError, "not a public key")],
)
def test_a_key_that_was_exchanged_in_the_database_is_not_handed_on(
    served: Served, agent: Speaker, tmp_path: Path, stored: str, error: type[Exception], told: str
) -> None:
    """What is pinned has the keyid that was enrolled: a row that was edited is an error that names the key."""
    stranger = keys.create(tmp_path / "stranger.pem").public_pem.decode() if stored else ""
    with served.backend.store.write() as connection:
        connection.execute(text("update agent set public_key = :pem"), {"pem": stranger})
    with pytest.raises(error, match=f"{agent.signer.keyid}: .*{told}"):
        school_keys(served.backend.store, CAMPUS)


def test_a_revocation_tells_what_it_left(served: Served, moved: tuple[Speaker, Speaker], clock: HandClock) -> None:
    """The key as it is now, and the school's keys that may still send; a repeat changes nothing and says so."""
    old, new = moved
    for changed in (True, False):
        done = revoke_key(served.backend.store, old.signer.keyid[:8].upper(), f"  失窃 {changed} ")
        assert (done.changed, done.key.keyid, done.key.state) == (changed, old.signer.keyid, KeyState.REVOKED)
        assert (done.key.reason, done.key.revoked) == ("失窃 True", done.key.revoked)
        assert [one.keyid for one in done.others] == [new.signer.keyid]
        clock.forward(60)
    assert revoke_key(served.backend.store, new.signer.keyid, "失窃").others == ()
