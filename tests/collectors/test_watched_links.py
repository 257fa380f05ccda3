"""The links collector: watched links are found by name and read apart from the rest of the device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.collectors.interfaces import HC_IN_OCTETS, HC_OUT_OCTETS, NAME, SYS_UP_TIME
from agent.errors import GapError
from agent.lab.snmp.recording import Recording
from agent.model.campus import Link
from agent.model.exchange import Request, SnmpGet, SnmpTable
from tests.collectors.recorded import RecordingTransport, converse, value
from tests.collectors.test_interfaces import SYSTEM, UPLINK, asked, port

if TYPE_CHECKING:
    from agent.lab.snmp.recording import Cell

LINKS = ("links",)


def test_a_link_is_read_in_one_request_with_its_time_base() -> None:
    """Counters, sysUpTime and the port's names come in one PDU."""
    transport = RecordingTransport(Recording([*SYSTEM, *port(3, "GE0/1")]))
    readings, _ = converse(transport, LINKS, links=(UPLINK,))
    names, last = transport.asked
    assert isinstance(names, SnmpTable)
    assert [column.oid for column in names.columns] == [NAME], "no other table is walked for it"
    assert isinstance(last, SnmpGet)
    assert last.oids[:3] == (SYS_UP_TIME, f"{HC_IN_OCTETS}.3", f"{HC_OUT_OCTETS}.3")
    links = [one for one in readings if one.subject == "egress:telecom"]
    counted = {one.metric: one.value for one in links}
    assert counted["link.match"] == "ifName"
    assert counted["link.counter_bits"] == "64"
    assert counted["link.uptime"] == "4294967295"
    measured = [one.sources for one in links if one.metric != "link.match"]
    assert len(set(measured)) == 1


@pytest.mark.parametrize(
    ("ports", "match"),
    [
        ([port(1, "x", alias="GE0/1"), port(2, "y")], "ifAlias"),
        ([port(1, "x", descr="GE0/1"), port(2, "y")], "ifDescr"),
        ([port(1, "GE0/1", descr="z"), port(2, "y", alias="GE0/1")], "ifName"),
        ([port(1, "GE0/1"), port(2, "GE0/1")], "ambiguous ifName"),
        ([port(1, "GE0/1"), port(2, "GE0/1"), port(3, "z", alias="GE0/1")], "ambiguous ifName"),
        ([port(1, "x", alias="GE0/1"), port(2, "y", alias="GE0/1")], "ambiguous ifAlias"),
        ([port(1, "GE0/10"), port(2, "ge0/1")], "not found"),
    ],
)
def test_how_a_link_was_found_is_a_reading(ports: list[list[Cell]], match: str) -> None:
    """By which name the port was found is stated; a doubtful or missing port gives no counters at all."""
    readings = asked(*ports, links=(UPLINK,))
    assert value(readings, "link.match") == match
    assert (value(readings, "link.octets.in") is None) == (match[:2] != "if")
    assert value(readings, "collector.answer", "links:sw1") == "ok"


def test_without_64_bit_counters_the_32_bit_ones_are_marked() -> None:
    """Counters of a device without ifXTable are read, and their width with them."""
    readings = asked(port(1, "GE0/1"), links=(UPLINK,), without=("1.3.6.1.2.1.31.1.1.1",))
    assert value(readings, "link.match") == "ifDescr"
    assert value(readings, "link.counter_bits") == "32"
    assert value(readings, "link.octets.in") == "11"
    assert value(readings, "link.octets.out") == "12"


def test_half_a_pair_of_64_bit_counters_is_none() -> None:
    """In and out are of one width: a device with only one 64-bit counter is read by its 32-bit ones."""
    readings = asked(port(1, "GE0/1"), links=(UPLINK,), without=(HC_OUT_OCTETS,))
    assert value(readings, "link.counter_bits") == "32"
    assert value(readings, "link.octets.in") == "11"


class Renumbering(RecordingTransport):
    """A device that renumbers its ports (a stack member leaves) after the names were read."""

    def __init__(self, before: list[Cell], after: list[Cell]) -> None:
        super().__init__(Recording([*SYSTEM, *before]))
        self._after = Recording([*SYSTEM, *after])

    async def exchange(self, request: Request) -> Any:
        answer = await super().exchange(request)
        if len(self.asked) == 1:
            self.recording = self._after
        return answer


def test_a_device_that_renumbers_meanwhile_gives_no_counters_of_another_port() -> None:
    """The counters at the remembered index belong to another port now: they are not the link's."""
    peer = Renumbering([*port(1, "GE0/1"), *port(2, "GE0/2")], [*port(1, "GE0/2"), *port(2, "GE0/1")])
    readings, _ = converse(peer, LINKS, links=(UPLINK,))
    assert value(readings, "link.match") == "renumbered"
    assert value(readings, "link.octets.in") is None


def test_a_port_that_vanishes_meanwhile_has_no_values() -> None:
    """A module that was pulled between two requests gives a link without counters, not zeros."""
    readings, _ = converse(Renumbering(port(1, "GE0/1"), []), LINKS, links=(UPLINK,))
    assert value(readings, "link.octets.in") is None
    assert value(readings, "link.status") is None


class Failing(RecordingTransport):
    """A device that answers so many requests, then none."""

    def __init__(self, answers: int) -> None:
        super().__init__(Recording([*SYSTEM, *port(1, "GE0/1"), *port(2, "GE0/2")]))
        self._answers = answers

    async def exchange(self, request: Request) -> Any:
        if len(self.asked) >= self._answers:
            self.asked.append(request)
            raise GapError("unreachable", "no")
        return await super().exchange(request)


OTHERS = (
    Link(id="mobile", role="egress", asset="sw1", port="GE0/2"),
    Link(id="third", role="backbone", asset="sw1", port="GE0/1"),
)


@pytest.mark.parametrize("answers", [0, 1])
def test_silence_before_the_first_link_is_the_gap(answers: int) -> None:
    """A device that does not answer, or only with its names, gives no reading but that."""
    transport = Failing(answers)
    readings, _ = converse(transport, LINKS, links=(UPLINK, *OTHERS))
    assert [(one.metric, one.value) for one in readings] == [("collector.answer", "unreachable")]
    assert len(transport.asked) == answers + 1, "a silent device is not asked again"


def test_a_gap_at_a_later_link_costs_nothing_that_was_read() -> None:
    """A device that falls silent after its first link keeps it, and the silence is told."""
    transport = Failing(2)
    readings, _ = converse(transport, LINKS, links=(UPLINK, *OTHERS))
    assert value(readings, "link.speed") == "1000"
    assert value(readings, "collector.answer") == "unreachable"
    assert len(transport.asked) == 3, "a silent device is not asked for its third link"


def test_an_asset_without_watched_links_is_not_asked() -> None:
    """What nobody watches costs a device no question."""
    transport = Failing(9)
    assert converse(transport, LINKS) == ([], [])
    assert transport.asked == []


def test_a_device_without_interfaces_is_unsupported() -> None:
    """A device that answers and names no port is told apart from one whose port has another name."""
    readings, _ = converse(RecordingTransport(Recording(SYSTEM)), LINKS, links=(UPLINK,))
    assert [(one.metric, one.value) for one in readings] == [("collector.answer", "unsupported")]


def test_a_silent_device_is_silent_to_every_collector_of_the_run() -> None:
    """Who is not asked any more says why: otherwise a link of a dead device would seem never to have been asked for."""
    transport = Failing(0)
    readings, kept = converse(transport, ("identity", "interfaces", "links"), links=(UPLINK,))
    assert [(one.subject, one.value) for one in readings] == [
        (f"{name}:sw1", "unreachable") for name in ("identity", "interfaces", "links")
    ]
    assert len(transport.asked) == 1
    assert {one.sources for one in readings} == {(kept[0].digest(),)}
