"""The client believes nothing that it did not check."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import pytest

from agent import canonical
from agent.errors import AgentError, ConfigError, UplinkError
from agent.evidence.statement import open_challenge, sign_challenge
from agent.model.evidence import EntryKind
from agent.model.upload import ProblemType
from agent.uplink.answers import LaterError, RefusedError
from agent.uplink.client import BackendClient, FetchedChallenge, Limits
from tests.peers.backend import HandClock, speaker
from tests.peers.fault_proxy import fault_proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tests.peers.backend import Served
    from tests.uplink.conftest import School

    Answer = Callable[[bytes], bytes]

T = TypeVar("T")


@contextlib.asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[str]:
    """Run a server that gives each request those bytes, and closes."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            writer.write(answer(await reader.readuntil(b"\r\n\r\n")))
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(
        lambda reader, writer: tasks.add(asyncio.create_task(handle(reader, writer))), "127.0.0.1", 0
    )
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.gather(*tasks)


def ask(school: School, answer: Answer, question: Callable[[BackendClient], Awaitable[T]]) -> T:
    """Ask a server that answers so."""

    async def run() -> T:
        async with answering(answer) as url, school.client(url) as client:
            return await question(client)

    return asyncio.run(run())


def ok(body: bytes, head: str = "") -> Answer:
    """Return an answer 200 with that body."""
    return lambda _: f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n{head}\r\n".encode() + body


def fetch(school: School, url: str = "", keyid: str = "") -> FetchedChallenge:
    async def run() -> FetchedChallenge:
        async with school.client(url) as client:
            return await client.fetch_challenge(keyid or school.speaker.signer.keyid)

    return asyncio.run(run())


@pytest.fixture
def enrolled(school: School) -> School:
    async def run() -> None:
        async with school.client() as client:
            assert (await school.outbox(client).flush()).sent == 1

    asyncio.run(run())
    return school


# --- challenges ---------------------------------------------------------------------------------------------------


def test_a_challenge_is_opened_with_the_pinned_key(enrolled: School) -> None:
    """A good challenge comes with the very envelope that goes into the evidence."""
    fetched = fetch(enrolled)
    signer = enrolled.served.backend.challenge_signer
    assert open_challenge(fetched.envelope, {signer.keyid: signer.public}) == fetched.challenge
    assert fetched.challenge.agent == enrolled.speaker.signer.keyid


def test_a_challenge_by_another_key_is_no_challenge(enrolled: School, tmp_path: Path) -> None:
    """Whoever stands in the way cannot choose the nonce."""
    good = fetch(enrolled).challenge
    forged = sign_challenge(good, speaker(tmp_path / "forger", HandClock()).signer)
    with pytest.raises(UplinkError, match="does not hold"):
        ask(enrolled, ok(forged), lambda client: client.fetch_challenge(good.agent))


def test_an_old_or_foreign_or_repeated_challenge_is_refused(enrolled: School, clock: HandClock) -> None:
    """A cache that gives a spent or expired challenge would make the backend refuse the run for good."""
    fetched = fetch(enrolled)

    async def twice(client: BackendClient) -> None:
        await client.fetch_challenge(fetched.challenge.agent)
        await client.fetch_challenge(fetched.challenge.agent)

    with pytest.raises(UplinkError, match="old or not for this agent"):
        ask(enrolled, ok(fetched.envelope), twice)
    with pytest.raises(UplinkError, match="old or not for this agent"):
        ask(enrolled, ok(fetched.envelope), lambda client: client.fetch_challenge("0" * 64))
    clock.forward(601)
    with pytest.raises(UplinkError, match="old or not for this agent"):
        ask(enrolled, ok(fetched.envelope), lambda client: client.fetch_challenge(fetched.challenge.agent))


def test_an_agent_whose_clock_is_wrong_still_gets_challenges(enrolled: School) -> None:
    """Age is judged by the backend's Date: a school with a clock a day ahead is not cut off, its offset is recorded."""
    ahead = HandClock(enrolled.served.clock.now() + timedelta(days=1))
    enrolled.speaker.clock = ahead

    async def run() -> int | None:
        async with enrolled.client() as client:
            await client.fetch_challenge(enrolled.speaker.signer.keyid)
            return client.clock_offset_ms

    # Date has whole seconds.
    assert asyncio.run(run()) in range(-86_401_000, -86_399_000)


def test_an_unknown_key_gets_a_refusal(school: School) -> None:
    """401 from the backend itself is its word."""
    with pytest.raises(RefusedError) as raised:
        fetch(school)
    assert raised.value.problem.type == ProblemType.KEY_UNKNOWN


# --- receipts -----------------------------------------------------------------------------------------------------


def test_a_200_counts_only_with_a_receipt_for_this_statement(enrolled: School) -> None:
    """Nothing, a page, and a good receipt of another statement: the entry stays where it is."""
    entry = enrolled.add()
    first = next(iter(enrolled.journal.entries()))
    other = enrolled.journal.receipt(first.sha256)
    assert other is not None
    for body in (b"", b"<html>", other, other[:-1], b"\xff" * 100):

        async def put(client: BackendClient) -> bytes:
            return await client.put_statement(f"sha256:{entry.sha256}", entry.seq, entry.envelope)

        with pytest.raises(LaterError, match="without a receipt that holds"):
            ask(enrolled, ok(body), put)


def test_a_receipt_for_another_number_does_not_count(enrolled: School) -> None:
    """The leaf has to name the entry's place as well."""
    first = next(iter(enrolled.journal.entries()))

    async def run() -> None:
        async with enrolled.client() as client:
            await client.put_statement(f"sha256:{first.sha256}", first.seq + 1, first.envelope)

    with pytest.raises(LaterError, match="another entry"):
        asyncio.run(run())


# --- answers of strangers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: b"",
        lambda _: b"\x00" * 10,
        lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort",
        lambda _: b"HTTP/1.1 204 No Content\r\n\r\n",
        lambda _: b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
        lambda _: b"HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n",
        lambda _: b"HTTP/1.1 200 OK\r\ncontent-type: \xff\xfe\r\ncontent-length: 2\r\n\r\n{}",
        ok(b""),
        ok(b"[]"),
        ok(b'{"missing": [1]}'),
        ok(b'{"missing": ["\\ud800"]', "date: yesterday\r\nretry-after: soon\r\n"),
        ok(b"x" * (3 * 1024 * 1024)),
    ],
)
def test_any_answer_of_a_stranger_is_an_uplink_error(school: School, answer: Answer) -> None:
    """Cut, empty, endless, moved or no HTTP at all: one kind of error, with the URL and what to do."""
    with pytest.raises(LaterError) as raised:
        ask(school, answer, lambda client: client.missing([canonical.digest(b"x")]))
    assert "http://127.0.0.1:" in raised.value.render()
    assert "a running service sends it again by itself" in raised.value.render()


def test_missing_is_only_what_was_asked(school: School) -> None:
    """A list with other digests in it does not make the agent look for files that it never had."""
    asked, other = canonical.digest(b"asked"), canonical.digest(b"other")
    body = canonical.dumps({"missing": [other, asked]})
    assert ask(school, ok(body), lambda client: client.missing([asked])) == [asked]


def test_a_server_that_never_ends_is_left_after_the_total_time(school: School) -> None:
    """A byte now and then does not hold the outbox for ever."""

    async def run() -> float:
        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
            with contextlib.suppress(OSError):
                while not done.is_set():
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(0.05)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

        done = asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(
            lambda reader, writer: tasks.add(asyncio.create_task(drip(reader, writer))), "127.0.0.1", 0
        )
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        start = asyncio.get_running_loop().time()
        async with school.client(url, Limits(connect=1, silence=1, total=0.3)) as client:
            with pytest.raises(LaterError):
                await client.missing([canonical.digest(b"x")])
        took = asyncio.get_running_loop().time() - start
        done.set()
        server.close()
        await server.wait_closed()
        await asyncio.gather(*tasks)
        return took

    assert asyncio.run(run()) < 2


# --- the rest -----------------------------------------------------------------------------------------------------


def test_trust_gives_the_keys_that_are_pinned(school: School) -> None:
    """What /v1/trust says is what receipts and challenges are checked with."""

    async def run() -> canonical.Json:
        async with school.client() as client:
            return await client.trust()

    assert asyncio.run(run()) == school.served.backend.trust()


@pytest.mark.parametrize(
    "url", ["", "backend", "ftp://x", "https://", "https://[", "https://user:secret@host", "https://host/?q=1"]
)
def test_a_wrong_url_is_a_config_error_without_the_secret(url: str, served: Served) -> None:
    """The error says what form is wanted, and does not repeat a password."""

    def never(*_: object) -> object:
        raise AssertionError

    with pytest.raises(ConfigError) as raised:
        BackendClient(url, check_receipt=never, open_challenge=never, clock=served.clock)  # type: ignore[arg-type]
    assert "secret" not in raised.value.render()


def test_a_path_in_the_url_is_kept(school: School) -> None:
    """A backend behind a path prefix is reached under it."""
    seen: list[bytes] = []

    def answer(head: bytes) -> bytes:
        seen.append(head.split(b"\r\n")[0])
        return ok(b"{}")(head)

    async def run() -> None:
        async with answering(answer) as url, school.client(url + "/campus/") as client:
            await client.trust()

    asyncio.run(run())
    assert seen == [b"GET /campus/v1/trust HTTP/1.1"]


def test_errors_are_ours(school: School) -> None:
    """A refused connection is an AgentError with the URL, not a library's exception."""
    with pytest.raises(AgentError, match="cannot be reached"):
        fetch(school, "http://127.0.0.1:9")


def test_the_offset_of_the_clock_is_the_date_minus_ours(enrolled: School) -> None:
    """A backend an hour ahead shows as 3,600,000 ms; a Date that is none leaves the last fact."""

    async def run() -> list[int | None]:
        found = []
        late = HandClock(enrolled.served.clock.now() - timedelta(hours=1))
        late.moment = late.moment.replace(microsecond=0)
        enrolled.speaker.clock = late
        async with (
            fault_proxy(enrolled.served.url, ["honest", "portal"]) as proxy,
            enrolled.client(proxy.url) as client,
        ):
            found.append(client.clock_offset_ms)
            await client.trust()
            found.append(client.clock_offset_ms)
            with contextlib.suppress(UplinkError):
                await client.trust()
            found.append(client.clock_offset_ms)
        return found

    found = asyncio.run(run())
    assert found[0] is None
    assert found[1] in range(3_599_000, 3_601_000)
    assert found[2] == found[1]


def test_a_refused_blob_names_why(school: School) -> None:
    """A blob over the limit is the backend's word, with its type."""

    async def run() -> None:
        async with school.client(limits=Limits()) as client:
            data = bytes(4 * 1024 * 1024 + 1)
            await client.put_blob(canonical.digest(data), data)

    with pytest.raises(RefusedError) as raised:
        asyncio.run(run())
    assert raised.value.problem.type == ProblemType.TOO_LARGE


def test_enrolment_is_an_entry_like_any_other(enrolled: School) -> None:
    """After the enrolment's receipt, runs are taken."""
    enrolled.add(EntryKind.HEARTBEAT)

    async def run() -> int:
        async with enrolled.client() as client:
            return (await enrolled.outbox(client).flush()).sent

    assert asyncio.run(run()) == 1
