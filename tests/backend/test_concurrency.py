"""Writers beside each other, each with a database connection and locks of its own, as processes have them.

Every attempt is really at once: threads meet at a barrier. What the database serialises by itself differs, so all of
this runs on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from agent.backend import challenges
from agent.backend.backend import Backend, Settings
from agent.backend.fsck import fsck
from agent.backend.problems import ProblemError
from agent.backend.receive import Received, receive
from agent.evidence.note import parse_proof, verify_receipt
from agent.model.evidence import EntryKind
from agent.model.upload import ProblemType
from tests.peers.backend import ORIGIN, HandClock, Served, Signed, Speaker, speaker
from tests.peers.postgresql import BOTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = BOTH

ROUNDS = 5


@pytest.fixture
def writers(served: Served, database: str, clock: HandClock) -> Iterator[list[Backend]]:
    """Return backends that share nothing but directory and database: the server's, and two beside it."""
    with ExitStack() as stack:
        settings = Settings(served.backend.store.directory, origin=ORIGIN, database=database, reserve_bytes=0)
        beside = [Backend.open(settings, clock, exclusive=False) for _ in range(2)]
        for one in beside:
            stack.enter_context(closing(one))
        yield [served.backend, *beside]


def together(*attempts: Callable[[], Any]) -> list[Any]:
    """Start all at once; return what each gave, or its problem."""
    barrier = threading.Barrier(len(attempts))
    results: list[Any] = [None] * len(attempts)

    def run(place: int) -> None:
        barrier.wait(20)
        try:
            results[place] = attempts[place]()
        except ProblemError as problem:
            results[place] = problem

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(attempts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def put(backend: Backend, signed: Signed) -> Callable[[], Received]:
    return partial(receive, backend.store, backend.log, signed.digest, signed.envelope)


def kinds(results: list[Any]) -> list[ProblemType]:
    return [one.kind for one in results if isinstance(one, ProblemError)]


def accepted(results: list[Any]) -> list[Received]:
    return [one for one in results if isinstance(one, Received)]


def with_file(served: Served, signed: Signed) -> Signed:
    for data in signed.files.values():
        assert served.put_blob(data).status_code in (200, 201)
    return signed


def test_schools_that_upload_at_once_share_one_log(served: Served, writers: list[Backend], tmp_path: Path) -> None:
    """Chains of several schools through several writers: no leaf is lost, none has two numbers, every receipt holds."""
    schools = [served.enrolled(tmp_path / f"s{n}", campus=f"school-{n}", name=f"school-{n}/agent") for n in range(4)]
    served.put_blob(b"nothing to see\n")
    chains = [[agent.append(EntryKind.HEARTBEAT) for _ in range(6)] for agent in schools]

    def upload(turn: int, chain: list[Signed]) -> list[Received]:
        return [put(writers[(turn + n) % len(writers)], one)() for n, one in enumerate(chain)]

    results = together(*(partial(upload, turn, chain) for turn, chain in enumerate(chains)))
    key = served.backend.log.key.text()
    numbers = []
    for chain, received in zip(chains, results, strict=True):
        assert isinstance(received, list), received
        for signed, one in zip(chain, received, strict=True):
            assert one.created
            assert verify_receipt(one.receipt, signed.digest, key).seq == signed.seq
            numbers.append(parse_proof(one.receipt).index)
    assert sorted(numbers) == list(range(4, 28))
    assert served.leaves() == 28
    assert fsck(served.backend).faults == ()


def test_of_rivals_for_one_place_exactly_one_wins(served: Served, agent: Speaker, writers: list[Backend]) -> None:
    """Two entries of one number at once: one gets a receipt, all others are told of the fork, each time."""
    for n in range(ROUNDS):
        rivals = [with_file(served, agent.sign(EntryKind.RUN, {"raw": b"%d.%d" % (n, m)})) for m in range(3)]
        results = together(*(put(writer, one) for writer, one in zip(writers, rivals, strict=True)))
        assert len(accepted(results)) == 1, results
        assert kinds(results) == [ProblemType.FORK] * 2
        winner = next(one for one, result in zip(rivals, results, strict=True) if isinstance(result, Received))
        agent.seq, agent.prev = winner.seq + 1, winner.hex
    assert served.leaves() == 1 + ROUNDS
    assert fsck(served.backend).faults == ()


def test_one_statement_put_at_once_is_one_leaf(served: Served, agent: Speaker, writers: list[Backend]) -> None:
    """Repeats that overtake the first answer get the receipt that it gets; one of them made the leaf."""
    for _ in range(ROUNDS):
        signed = with_file(served, agent.append(EntryKind.RUN))
        results = accepted(together(*(put(writer, signed) for writer in writers * 2)))
        assert len(results) == 6
        assert len({one.receipt for one in results}) == 1
        assert [one.created for one in results].count(True) == 1
    assert served.leaves() == 1 + ROUNDS


def test_a_challenge_answered_twice_at_once_serves_one_run(
    served: Served, agent: Speaker, writers: list[Backend]
) -> None:
    """Two runs of one nonce, one behind the other in the chain: the second is never taken, whoever comes first."""
    for n in range(ROUNDS):
        challenge = served.challenge(agent)
        first = with_file(served, agent.append(EntryKind.RUN, run=f"a{n}", challenge=challenge))
        second = with_file(served, agent.append(EntryKind.RUN, run=f"b{n}", challenge=challenge))
        results = together(put(writers[0], first), put(writers[1], second), put(writers[2], second))
        assert isinstance(results[0], Received), results
        assert set(kinds(results[1:])) <= {ProblemType.GAP, ProblemType.NONCE_USED}
        assert len(kinds(results[1:])) == 2
        assert kinds(together(put(writers[1], second))) == [ProblemType.NONCE_USED]
    assert served.leaves() == 1 + ROUNDS


def test_a_token_used_twice_at_once_enrols_one(
    served: Served, writers: list[Backend], tmp_path: Path, clock: HandClock
) -> None:
    """A token that was intercepted and used in the same moment lets in one key, not two."""
    for n in range(ROUNDS):
        token = served.backend.store.create_token("school-1")
        newcomers = [speaker(tmp_path / f"n{n}.{m}", clock).enrol(token) for m in range(3)]
        for one in newcomers:
            with_file(served, one)
        results = together(*(put(writer, one) for writer, one in zip(writers, newcomers, strict=True)))
        assert len(accepted(results)) == 1, results
        assert kinds(results) == [ProblemType.TOKEN_REFUSED] * 2
    assert len(served.backend.store.agents()) == ROUNDS


def test_a_revocation_and_an_upload_at_once_have_an_order(
    served: Served, writers: list[Backend], tmp_path: Path
) -> None:
    """Either the entry came first and is whole, or the key was revoked first and nothing of the entry is there."""
    for n in range(ROUNDS):
        agent = served.enrolled(tmp_path / f"a{n}")
        signed = with_file(served, agent.append(EntryKind.RUN))
        keyid = agent.signer.keyid
        results = together(put(writers[0], signed), partial(writers[1].store.revoke, keyid, "lost"))
        assert results[1] is True
        status = served.http.get(f"/v1/statements/{signed.digest}").status_code
        assert status == (200 if isinstance(results[0], Received) else 404)
        assert kinds(results) in ([], [ProblemType.KEY_REVOKED])
        assert kinds(together(put(writers[2], agent.append(EntryKind.RUN)))) == [ProblemType.KEY_REVOKED]
    assert fsck(served.backend).faults == ()


def test_a_reader_sees_one_moment(served: Served, agent: Speaker, writers: list[Backend]) -> None:
    """What arrives while somebody reads does not mix into what was read: head and leaves belong together."""
    log = served.backend.log
    with writers[1].store.read() as reader:
        before = log.checkpoint(reader)
        assert served.put(agent.append(EntryKind.RUN)).status_code == 201
        assert log.checkpoint(reader) == before
        assert log.faults(reader) == []
    with writers[1].store.read() as reader:
        assert log.checkpoint(reader) != before


def test_challenges_at_once_are_all_different(served: Served, agent: Speaker, writers: list[Backend]) -> None:
    """Each of those who ask in one moment gets a nonce of its own, and all are remembered."""
    keyid = agent.signer.keyid
    issued = together(
        *(partial(challenges.issue, one.store, served.backend.challenge_signer, keyid) for one in writers * 2)
    )
    assert len(set(issued)) == 6
    assert not kinds(issued)
