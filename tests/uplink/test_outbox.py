"""The outbox, real backend and real journal around a hostile network: nothing is lost, nothing is there twice."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import text

from agent import canonical
from agent.backend.fsck import fsck
from agent.evidence.note import verify_receipt
from agent.model.evidence import ChallengeRef, EntryKind
from agent.model.upload import ProblemType
from agent.uplink.backoff import CAP_SECONDS
from agent.uplink.outbox import BATCH
from tests.peers.fault_proxy import FAULTS, fault_proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.uplink.client import BackendClient
    from agent.uplink.outbox import Flushed
    from tests.peers.backend import HandClock, Served
    from tests.uplink.conftest import MakeSchool, School


def flush(school: School, url: str = "", times: int = 1) -> Flushed:
    """Flush so many times with one outbox; return what the last one did."""

    async def run() -> Flushed:
        async with school.client(url) as client:
            outbox = school.outbox(client)
            for _ in range(times):
                done = await outbox.flush()
            return done

    return asyncio.run(run())


def receipts_hold(school: School) -> None:
    """Assert that every entry of the journal that was not refused has a receipt for itself."""
    vkey = school.served.backend.log.key.text()
    refused = {seq for seq, _ in school.journal.backlog().rejected}
    for entry in school.journal.entries():
        receipt = school.journal.receipt(entry.sha256)
        if entry.seq not in refused:
            assert receipt is not None
            assert verify_receipt(receipt, f"sha256:{entry.sha256}", vkey).seq == entry.seq


def test_a_backlog_is_sent_in_order_with_its_blobs(school: School) -> None:
    """Everything that waits goes out in one flush, more than one batch, and the journal holds a receipt for each."""
    for n in range(BATCH + 5):
        school.add(files={"raw/a": b"a%d" % n, "raw/same": b"the same in each"})
    size = school.served.leaves()
    done = flush(school)
    assert (done.sent, done.error, done.wait_seconds, done.halted) == (BATCH + 6, None, None, False)
    assert school.waiting() == []
    assert school.served.leaves() == size + BATCH + 6
    receipts_hold(school)
    assert flush(school).sent == 0


def test_a_backend_that_is_down_costs_nothing_but_time(school: School, clock: HandClock) -> None:
    """No connection: the entry stays, the wait grows as full jitter says, and when the backend is back all goes out."""
    school.add()
    waits = []
    for _ in range(14):
        done = flush(school, "http://127.0.0.1:9")
        assert done.error is not None
        assert "127.0.0.1:9" in done.error.render()
        assert done.wait_seconds is not None
        waits.append(done.wait_seconds)
        clock.forward(done.wait_seconds)
    assert waits[:4] == [2.5, 5, 10, 20]
    assert waits[-1] == CAP_SECONDS / 2
    assert school.waiting() == [0, 1]
    assert flush(school).sent == 2


def test_waiting_survives_a_restart_and_nothing_is_sent_before(school: School, clock: HandClock) -> None:
    """The next try is in the journal: a new process waits for it as well, and sends when the time has come."""
    first = flush(school, "http://127.0.0.1:9")
    again = flush(school)
    assert (again.sent, again.wait_seconds) == (0, first.wait_seconds)
    clock.forward(first.wait_seconds or 0)
    assert flush(school).sent == 1


def test_retry_after_is_obeyed(school: School, clock: HandClock) -> None:
    """503 with Retry-After, in seconds or as a date: never earlier."""

    async def run(header: str) -> Flushed:
        async with fault_proxy(school.served.url, ["503"]) as proxy, school.client(proxy.url) as client:
            proxy.retry_after = header
            return await school.outbox(client, chance=0).flush()

    done = asyncio.run(run("1234"))
    assert done.wait_seconds == 1234
    clock.forward(1234)
    until = (clock.now() + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    done = asyncio.run(run(until))
    assert 89 <= (done.wait_seconds or 0) <= 90
    clock.forward(90)
    assert flush(school).sent == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_no_single_fault_loses_or_doubles_anything(school: School, clock: HandClock, fault: str) -> None:
    """Whatever stands in the way of one request, the entries arrive once and only true receipts are stored."""
    first = school.add()
    assert flush(school).sent == 2
    other = school.journal.receipt(first.sha256)
    assert other is not None
    school.add()
    school.add()
    size = school.served.leaves()

    async def run(position: int) -> list[str]:
        faults = ["honest"] * position + [fault]
        async with (
            fault_proxy(school.served.url, faults, other_receipt=other) as proxy,
            school.client(proxy.url) as client,
        ):
            outbox = school.outbox(client, chance=0)
            for _ in range(10):
                done = await outbox.flush()
                assert not done.halted
                assert done.rejected == ()
                if done.error is None:
                    break
                clock.forward(done.wait_seconds or 0)
            return proxy.met

    # Requests of a flush: have, blob, statement, blob, statement.
    met = asyncio.run(run(2))
    assert fault in met
    assert school.waiting() == []
    assert school.served.leaves() == size + 2
    receipts_hold(school)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_faults_lose_and_double_nothing(make_school: MakeSchool, clock: HandClock, data: st.DataObject) -> None:
    """Under any sequence of cuts, duplicates and lies, every entry ends with exactly one leaf and its receipt."""
    school = make_school()
    size = school.served.leaves()
    enrolment = school.enrol()
    count = data.draw(st.integers(1, 4), label="entries")
    for _ in range(count):
        school.add()
    slow = st.sampled_from([fault for fault in FAULTS if fault != "delay"] + ["honest"] * 5)
    faults = data.draw(st.lists(slow, max_size=25), label="faults")

    async def run() -> None:
        async with (
            fault_proxy(school.served.url, faults, other_receipt=b"none yet") as proxy,
            school.client(proxy.url) as client,
        ):
            for _ in range(len(faults) + 2):
                done = await school.outbox(client, chance=0).flush()
                receipt = school.journal.receipt(enrolment.sha256)
                proxy.other_receipt = receipt or proxy.other_receipt
                assert not done.halted
                if done.error is None:
                    return
                clock.forward(done.wait_seconds or 0)
        raise AssertionError("it did not arrive after all faults were over")

    asyncio.run(run())
    assert school.waiting() == []
    assert school.served.leaves() == size + count + 1
    receipts_hold(school)


def test_after_all_of_this_the_backend_is_sound(served: Served) -> None:
    """What the tests above sent through faults is consistent at the backend."""
    assert fsck(served.backend).faults == ()


# --- refused ------------------------------------------------------------------------------------------------------


def test_an_entry_that_never_passes_is_marked_and_the_next_goes_on(school: School) -> None:
    """A back-dated run, or a spent nonce, is rejected with its reason and kept; the chain goes on behind it."""
    school.add(time=school.speaker.times(finished=600))
    school.add(challenge=ChallengeRef(nonce="0" * 32, issued_at="2026-11-22T02:00:00Z"))
    school.add(EntryKind.HEARTBEAT)
    done = flush(school)
    assert (done.sent, [seq for seq, _ in done.rejected]) == (2, [1, 2])
    assert ProblemType.TIME_OUT_OF_BRACKET in done.rejected[0][1]
    assert ProblemType.UNKNOWN_NONCE in done.rejected[1][1]
    assert school.waiting() == []
    assert [entry.seq for entry in school.journal.entries()] == [0, 1, 2, 3]
    receipts_hold(school)
    assert flush(school).rejected == ()


def test_an_entry_that_cannot_be_chained_halts_with_what_to_do(school: School) -> None:
    """An envelope over the limit leaves no link at the backend: what follows waits for the operator."""
    school.add(reason="x" * (1024 * 1024))
    school.add()
    done = flush(school)
    assert [seq for seq, _ in done.rejected] == [1]
    assert done.halted
    assert done.error is not None
    assert "entry 1 was refused for good" in done.error.render()
    assert "enrol anew" in done.error.render()
    assert school.waiting() == [2]


def test_an_unknown_key_halts_until_the_operator_resumes(make_school: MakeSchool) -> None:
    """A token that is not open: nothing more is sent, the error says what to do, and `resume` starts again."""
    school = make_school()
    school.enrol(token="guessed")

    async def run() -> None:
        async with fault_proxy(school.served.url, []) as proxy, school.client(proxy.url) as client:
            outbox = school.outbox(client)
            done = await outbox.flush()
            assert done.halted
            assert done.error is not None
            assert "new token" in done.error.render()
            requests = len(proxy.met)
            assert (await outbox.flush()).halted
            assert len(proxy.met) == requests
            assert outbox.halted is done.error
            outbox.resume()
            assert (await outbox.flush()).halted
            assert len(proxy.met) > requests

    asyncio.run(run())
    assert school.waiting() == [0]


def test_a_revoked_key_halts(school: School) -> None:
    """403: stop and ask; the journal keeps what waits."""
    assert flush(school).sent == 1
    school.served.backend.store.revoke(school.speaker.signer.keyid, "test")
    school.add()
    done = flush(school)
    assert done.halted
    assert done.error is not None
    assert "revoked" in done.error.render()
    assert school.waiting() == [1]


def test_a_journal_that_was_set_back_halts_as_a_fork(make_school: MakeSchool) -> None:
    """A clone that goes on with the same key and another history is stopped, and told what happened."""
    school, clone = make_school(), make_school()
    enrolment = school.enrol()
    clone.speaker.signer = school.speaker.signer
    for one in ((school, b"mine"), (clone, b"theirs")):
        if one[0] is clone:
            _copy(clone, enrolment)
        one[0].add(files={"raw": one[1]})
    assert flush(school).sent == 2
    done = flush(clone)
    assert done.halted
    assert done.error is not None
    assert "cloned" in done.error.render()
    assert clone.waiting() == [1]


def _copy(school: School, entry: object) -> None:
    """Begin a journal with another one's first entry."""
    from agent.journal.records import Entry, Signed

    assert isinstance(entry, Entry)
    school.journal.put_blob(school.speaker.signer.public_pem)
    school.journal.append(lambda _seq, _prev: Signed(kind=entry.kind, payload=entry.payload, envelope=entry.envelope))


# --- the backend lost something -----------------------------------------------------------------------------------


def test_a_gap_is_filled_from_what_the_backend_expects(school: School, clock: HandClock) -> None:
    """A backend that was restored from a backup gets the entries again; the first receipts stay the agent's."""
    for _ in range(3):
        school.add()
    assert flush(school).sent == 4
    kept = {entry.sha256: school.journal.receipt(entry.sha256) for entry in school.journal.entries()}
    keyid = school.speaker.signer.keyid
    second = next(iter(school.journal.entries(after=0)))
    with school.served.backend.store.write() as connection:
        connection.execute(text("delete from entry where keyid = :keyid and seq > 1"), {"keyid": keyid})
        connection.execute(
            text("update agent set next_seq = 2, head = :head where keyid = :keyid"),
            {"keyid": keyid, "head": second.sha256},
        )
    newest = school.add()
    clock.forward(60)
    done = flush(school)
    assert (done.sent, done.error) == (1, None)
    assert all(school.journal.receipt(sha256) == receipt for sha256, receipt in kept.items())
    assert school.journal.receipt(newest.sha256) is not None
    for entry in school.journal.entries():
        assert school.served.http.get(f"/v1/statements/sha256:{entry.sha256}").status_code == 200


def test_a_blob_that_was_lost_after_have_is_sent_again(school: School) -> None:
    """424 in spite of `have`: the files are sent, and the same envelope passes."""
    school.add(files={"raw": b"shared by two"})
    assert flush(school).sent == 2
    school.add(files={"raw": b"shared by two"})
    digest = canonical.digest(b"shared by two")

    async def run() -> Flushed:
        async with school.client() as client:
            # The backend says that it has the file, and loses it before the envelope comes.
            assert await client.missing([digest]) == []
            outbox = school.outbox(_Lossy(client, lambda: school.served.backend.store.blobs.path(digest).unlink()))
            return await outbox.flush()

    done = asyncio.run(run())
    assert (done.sent, done.error) == (1, None)
    assert school.served.http.get(f"/v1/blobs/{digest}").content == b"shared by two"


class _Lossy:
    """A client behind whose `have` something happens at the backend."""

    def __init__(self, client: BackendClient, behind: Callable[[], None]) -> None:
        self.put_blob = client.put_blob
        self.put_statement = client.put_statement
        self._client = client
        self._behind = behind

    async def missing(self, digests: Sequence[str]) -> list[str]:
        found = await self._client.missing(digests)
        self._behind()
        return found


def test_a_file_that_is_gone_everywhere_halts_with_what_to_do(school: School, clock: HandClock) -> None:
    """Pruned here, lost there: no retry can help, and the error says which file of which entry."""
    school.add(files={"raw": b"lost"})
    assert flush(school).sent == 2
    digest, keyid = canonical.digest(b"lost"), school.speaker.signer.keyid
    clock.forward(3 * 86400)
    assert school.journal.prune(clock.now(), 1).blobs > 0
    first = next(iter(school.journal.entries()))
    school.served.backend.store.blobs.path(digest).unlink()
    with school.served.backend.store.write() as connection:
        connection.execute(text("delete from entry where keyid = :keyid and seq = 1"), {"keyid": keyid})
        connection.execute(
            text("update agent set next_seq = 1, head = :head where keyid = :keyid"),
            {"keyid": keyid, "head": first.sha256},
        )
    school.add()
    done = flush(school)
    assert done.halted
    assert done.error is not None
    assert digest in done.error.render()
    assert "entry 1" in done.error.render()


def test_two_flushes_at_once_send_each_entry_once(school: School) -> None:
    """The service and a command may flush at the same moment: the second finds nothing left."""
    for _ in range(5):
        school.add()

    async def run() -> list[int]:
        async with school.client() as client:
            outbox = school.outbox(client)
            return [done.sent for done in await asyncio.gather(*(outbox.flush() for _ in range(3)))]

    assert sorted(asyncio.run(run())) == [0, 0, 6]


def test_the_last_error_is_kept_for_the_status(school: School) -> None:
    """`status` can say why an entry waits: the journal has the text, the number of tries, and no secret."""
    flush(school, "http://127.0.0.1:9")
    waiting = school.journal.pending(school.speaker.clock.now())[0]
    assert waiting.attempts == 1
    assert waiting.last_error is not None
    assert "cannot be reached" in waiting.last_error
    assert json.dumps(waiting.last_error).isascii()
