"""What was asked for and is not there has a reason and a next step, also where every answer is a good one."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import pytest

from agent.model.asset import Asset
from agent.model.reading import Grade, Reading
from agent.packs.load import config_directory, load_metrics
from agent.runtime.adhoc import parse_target, read_live, read_record
from agent.runtime.credentials import Credential
from agent.runtime.shortfall import shortfalls
from tests.transports.net_peers import closed_port

if TYPE_CHECKING:
    from agent.runtime.adhoc import Told

HOST = Asset(id="h", family="ip-host", address="host.invalid")


def reading(metric: str, subject: str, value: str) -> Reading:
    """Return a reading."""
    at, source = "2026-11-22T00:00:00Z", "sha256:" + "0" * 64
    return Reading(metric=metric, subject=subject, value=value, unit="", at=at, grade=Grade.MEASURED, sources=(source,))


def test_a_page_whose_name_nobody_knows() -> None:
    """`read https://nohost.invalid/`: the reading says how far it came, a line says why, and so does the record."""
    record = io.BytesIO()

    async def talk() -> tuple[Told, Told]:
        live = await read_live(parse_target("https://nohost.invalid/"), Credential(), record=record.write)
        record.seek(0)
        return live, await read_record(record, where="record")

    live, again = asyncio.run(talk())
    outcome = {one.subject: one.value for one in live.readings if one.metric == "platform.outcome"}
    assert outcome["asset:nohost.invalid"] in {"name-unknown", "name-failed"}  # a machine without a resolver
    assert [gap.where for gap in live.gaps] == ["nohost.invalid"]
    assert live.gaps[0].todo.startswith("Check the spelling")
    assert [str(one) for one in again.gaps] == [str(one) for one in live.gaps]


@pytest.mark.parametrize("scheme", ["tcp", "http"])
def test_a_port_at_which_nothing_listens(scheme: str) -> None:
    """`read tcp://` and `read http://` of a closed port: a reason, with where and what to do."""
    port = closed_port()
    told = asyncio.run(read_live(parse_target(f"{scheme}://127.0.0.1:{port}"), Credential()))
    (gap,) = told.gaps
    assert gap.reason == "unreachable"
    assert "nothing listens at this port" in gap.what
    assert gap.where == (f"127.0.0.1:{port}" if scheme == "tcp" else "127.0.0.1 (ipv4)")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ([("host.answer", "asset:h", "answers"), ("host.service", "service:h/80", "refused")], ""),
        ([("platform.success", "asset:h", "1"), ("platform.outcome", "probe:h/ipv6", "silent")], ""),
        (
            [
                ("platform.success", "asset:h", "0"),
                ("platform.outcome", "probe:h/ipv4", "ok"),
                ("platform.status", "probe:h/ipv4", "503"),
            ],
            "host.invalid (ipv4): the page is answered with status 503. ",
        ),
        (
            [
                ("platform.success", "asset:h", "0"),
                ("platform.outcome", "probe:h/ipv4", "ok"),
                ("portal.redirected", "asset:h", "portal"),
            ],
            "host.invalid (ipv4): a login portal answers in place of the page. ",
        ),
        (
            [("platform.success", "asset:h", "0"), ("platform.outcome", "probe:h/ipv4", "ok")],
            "host.invalid (ipv4): what answers is not HTTP. ",
        ),
        ([("link.match", "egress:t", "not found")], "egress:t: no port of the device has this name. "),
        ([("link.match", "egress:t", "ambiguous ifAlias")], "egress:t: several ports of the device have this name. "),
        ([("link.match", "egress:t", "ifName")], ""),
    ],
)
def test_what_is_a_shortfall(said: list[tuple[str, str, str]], told: str) -> None:
    """One way that works is enough; what does not is told with its next step."""
    found = shortfalls(HOST, [reading(*one) for one in said])
    assert len(found) == bool(told)
    assert all(str(one).startswith(told) and str(one) != told for one in found)


def test_every_end_of_a_probe_has_its_words() -> None:
    """No state in which a probe or a service can end is left without a reason."""
    metrics = load_metrics(config_directory())
    for name, working in (("platform.outcome", {"ok"}), ("host.service", {"open", "other"})):
        for state in set(metrics[name].states) - working:
            success = reading("platform.success", "asset:h", "0"), reading("host.answer", "asset:h", "silent")
            found = shortfalls(HOST, [*success, reading(name, "service:h/80", state)])
            spoken = state in {"http", "https", "rtsp", "sip", "ssh", "ftp", "smtp"}
            assert len(found) == (not spoken), state
