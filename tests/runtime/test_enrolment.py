"""Enrolment: keys are pinned once, a wrong token does no harm, and the same command finishes what was cut off."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import pytest

from agent.clock import SystemClock
from agent.errors import AgentError, ConfigError, UplinkError, UsageError
from agent.runtime import enrolment, start
from agent.runtime.backend_link import pin_trust
from tests.peers.backend import HandClock, Served, serving
from tests.runtime.world import SCHOOL, School, free_tcp_port, school

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def bureau(directory: Path, port: int = 0) -> Iterator[Served]:
    """Return a running backend whose clock is the real one."""
    with serving(directory, cast("HandClock", SystemClock()), port=port) as served:
        yield served


def enrol(place: School, url: str, secret: str) -> list[str]:
    """Enrol as the command does."""
    return asyncio.run(enrolment.enrol(url, secret, place.campus, place.state))


def refused(place: School, url: str, secret: str, kind: type[AgentError]) -> str:
    """Return what is said when enrolment fails; the token is not in it."""
    with pytest.raises(kind) as caught:
        enrol(place, url, secret)
    assert not secret or secret not in str(caught.value)
    return str(caught.value)


def set_aside(place: School) -> list[str]:
    """Return the journals that were set aside."""
    return [path.name for path in place.state.iterdir() if path.name.startswith("journal.refused-")]


def test_a_wrong_token_can_be_put_right(tmp_path: Path, device: int, caplog: pytest.LogCaptureFixture) -> None:
    """A mistyped token is refused with what to do, once and not in a log as well; the right one enrols the agent."""
    place = school(tmp_path, {"one": device})
    with bureau(tmp_path / "backend") as served:
        assert "the token is empty" in refused(place, served.url, "", UsageError)
        told = refused(place, served.url, "WRONG-CANARY-1", UplinkError)
        assert "refused" in told
        assert "token" in told
        assert caplog.messages == []
        refused(place, served.url, "WRONG-CANARY-1", UplinkError)
        assert set_aside(place) == []
        lines = enrol(place, served.url, served.backend.store.create_token(SCHOOL))
        assert lines[0].startswith(f"enrolled {SCHOOL} with key ")
        assert "enrolled already" in refused(place, served.url, served.backend.store.create_token(SCHOOL), UsageError)
        assert len(set_aside(place)) == 1
        start.run(place.campus, place.state, served.url, once=True)
        assert place.waiting() == 0
        assert served.leaves() == 3
    place.check_chain()
    for path in place.state.rglob("*"):
        assert not path.is_file() or b"WRONG-CANARY-1" not in path.read_bytes(), path


def test_a_token_of_another_school_is_refused(tmp_path: Path, device: int) -> None:
    """A token opens the school that it was made for and no other."""
    place = school(tmp_path, {"one": device})
    with bureau(tmp_path / "backend") as served:
        assert "refused" in refused(place, served.url, served.backend.store.create_token("school-2"), UplinkError)
        assert served.leaves() == 0


def test_an_enrolment_that_did_not_arrive_is_sent_again(tmp_path: Path, device: int) -> None:
    """A backend that cannot be reached costs nothing: the same command finishes it, with the same chain."""
    place, port = school(tmp_path, {"one": device}), free_tcp_port()
    url = f"http://127.0.0.1:{port}"
    told = refused(place, url, "x", UplinkError)
    assert f"{url}/v1/trust: the backend cannot be reached" in told
    assert told.endswith("then run the command again"), "nothing has begun that would be sent by itself"
    with bureau(tmp_path / "backend", port) as served:
        secret = served.backend.store.create_token(SCHOOL)
        pins = asyncio.run(pin_trust(url, place.trust, SystemClock()))
        assert pins.log_vkey
    with pytest.raises(UplinkError):  # as if the line broke after the keys were pinned
        _deliver_nowhere(place, secret)
    head = place.statements()[0].to_bytes()
    with bureau(tmp_path / "backend", port):
        enrol(place, url, secret)
    assert place.statements()[0].to_bytes() == head
    assert place.waiting() == 0


def _deliver_nowhere(place: School, secret: str) -> None:
    """Begin the chain with the token's proof, and fail to send it."""
    agent = enrolment._begun(place.campus, place.state, secret, SystemClock())
    agent.close()
    start.upload(place.campus, place.state, f"http://127.0.0.1:{free_tcp_port()}")


def test_an_agent_that_measured_before_it_was_enrolled_is_told_the_way(tmp_path: Path, device: int) -> None:
    """A chain that began without a token cannot get one afterwards; the error says how to go on."""
    place = school(tmp_path, {"one": device})
    start.run(place.campus, place.state, None, once=True)
    with bureau(tmp_path / "backend") as served:
        told = refused(place, served.url, served.backend.store.create_token(SCHOOL), UsageError)
    assert "measured before it was enrolled" in told
    assert "Enrol with another --state" in told
    assert set_aside(place) == []


def test_a_backend_with_other_keys_is_not_trusted(tmp_path: Path, device: int) -> None:
    """Another backend at the same address is refused: pinned keys are never replaced, its receipts do not count."""
    place, port = school(tmp_path, {"one": device}), free_tcp_port()
    with bureau(tmp_path / "a", port) as served:
        enrol(place, served.url, served.backend.store.create_token(SCHOOL))
    pinned = (place.trust / "log.vkey").read_bytes()
    with bureau(tmp_path / "b", port) as other:
        assert "other keys than the pinned ones" in refused(place, other.url, "x", ConfigError)
        told = start.run(place.campus, place.state, other.url, once=True)
        assert [line.partition(",")[0] for line in told] == ["one: ok"]
    assert (place.trust / "log.vkey").read_bytes() == pinned
    assert place.waiting() == 2
    assert place.statements()[-1].predicate.challenge is None


@pytest.mark.parametrize("trust", [{}, {"log": 1}, {"log": {"vkey": 7}}, {"log": {"vkey": "a+b+c"}, "challenge": {}}])
def test_what_is_no_backend_is_not_pinned(tmp_path: Path, trust: dict[str, object]) -> None:
    """A captive portal or another service gives no keys: one error, and nothing is written."""

    class Portal(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = json.dumps(trust).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
            """Keep quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Portal) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            with pytest.raises(UplinkError, match="does not answer like a scoring backend"):
                asyncio.run(pin_trust(f"http://127.0.0.1:{server.server_port}", tmp_path / "t", SystemClock()))
        finally:
            server.shutdown()
            thread.join()
    assert not (tmp_path / "t").exists()


def test_without_pinned_keys_nothing_is_sent(tmp_path: Path) -> None:
    """A backend that was never enrolled at is not talked to; the error says what to do first."""
    place = school(tmp_path, {"one": 1})
    with pytest.raises(ConfigError, match="Run campus-agent enrol"):
        start.upload(place.campus, place.state, "http://127.0.0.1:1")
