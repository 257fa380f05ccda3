"""A canary as the service sends it: from the campus file through the journal, with the campus's own key."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING

import pytest

from agent.errors import GapError
from agent.model.canary import CanaryList, CanaryNonces, CanarySend, CanarySent
from agent.runtime.wiring import open_agent, pseudonym_key
from agent.transports.syslog import CanaryMemory, nonce_of
from tests.runtime.world import school

if TYPE_CHECKING:
    from pathlib import Path

    from agent.model.exchange import Response

CAMPUS = """version: "1"
school: {{id: school-1, name: 测试学校}}
assets:
  - {{id: store, family: log-files, address: localhost, logs: {{where: {where}}}}}
  - {{id: canary, family: syslog-canary, address: 127.0.0.1, port: {port}, logs: {{canary_of: store}}}}
log_sources:
  - {{id: sw1, kind: system, stored: [{{store: store, name: sw1}}]}}
"""


def test_the_service_sends_canaries_made_with_the_campus_key(tmp_path: Path) -> None:
    """The event names source and day, its nonce follows from the campus's key, and the day is remembered."""
    made = school(tmp_path, {"sw1": 9})
    with socket.socket(type=socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(20)
        made.campus.write_text(CAMPUS.format(where=tmp_path, port=collector.getsockname()[1]), encoding="utf-8")
        agent = open_agent(made.campus, made.state)
        asset = agent.campus.asset("canary")
        assert asset is not None
        request = CanarySend(store="store", sources=("sw1",), timezone=agent.campus.timezone)

        async def once() -> CanarySent:
            transport = agent.transport(asset)
            try:
                sent = await transport.exchange(request)
            finally:
                await transport.close()
            assert isinstance(sent, CanarySent)
            return sent

        try:
            sent = asyncio.run(once())
        finally:
            agent.close()
        event = collector.recv(4096)
    nonce = nonce_of(pseudonym_key(made.state / "keys" / "pseudonym.key"), "store", "sw1", sent.day)
    assert event.startswith(b"<190>1 ")
    assert event.endswith(
        b" campus-canary campus-agent - canary - canary day=%s source=sw1 nonce=%s" % (sent.day.encode(), nonce)
    )
    assert nonce not in sent.to_bytes()
    assert CanaryMemory(made.state / "canaries.txt").days("store") == {"sw1": [sent.day]}


STORE = """version: "1"
school: {id: school-1, name: 测试学校}
assets:
  - {id: store, family: loki, address: 127.0.0.1, port: 9}
  - {id: other, family: loki, address: 127.0.0.1, port: 9}
  - {id: canary, family: syslog-canary, address: 127.0.0.1, logs: {canary_of: store}}
log_sources:
  - {id: sw1, kind: system, stored: [{store: store, name: sw1}]}
"""


def test_a_store_over_http_is_told_its_canaries_by_the_agent(tmp_path: Path) -> None:
    """The store that the campus file sends canaries to knows their nonces; another store is asked over HTTP alone."""
    made = school(tmp_path, {"sw1": 9})
    made.campus.write_text(STORE, encoding="utf-8")
    agent = open_agent(made.campus, made.state)
    today = agent.clock.now().date()
    CanaryMemory(made.state / "canaries.txt").add("store", ("sw1",), today)

    async def ask(asset: str) -> Response:
        found = agent.campus.asset(asset)
        assert found is not None
        transport = agent.transport(found)
        try:
            return await transport.exchange(CanaryList(store=asset, sources=("sw1", "sw2"), days=10))
        finally:
            await transport.close()

    try:
        told = asyncio.run(ask("store"))
        with pytest.raises(GapError):
            asyncio.run(ask("other"))
    finally:
        agent.close()
    nonce = nonce_of(pseudonym_key(made.state / "keys" / "pseudonym.key"), "store", "sw1", today.isoformat())
    assert isinstance(told, CanaryNonces)
    assert [(one.source, one.nonces) for one in told.sources] == [
        ("sw1", {today.isoformat(): nonce.decode()}),
        ("sw2", {}),
    ]


def test_stores_that_are_sent_to_at_once_are_all_remembered(tmp_path: Path) -> None:
    """A run sends to several stores at the same time, each by a transport of its own: no day of any gets lost."""
    file, day = tmp_path / "canaries.txt", date(2026, 11, 22)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: CanaryMemory(file).add(f"store{n}", ("a", "b"), day), range(40)))
    assert all(
        CanaryMemory(file).days(f"store{n}") == {"a": [day.isoformat()], "b": [day.isoformat()]} for n in range(40)
    )
