"""The ipv6 collector on recorded devices, on a real agent, and where a device breaks off."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import pytest

from agent import ber
from agent.collectors.ipv6_tables import NEIGHBOURS, PREFIXES, ROUTES
from agent.errors import GapError
from agent.lab.snmp.recording import Cell, Recording, read
from agent.lab.snmpd import COMMUNITY, running_snmpd
from agent.model.exchange import GapReason
from agent.transports.snmp import Community, SnmpTransport
from tests.collectors.network import (
    OURS,
    RECORDINGS,
    expected,
    lines,
    must_fit_the_metrics,
    needs_shared,
    readings_of,
)
from tests.collectors.recorded import RecordingTransport, cell, converse, value

if TYPE_CHECKING:
    from pathlib import Path

    from agent.model.exchange import MqttMessages, Notifications, Request, VarBinds
    from agent.model.reading import Reading

GOLDEN = sorted(OURS.glob("network-*.snmprec"))
CORE = OURS / "network-core.snmprec"
WRONG_UPSTREAM = {"mypoweros": {"10fe:8000::/10": "fe80::/10"}}
"""EXPECTED.json truth_caveats: the length octet was read as part of the address."""
UNKNOWN_LENGTH = 0
"""How the other system writes a prefix length that no table gives."""


def listed(readings: list[Reading], *metrics: str) -> set[str]:
    """Return the addresses, with lengths, of these listing metrics."""
    found = (text for one in readings if one.metric in metrics for text in one.value.split())
    return {text.split("(")[0] for text in found}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_our_recordings_give_exactly_these_readings(path: Path) -> None:
    """Every reading of our own recordings is as it was looked at and kept."""
    readings = readings_of(path, "ipv6")
    assert lines(readings) == path.with_name(f"{path.stem}.ipv6.tsv").read_text(encoding="utf-8")
    must_fit_the_metrics(readings)


@needs_shared
@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_every_recorded_device_gives_readings_or_a_reason(path: Path) -> None:
    """Whatever a device answers, there are readings that fit their metrics, or the recorded reason for none."""
    readings = readings_of(path, "ipv6")
    must_fit_the_metrics(readings)
    answer = value(readings, "collector.answer")
    assert answer == "ok" or (answer == "unsupported" and len(readings) == 1)


@needs_shared
@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_addresses_agree_with_another_system(path: Path) -> None:
    """Every IPv6 address and prefix length that another system derived from the recording is found."""
    facts = expected().get(path.stem, {}).get("ipv6_addresses")
    if not facts:
        pytest.skip("no expected IPv6 address in this recording")
    found = listed(readings_of(path, "ipv6"), "ipv6.addresses", "ipv6.rejected")
    for row in facts["rows"]:
        address, length = str(ipaddress.ip_address(row["address"])), row["prefixlen"]
        wanted = WRONG_UPSTREAM.get(path.stem, {}).get(f"{address}/{length}", f"{address}/{length}")
        if length == UNKNOWN_LENGTH:
            assert address in {text.split("/")[0] for text in found}
        else:
            assert wanted in found


def test_link_local_addresses_are_no_support() -> None:
    """A device whose only addresses are link-local reaches no further than its links."""
    cells = [each for each in read(CORE).cells() if not ber.oid_text(each.oid).startswith("1.3.6.1.2.1.4.34.1")]
    index = "2.16.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.1"
    cells += [cell(f"1.3.6.1.2.1.4.34.1.3.{index}", 10), cell(f"1.3.6.1.2.1.4.34.1.7.{index}", 1)]
    readings, _ = converse(RecordingTransport(Recording(cells)), ("ipv6",))
    assert value(readings, "ipv6.scope") == "link-local"
    assert value(readings, "ipv6.addresses.global") == "0"


@pytest.mark.parametrize(("status", "scope"), [(1, "global"), (2, "global"), (3, "none"), (6, "none"), (7, "none")])
def test_an_address_counts_only_while_it_can_be_used(status: int, scope: str) -> None:
    """Preferred and deprecated addresses work; invalid, tentative and duplicate ones are listed and do not count."""
    index = "2.16.45.0.0.92.0.1.0.16.0.0.0.0.0.0.0.1"
    cells = [
        cell("1.3.6.1.2.1.2.2.1.2.10", "Vlanif10"),
        cell(f"1.3.6.1.2.1.4.34.1.3.{index}", 10),
        cell(f"1.3.6.1.2.1.4.34.1.7.{index}", status),
    ]
    readings, _ = converse(RecordingTransport(Recording(cells)), ("ipv6",))
    assert value(readings, "ipv6.scope") == scope
    assert listed(readings, "ipv6.addresses") == {"2d00:5c:1:10::1"}


@pytest.mark.parametrize(("kind", "state"), [(4, "present"), (3, "present"), (2, "absent"), (5, "absent")])
def test_a_default_route_that_leads_nowhere_is_none(kind: int, state: str) -> None:
    """Reject and blackhole routes to ::/0 are no default route."""
    route = ".".join(["0"] * 16) + ".0.2.0.0.2.16." + ".".join(["0"] * 16)
    cells = [cell("1.3.6.1.2.1.4.24.6.0", 1, ber.GAUGE32), cell(f"1.3.6.1.2.1.4.24.7.1.8.2.16.{route}", kind)]
    cells.append(cell("1.3.6.1.2.1.2.2.1.2.10", "Vlanif10"))
    readings, _ = converse(RecordingTransport(Recording(cells)), ("ipv6",))
    assert value(readings, "ipv6.default_route") == state


def test_no_table_of_routes_says_nothing_about_the_default_route() -> None:
    """Unknown is not absent."""
    readings, _ = converse(RecordingTransport(Recording([cell("1.3.6.1.2.1.2.2.1.2.10", "Vlanif10")])), ("ipv6",))
    assert value(readings, "ipv6.default_route") is None
    assert value(readings, "ipv6.scope") == "none"


def test_no_address_of_a_neighbour_is_recorded() -> None:
    """The record holds the networks of terminals and their scope, neither their interface identifiers nor MACs."""
    _, kept = converse(RecordingTransport(read(CORE)), ("ipv6", "census"))
    record = b"".join(exchange.to_bytes() for exchange in kept).decode()
    for identifier in ("abcd000000000001", "0000000000b2", "48a9d2000001", "daa119000003", "00000000000000c3"):
        assert identifier not in record
    arp = ber.oid_bytes("1.3.6.1.2.1.4.35.1.4.10.1.4.10.0.10.11").hex()
    assert arp not in record
    assert arp[:-2] in record


class Breaking(RecordingTransport):
    """A recorded device that falls silent at one request."""

    def __init__(self, path: Path, at: Request) -> None:
        super().__init__(read(path))
        self.at = at

    async def exchange(self, request: Request) -> VarBinds | Notifications | MqttMessages:
        if request == self.at:
            raise GapError(GapReason.UNREACHABLE, "silent")
        return await super().exchange(request)


@pytest.mark.parametrize("at", [PREFIXES, ROUTES, NEIGHBOURS[0]], ids=["prefixes", "routes", "neighbours"])
def test_a_device_that_falls_silent_keeps_what_it_said(at: Request) -> None:
    """The addresses stay when later tables are not answered, and the reason is a reading."""
    readings, _ = converse(Breaking(CORE, at), ("ipv6",))
    assert value(readings, "ipv6.scope") == "global"
    assert value(readings, "collector.answer") == "unreachable"
    assert value(readings, "ipv6.neighbours.global") is None


def test_net_snmp_tells_of_this_machine() -> None:
    """A real agent: loopback is read and rejected, counters of both versions are there, all through BER and UDP."""
    with running_snmpd() as snmpd:
        transport = SnmpTransport("127.0.0.1", snmpd.port, credentials=Community("2c", COMMUNITY.encode()))
        readings, _ = converse(transport, ("ipv6",))
    assert value(readings, "collector.answer") == "ok"
    assert value(readings, "ipv6.forwarding") in {"forwarding", "not-forwarding"}
    assert "::1/128" in listed(readings, "ipv6.rejected")
    assert int(value(readings, "ipv6.v6.octets.in", "asset:sw1") or "-1") >= 0
    must_fit_the_metrics(readings)


# --- what a device could show, and IPv4 beside it -------------------------------------------------------------------

VLANIF = cell("1.3.6.1.2.1.2.2.1.2.10", "Vlanif10")
V4 = "1.3.6.1.2.1.4.34.1.3.1.4.10.0.10.1"


@pytest.mark.parametrize(
    ("cells", "visible"),
    [
        ([], "no"),
        ([cell("1.3.6.1.2.1.4.24.6.0", 4, ber.GAUGE32)], "no"),
        ([cell(V4, 10)], "yes"),
        ([cell("1.3.6.1.2.1.4.25.0", 2)], "yes"),
        ([cell("1.3.6.1.2.1.55.1.1.0", 2)], "yes"),
    ],
    ids=["nothing", "a number of routes", "IPv4 in the table of both", "not forwarding", "the older MIB"],
)
def test_whether_a_device_could_show_ipv6(cells: list[Cell], visible: str) -> None:
    """No IPv6 on a device without any object of it is no knowledge; a table that holds IPv4 only is."""
    readings, _ = converse(RecordingTransport(Recording([VLANIF, *cells])), ("ipv6",))
    assert value(readings, "ipv6.visible") == visible
    assert value(readings, "ipv6.scope") == "none"


@pytest.mark.parametrize(
    ("address", "cells", "count"),
    [
        ("10.0.10.1", {3: 10}, "1"),
        ("10.0.10.1", {3: 10, 7: 4}, "0"),
        ("10.0.10.1", {3: 10, 7: 2}, "1"),
        ("169.254.1.1", {3: 10}, "0"),
        ("127.0.0.1", {3: 10}, "0"),
    ],
)
def test_ipv4_networks_of_an_interface(address: str, cells: dict[int, int], count: str) -> None:
    """Usable addresses count; loopback, link-local and inaccessible ones do not."""
    rows = [cell(f"1.3.6.1.2.1.4.34.1.{column}.1.4.{address}", number) for column, number in cells.items()]
    readings, _ = converse(RecordingTransport(Recording([VLANIF, *rows])), ("ipv6",))
    assert value(readings, "ipv6.v4.networks", "asset:sw1") == count
    assert value(readings, "ipv6.v4.networks", "interface:sw1/Vlanif10") == (count if count != "0" else None)


@pytest.mark.parametrize(("length", "count"), [(24, "1"), (29, "1"), (30, "0"), (32, "0")])
def test_a_network_between_two_routers_has_no_terminals(length: int, count: str) -> None:
    """By the length in either table: a /30 is no network for terminals, a /29 is one."""
    prefix = f"1.3.6.1.2.1.4.32.1.5.10.1.4.10.0.10.0.{length}"
    new = [cell(V4, 10), cell(V4.replace(".34.1.3.", ".34.1.5."), ber.oid_bytes(prefix), ber.OID)]
    mask = ((0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF).to_bytes(4, "big")
    old = [
        cell("1.3.6.1.2.1.4.20.1.2.10.0.10.1", 10),
        cell("1.3.6.1.2.1.4.20.1.3.10.0.10.1", mask, ber.IP_ADDRESS),
    ]
    for cells in (new, old):
        readings, _ = converse(RecordingTransport(Recording([VLANIF, *cells])), ("ipv6",))
        assert value(readings, "ipv6.v4.networks", "asset:sw1") == count
