"""Hosts that are only asked whether they answer: real ones on loopback, and answers of every other kind."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from agent.errors import GapError
from agent.model.asset import Asset
from agent.model.exchange import GapReason, HostState, NetProbe, NetProbed
from agent.model.net import NetTls
from agent.model.reading import Grade
from tests.collectors.probing import live, scripted, values
from tests.transports.net_peers import authority, closed_port, leaf, mute, s_server, site

if TYPE_CHECKING:
    from pathlib import Path

OK = NetProbed(outcome="ok", family="ipv4", scope="private", tried=1, connect_us=1234, service="rtsp", status=200)
REFUSED = NetProbed(outcome="refused", family="ipv4", scope="private", tried=1)
SILENT = NetProbed(outcome="silent", family="ipv4", scope="private", tried=2)


def host(**fields: object) -> Asset:
    """A host of the family."""
    return Asset.from_json({"id": "h1", "family": "ip-host", "address": "127.0.0.1", **fields})


def test_a_real_host_answers_and_is_replayed() -> None:
    """All declared ports of a host: a page, a port that is open, in one record without an address of its answers."""
    with site() as (port, _), mute() as open_port:
        readings, record = live(host(ports=[port, open_port]), "reach")
    found = values(readings)
    assert found["host.reachable", "asset:h1"] == "1"
    assert found["host.answer", "asset:h1"] == "answers"
    assert float(found["host.connect_time", "asset:h1"]) >= 0
    assert found["host.service", f"service:h1/{open_port}"] == "open"
    assert found["collector.answer", "reach:h1"] == "ok"
    assert record.count(b"net.probe") == 4
    assert all(reading.grade is Grade.MEASURED for reading in readings)


def test_a_scheme_says_what_is_spoken() -> None:
    """A page on an odd port is asked for where the campus file says http; a closed port is refused, not silent."""
    with site() as (port, seen):
        found = values(live(host(port=port, scheme="http"), "reach")[0])
    assert found["host.service", f"service:h1/{port}"] == "http"
    assert len(seen) == 1
    closed = closed_port()
    found = values(live(host(port=closed), "reach")[0])
    assert (found["host.reachable", "asset:h1"], found["host.answer", "asset:h1"]) == ("0", "refuses")
    assert found["host.service", f"service:h1/{closed}"] == "refused"
    assert ("host.connect_time", "asset:h1") not in found


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs Debian's openssl")
@pytest.mark.parametrize(("days", "left"), [(30, "30"), (-1, "0")])
def test_a_certificate_is_looked_at(tmp_path: Path, days: int, left: str) -> None:
    """A device that signed for itself is spoken to; the days of its certificate are told, and never below zero."""
    _, _, key = authority(tmp_path)
    with s_server(*leaf(tmp_path, key, days=days)) as port:
        found = values(live(host(port=port, scheme="https"), "reach")[0])
    assert found["host.service", f"service:h1/{port}"] == "https"
    assert found["host.certificate_days", f"service:h1/{port}"] == left


@pytest.mark.parametrize(
    ("answers", "reachable", "state"),
    [
        ((OK, OK), "1", "answers"),
        ((OK, REFUSED), "1", "refuses"),
        ((OK, SILENT), "1", "silent"),
        ((REFUSED, SILENT), "0", "silent"),
        ((REFUSED, REFUSED), "0", "refuses"),
        ((NetProbed(outcome="unreachable"), REFUSED), "0", "silent"),
        ((NetProbed(outcome="name-failed"), NetProbed(outcome="name-failed")), "0", "silent"),
        ((NetProbed(outcome="tls-failed", connect_us=5), NetProbed(outcome="closed", connect_us=5)), "1", "answers"),
    ],
)
def test_all_declared_ports_count(answers: tuple[NetProbed, ...], reachable: str, state: str) -> None:
    """Only a host all of whose declared ports accept answers; one silent port leaves that open."""
    found = values(scripted(host(ports=[554, 80]), "reach", *answers)[0])
    assert (found["host.reachable", "asset:h1"], found["host.answer", "asset:h1"]) == (reachable, state)


def test_without_ports_the_first_that_accepts_is_enough() -> None:
    """HTTPS, then HTTP, and no further: a host is not searched for ports."""
    readings, session = scripted(host(), "reach", REFUSED, OK)
    assert values(readings)["host.answer", "asset:h1"] == "answers"
    assert [request.port for request in session.asked if isinstance(request, NetProbe)] == [443, 80]
    assert scripted(host(), "reach", OK)[1].asked == session.asked[:1]


def test_usual_ports_are_asked_in_their_own_words() -> None:
    """RTSP, SIP and HTTP where they usually live; any other port is only listened to."""
    _, session = scripted(host(ports=[554, 5061, 443, 9000]), "reach", OK, OK, OK, OK)
    asked = [request for request in session.asked if isinstance(request, NetProbe)]
    assert [(one.speak, one.tls) for one in asked] == [("rtsp", False), ("sip", True), ("http", True), ("", False)]
    assert not any(one.verify for one in asked)
    assert sum(one.seconds for one in asked) <= 48


def test_a_server_without_a_route_says_nothing_of_the_host() -> None:
    """No reading but the reason: the outage of this server is none of the host."""
    gap = GapError(GapReason.UNSUPPORTED, "this server has no route")
    assert values(scripted(host(), "reach", gap)[0]) == {("collector.answer", "reach:h1"): "unsupported"}


def test_another_answer_is_malformed() -> None:
    """What is no answer to a probe ends the collector, not the run."""
    other = HostState(boot_id="b", clock="unknown", clock_source="none")
    assert values(scripted(host(), "reach", other)[0]) == {("collector.answer", "reach:h1"): "malformed"}


def test_the_days_of_a_certificate_are_counted_from_the_answer() -> None:
    """Not from the day on which somebody recomputes it."""
    tls = NetTls(
        version="TLSv1.2",
        trust="not-checked",
        fingerprint="sha256:" + "0" * 64,
        issuer="sha256:" + "1" * 64,
        expires="2026-11-30T00:00:00.000Z",
    )
    answer = OK.model_copy(update={"service": "http", "tls": tls})
    assert values(scripted(host(port=443), "reach", answer)[0])["host.certificate_days", "service:h1/443"] == "10"
