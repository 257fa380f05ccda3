"""Hosts and platforms as assets: opened by their family, and asked by a URL without a campus file."""

from __future__ import annotations

import asyncio
import io

import pytest

from agent.collectors import COLLECTORS
from agent.model.asset import Asset
from agent.packs.load import config_directory, parse_families
from agent.runtime.adhoc import parse_target, read_live, read_record
from agent.runtime.credentials import Credential
from agent.runtime.opening import must_fit, open_transport
from agent.transports.net import NetTransport
from tests.transports.net_peers import site


@pytest.mark.parametrize("name", ["ip-host", "platform"])
def test_a_family_of_probes_opens_a_probe(name: str) -> None:
    """Both families open the same transport, with no credential, and their collectors exist."""
    path = config_directory() / "families" / f"{name}.yaml"
    family = parse_families(path.read_bytes(), str(path), collectors=COLLECTORS).value
    asset = Asset(id="h", family=name, address="127.0.0.1")
    must_fit(asset, {name: family}, {})
    transport = open_transport(asset, family, Credential())
    assert isinstance(transport, NetTransport)
    asyncio.run(transport.close())


def test_a_page_by_its_url() -> None:
    """The path and query of the URL are asked for, and the record gives the same readings again."""
    record = io.BytesIO()
    with site() as (port, seen):
        target = parse_target(f"http://127.0.0.1:{port}/a/b?c=d#e")
        told = asyncio.run(read_live(target, Credential(), record=record.write))
    assert [path for path, _ in seen] == ["/a/b?c=d"]
    found = {(reading.metric, reading.subject): reading.value for reading in told.readings}
    assert found["platform.success", f"asset:127.0.0.1-{port}"] == "1"
    record.seek(0)
    assert asyncio.run(read_record(record, where="record")) == told


def test_a_host_by_its_url() -> None:
    """`tcp://host:port` says whether a host answers there."""
    record = io.BytesIO()
    with site() as (port, _):
        target = parse_target(f"tcp://127.0.0.1:{port}")
        told = asyncio.run(read_live(target, Credential(), record=record.write))
    found = {(reading.metric, reading.subject): reading.value for reading in told.readings}
    assert found["host.reachable", f"asset:127.0.0.1-{port}"] == "1"
    record.seek(0)
    assert asyncio.run(read_record(record, where="record")) == told
