"""Security functions on recordings: our own, with golden readings, and those of real devices beside the project."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import ber
from agent.collectors import dates, security
from agent.collectors.security.vendors import MIBS
from agent.errors import GapError
from agent.lab.snmp.recording import Recording, parse, read
from agent.model.asset import Asset
from agent.model.campus import Campus, School
from agent.model.exchange import Answer, Request, SnmpTable, VarBinds
from agent.packs.load import config_directory, load_families, load_metrics
from tests.collectors.recorded import RecordingTransport, cell, converse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.lab.snmp.recording import Cell
    from agent.model.reading import Reading

OWN = sorted((Path(__file__).parent.parent / "recordings").glob("security-*.snmprec"))
GOLDEN = Path(__file__).parent / "golden"
FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures" / "snmp"
BESIDE = sorted(FIXTURES.rglob("*.snmprec"))
needs_fixtures = pytest.mark.skipif(not BESIDE, reason="the recordings beside the project are not here")
DECLARED = load_metrics(config_directory())
NOW = "2026-11-22T04:00:00Z"
FACTS: dict[str, dict[str, str | None]] = {
    "fortigate_60fospfv3": {"security.sessions asset:fw": "313", "security.detected function:fw/antivirus": None},
    "fortigate_fwf60d": {"security.sessions asset:fw": "391"},
    "panos_440": {
        "security.sessions asset:fw": "241",
        "security.sessions.capacity asset:fw": "199998",
        "security.signature.version function:fw/antivirus": "5078-5597",
        "security.signature.date function:fw/antivirus": "2025-01-29",
        "security.signature.date function:fw/intrusion-prevention": "2024-07-12",
    },
    "gaia_1450": {
        "security.sessions asset:fw": "316",
        "security.blocked function:fw/firewall": "68116",
        "security.licence.state function:fw/antivirus": "valid",
        "security.update function:fw/antivirus": "up-to-date",
        "security.state function:fw/intrusion-prevention": "not-measurable",
    },
    "sophos-xg": {
        "security.licence.state function:fw/intrusion-prevention": "trial",
        "security.state function:fw/intrusion-prevention": "licensed",
    },
    "sonicwall_sonicos7": {"security.sessions asset:fw": "573"},
    "stoneos": {
        "security.sessions asset:fw": None,
        "security.state function:fw/firewall": "not-measurable",
    },
    "asa": {"security.sessions asset:fw": "7756"},
    "ftd_4115": {"security.sessions asset:fw": "26960"},
}
"""What the files hold, read by eye; None: the device does not have it, so there is no reading."""


class _Session:
    """Answers from a recording at one fixed moment."""

    def __init__(self, recording: Recording) -> None:
        self._transport = RecordingTransport(recording)
        self.asked: list[Request] = self._transport.asked

    async def ask(self, request: Request) -> Answer:
        response = await self._transport.exchange(request)
        assert isinstance(response, VarBinds)
        return Answer(response, NOW, f"sha256:{len(self.asked):064x}")


def _recording(cells: list[Cell]) -> Recording:
    return parse(b"").with_cells(cells)


def _readings(recording: Recording, *functions: str) -> list[Reading]:
    asset = Asset.model_validate({"id": "fw", "family": "x", "address": "192.0.2.1", "functions": tuple(functions)})
    campus = Campus(version="1", school=School(id="s", name="s"), assets=(asset,))
    return asyncio.run(security.collect(asset, campus, _Session(recording)))


def _shown(readings: Sequence[Reading]) -> str:
    lines = [f"{one.subject} {one.metric} {one.value} {one.unit} {one.grade}" for one in readings]
    return "\n".join(line.replace("  ", " ") for line in lines) + "\n"


def _values(readings: Sequence[Reading]) -> dict[str, str]:
    found = {f"{one.metric} {one.subject}": one.value for one in readings}
    assert len(found) == len(readings), "a metric of a subject is told once"
    return found


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    """Every vendor's recording gives exactly these readings."""
    assert _shown(_readings(read(path))) == (GOLDEN / f"{path.stem}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_live_and_replay_agree(path: Path) -> None:
    """What a poll gives, the reviewer's replay of its record gives too, byte for byte."""
    readings, kept = converse(RecordingTransport(read(path)), ("security",))
    assert kept
    assert readings[-1].value == "ok"


def test_every_mib_has_a_recording() -> None:
    """No description is without a recording that it reads something from, and all say that they are made."""
    told = {name for path in OWN for name in _values(_readings(read(path)))["security.mib asset:fw"].split(" ")}
    spaced = {"Sangfor", "AC"}
    assert {mib.name for mib in MIBS} - {"Sangfor AC"} == told - spaced
    assert spaced <= told
    assert all(path.read_text(encoding="utf-8").startswith("# synthetic: ") for path in OWN)


@needs_fixtures
@pytest.mark.parametrize("name", FACTS)
def test_facts_of_real_devices(name: str) -> None:
    """Connections, signatures and licences come out as the devices said them."""
    (path,) = [path for path in BESIDE if path.stem == name]
    values = _values(_readings(read(path)))
    assert {key: values.get(key) for key in FACTS[name]} == FACTS[name]


@needs_fixtures
@pytest.mark.parametrize("path", BESIDE, ids=lambda path: path.stem)
def test_every_recording_is_read(path: Path) -> None:
    """Whatever device answers: declared metrics with their units and states, or a gap, never a traceback."""
    readings, kept = converse(RecordingTransport(read(path)), ("security",))
    assert kept
    if readings[-1].value != "ok":
        assert [(one.metric, one.value) for one in readings] == [("collector.answer", "unsupported")]
    for one in readings:
        metric = DECLARED[one.metric]
        assert metric.unit == one.unit
        assert not metric.states or one.value in metric.states
    assert len({(one.metric, one.subject) for one in readings}) == len(readings)


def test_what_a_device_cannot_tell_is_said_and_is_no_zero() -> None:
    """A declared function of a device that has no MIB for it is a state of its own, with the answer that shows it."""
    silent = _recording([cell("1.3.6.1.2.1.1.2.0", ber.oid_bytes("1.3.6.1.4.1.14331.5"), ber.OID)])
    readings = _readings(silent, "waf", "log-audit")
    assert [(one.metric, one.subject, one.value) for one in readings] == [
        ("security.state", "function:fw/waf", "not-measurable"),
        ("security.state", "function:fw/log-audit", "not-measurable"),
    ]
    assert all(one.sources for one in readings)
    with pytest.raises(GapError) as caught:
        _readings(silent)
    assert caught.value.reason == "unsupported"
    assert caught.value.source


def test_a_vendor_costs_data() -> None:
    """Nothing is asked of a device but the anchors of all vendors and what the descriptions of its own name."""
    (path,) = [path for path in OWN if path.stem == "security-cisco-asa"]
    session = _Session(read(path))
    asset = Asset(id="fw", family="cisco-asa", address="192.0.2.1")
    campus = Campus(version="1", school=School(id="s", name="s"), assets=(asset,))
    asyncio.run(security.collect(asset, campus, session))
    assert len(session.asked) == 2
    assert not any(isinstance(request, SnmpTable) for request in session.asked)


def test_security_families_ask_for_security() -> None:
    """A firewall that is recognised is asked what it does."""
    firewalls = [family for family in load_families(config_directory()).values() if family.role == "firewall"]
    polled = [family for family in firewalls if family.transport == "snmp"]
    assert len(polled) >= 15
    assert all("security" in family.collectors for family in polled)
    assert "wifi" in next(family for family in polled if family.id == "fortigate").collectors


DAYS = st.dates(min_value=date(1000, 1, 1))


@given(DAYS, st.sampled_from(["%Y-%m-%d", "%Y/%m/%d %H:%M:%S", "%a %b %d %H:%M:%S %Y", "%b %d %Y", "%d %b %Y"]))
def test_every_spelling_of_a_day_is_that_day(day: date, form: str) -> None:
    """A date is read in each of the forms that devices use, also inside a longer text."""
    text = datetime(day.year, day.month, day.day, 7, 35, 30, tzinfo=UTC).strftime(form)
    assert dates.date_in(text) == dates.date_in(f"29.00888({text})") == day.isoformat()


@given(st.text())
def test_no_text_breaks_the_dates(text: str) -> None:
    """Whatever a device writes is a valid day or none."""
    found = dates.date_in(text)
    assert found is None or date.fromisoformat(found).isoformat() == found


@given(st.binary(max_size=12))
def test_octets_are_a_day_or_none(octets: bytes) -> None:
    """A DateAndTime of nonsense is no date."""
    found = dates.date_of_octets(octets)
    assert found is None or date.fromisoformat(found).isoformat() == found


def test_a_date_far_ahead_is_no_age() -> None:
    """A device whose signatures are of next year has a wrong date, not fresh signatures; one day is a time zone."""
    for days, age in ((400, None), (1, "0"), (-30, "30")):
        day = (datetime.fromisoformat(NOW) + timedelta(days=days)).date().isoformat()
        recording = _recording(
            [
                cell("1.3.6.1.4.1.12356.101.4.1.8.0", 1),
                cell("1.3.6.1.4.1.12356.101.4.2.1.0", f"92.04512({day} 08:25)"),
            ]
        )
        values = _values(_readings(recording))
        assert values.get("security.signature.age function:fw/antivirus") == age
        assert values["security.signature.version function:fw/antivirus"] == "92.04512"
