"""The UPS collector: a synthetic card of every MIB, every recorded device, and what is never believed."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import ber
from agent.collectors import ups
from agent.collectors.ups_mibs import MIBS, Choice, Flags, Mib, Number
from agent.errors import GapError
from agent.lab.snmp import Cell, Device, Recording, read, running_lab
from agent.lab.snmp.session import Reader, RecordingTransport, Told
from agent.model.exchange import Request, SnmpTable, VarBinds
from agent.model.metric import MetricKind
from agent.packs.load import config_directory, load_families, load_metrics
from agent.transports.snmp import Community, SnmpTransport
from agent.transports.snmp import message as snmp_message
from tests.collectors.recorded import cell, converse, value
from tests.peers.recordings import FIXTURES, NAMES, expected

if TYPE_CHECKING:
    from agent.model.reading import Reading

RECORDINGS = Path(__file__).parent.parent / "recordings"
SYNTHETIC = sorted(RECORDINGS.glob("ups-*.snmprec"))
FACTS = expected()
WITH_UPS: list[Any] = sorted(name for name, facts in FACTS.items() if facts.get("ups")) or [
    pytest.param("", marks=pytest.mark.skip(reason="no recordings beside the project"))
]
SENTINELS = {
    "huaweiups_ups2000": {"runtime"},  # 4294967295, which the other system stored as a time
    "netagent2": {"runtime"},  # 9999 s, where four digits end
}
"""Facts of the other system that its own caveats call wrong."""
UPS = "1.3.6.1.2.1.33.1"
NORMAL = [cell(f"{UPS}.4.1.0", 3), cell(f"{UPS}.2.1.0", 2), cell(f"{UPS}.2.4.0", 100)]
"""On mains, the battery charged."""


class Morning:
    """A clock that stands still, so that readings are the same in every run."""

    def now(self) -> datetime:
        return datetime(2026, 11, 22, 8, tzinfo=UTC)

    def monotonic_ns(self) -> int:
        return 0


def told(*cells: Cell) -> list[Reading]:
    """Return the readings of a card with these objects, live and replayed alike."""
    return converse(RecordingTransport(Recording(cells)), ("ups",))[0]


def golden(path: Path) -> str:
    """Return the readings of a recording as lines of metric, subject and value; the first line is the family."""
    found = Reader(collectors=("ups",), clock=Morning(), key=bytes(32)).read(path)
    assert isinstance(found, Told), found
    lines = [f"family\t\t{found.summary['family']}"]
    for one in found.readings:
        lines.append(f"{one.metric}\t{one.subject.replace(path.stem, '~')}\t{f'{one.value} {one.unit}'.strip()}")
    return "\n".join(lines) + "\n"


# --- recordings of our own ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SYNTHETIC, ids=lambda path: path.stem)
def test_a_synthetic_card_gives_exactly_these_readings(path: Path) -> None:
    """Family, units, states, dates, and what is left out as unknown: nothing changes unnoticed."""
    assert golden(path) == path.with_suffix(".readings.tsv").read_text(encoding="utf-8")


def test_every_mib_and_family_has_a_synthetic_card_on_battery() -> None:
    """No MIB or family is supported in name only; each recording says that it is synthetic."""
    golden_texts = [path.with_suffix(".readings.tsv").read_text(encoding="utf-8") for path in SYNTHETIC]
    on_battery = [text for text in golden_texts if "ups.output_source\tasset:~\tbattery" in text]
    mibs = {name for text in on_battery for name in re.findall(r"ups\.mib\t\S+\t(.*)", text)[0].split()}
    assert mibs == {mib.name for mib in MIBS}
    families = {text.split("\n")[0].split("\t")[2] for text in on_battery}
    assert families == {f.id for f in load_families(config_directory()).values() if "ups" in f.collectors}
    assert {path.stem for path in RECORDINGS.glob("ups-*.readings.tsv")} == {
        f"{path.stem}.readings" for path in SYNTHETIC
    }
    assert all(path.read_bytes().startswith(b"# synthetic") for path in SYNTHETIC)


@pytest.mark.parametrize("path", SYNTHETIC, ids=lambda path: path.stem)
def test_a_card_on_the_wire_gives_what_its_recording_gives(path: Path) -> None:
    """The recording is read without a socket; the real engine against a responder reads the same, and replay too."""

    async def served() -> list[Reading]:
        async with running_lab([Device("ups", read(path))]) as lab:
            transport = SnmpTransport(*lab["ups"].address, credentials=Community("2c", b"lab-ro"))
            return (await asyncio.to_thread(converse, transport, ("ups",)))[0]

    wire = [(one.metric, one.subject, one.value) for one in asyncio.run(served())]
    here = converse(RecordingTransport(read(path)), ("ups",))[0]
    dated = {"ups.self_test_date"} if "rfc1628" in path.stem else set()
    assert [one for one in wire if one[0] not in dated] == [
        (one.metric, one.subject, one.value) for one in here if one.metric not in dated
    ]


# --- recordings of real devices -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_device_gives_readings_or_a_gap(name: str) -> None:
    """A switch, a camera or a damaged file: readings or a recorded gap, equal live and in replay, never a traceback."""
    readings, kept = converse(RecordingTransport(read(FIXTURES / name)), ("ups",))
    assert kept
    if value(readings, "ups.mib") is None:
        assert [(one.metric, one.value) for one in readings] == [("collector.answer", "unsupported")]
    else:
        assert value(readings, "collector.answer") == "ok"
    assert len({(one.metric, one.subject) for one in readings}) == len(readings)
    declared = load_metrics(config_directory())
    for one in readings:
        metric = declared[one.metric]
        assert one.unit == metric.unit
        assert metric.kind is not MetricKind.STATE or one.value in metric.states


@pytest.mark.parametrize("name", WITH_UPS)
def test_facts_agree_with_another_system(name: str) -> None:
    """Remaining time, charge, load and time on battery are those that another system has from the same recording."""
    facts = FACTS[name]
    readings = converse(RecordingTransport(read(FIXTURES / facts["file"])), ("ups",))[0]
    runtime = value(readings, "ups.runtime")
    compared = 0
    for fact in facts["ups"].get("runtime_minutes", []):
        metric = "ups.on_battery_time" if is_on_battery(fact) else "ups.runtime"
        if metric == "ups.runtime" and "runtime" in SENTINELS.get(name, ()):
            assert (runtime, value(readings, "ups.runtime_quality")) == (None, "not-known")
            assert facts["truth_caveats"]
            continue
        seconds = value(readings, metric)
        assert seconds is not None
        assert abs(Fraction(seconds) - 60 * Fraction(str(fact["minutes"]))) < 1, fact
        compared += 1
    for fact in facts["ups"].get("charge_percent", []):
        assert value(readings, "ups.charge") == str(fact["percent"])
        compared += 1
    loads = {Fraction(one.value) for one in readings if one.metric in {"ups.load", "ups.line_load"}}
    for sensor in facts["sensors"]["rows"]:
        if sensor["class"] == "load":
            assert Fraction(str(sensor["value"])) in loads
            compared += 1
    assert compared >= 2


def is_on_battery(fact: dict[str, Any]) -> bool:
    """Tell the time on battery from the time remaining by its object: the other system calls both runtime."""
    return bool(fact["oids"][0] == f"{UPS}.2.2.0")


@pytest.mark.skipif(not FACTS, reason="no recordings beside the project")
def test_a_low_battery_of_another_project() -> None:
    """What a test of another monitoring system expects of a card with a low battery."""
    wanted = json.loads((FIXTURES / "extra" / "EXTRA.json").read_text(encoding="utf-8"))["recordings"]
    facts = wanted["centreon_apc-battery-low"]["expected"]
    recording = read(FIXTURES / "extra" / "centreon_apc-battery-low.snmprec")
    readings = converse(RecordingTransport(recording), ("ups",))[0]
    assert value(readings, "ups.battery_status") == "low"
    assert value(readings, "ups.battery_replace") == "replace"
    assert value(readings, "ups.battery_replaced") == "2022-10-05"
    assert value(readings, "ups.charge") == str(facts["charge_percent"])
    assert round(int(value(readings, "ups.runtime") or 0) / 60, 2) == facts["remaining_minutes"]
    assert "ups.on_battery_time" in (value(readings, "ups.disagreement") or "")


# --- what is never believed -----------------------------------------------------------------------------------------


RUNTIMES = [
    pytest.param(mib, source, id=f"{mib.name}")
    for mib in MIBS
    for source in mib.facts["ups.runtime"]
    if isinstance(source, Number)
]


def on_mains(mib: Mib) -> list[Cell]:
    """Return the objects of a card that says: on mains, battery normal, charged."""
    cells = []
    for metric, wanted in (("ups.output_source", "normal"), ("ups.battery_status", "normal")):
        for source in mib.facts.get(metric, ()):
            if isinstance(source, Choice):
                cells.append(cell(source.oid, next(n for n, state in source.states.items() if state == wanted)))
            elif isinstance(source, Flags):
                cells += [cell(oid, 2) for oid, _ in source.oids]
    for source in mib.facts.get("ups.charge", ()):
        assert isinstance(source, Number)
        cells.append(cell(source.oid, int(100 / source.factor)))
    return cells


@pytest.mark.parametrize(("mib", "source"), RUNTIMES)
@settings(max_examples=60)
@given(
    raw=st.one_of(
        st.sampled_from([-99_998, -1, 0, 1, 600, 9_999, 65_534, 65_535, 65_536, 2**31 - 1, 2**32 - 1]),
        st.integers(min_value=-(2**31), max_value=2**32 - 1),
    )
)
def test_a_remaining_time_is_a_time_or_unknown(mib: Mib, source: Number, raw: int) -> None:
    """On mains with a charged battery: never 0, never a sentinel, in seconds by the object's own unit."""
    tag = ber.INTEGER if -(2**31) <= raw < 2**31 else ber.GAUGE32
    readings = told(*on_mains(mib), cell(source.oid, raw, tag))
    seconds, quality = value(readings, "ups.runtime"), value(readings, "ups.runtime_quality")
    if seconds is None:
        assert quality == "not-known"
        assert not 0 < raw < 9_999
    else:
        assert raw not in {0, 2**31 - 1, 2**32 - 1} or source.factor < 1
        assert raw > 0
        assert (source.factor < 1) or raw != 65_535
        assert Fraction(seconds) == raw * source.factor
        assert quality == ("capped" if Fraction(seconds) > 86_400 or raw == source.cap else "usable")


@pytest.mark.parametrize(
    ("cells", "runtime", "charge"),
    [
        pytest.param([(4, 5), (1, 2)], "0", "0", id="on battery"),
        pytest.param([(4, 3), (1, 4)], "0", "0", id="battery depleted"),
        pytest.param([(4, 3), (1, 2)], None, None, id="on mains, battery normal"),
        pytest.param([(4, 1), (1, 1)], None, None, id="nothing known"),
    ],
)
def test_zero_is_believed_only_of_an_empty_battery(
    cells: list[tuple[int, int]], runtime: str | None, charge: str | None
) -> None:
    """0 minutes and 0 % are values on battery or of a battery called empty; elsewhere they stand for unknown."""
    (_, source), (_, status) = cells
    readings = told(
        cell(f"{UPS}.4.1.0", source), cell(f"{UPS}.2.1.0", status), cell(f"{UPS}.2.3.0", 0), cell(f"{UPS}.2.4.0", 0)
    )
    assert (value(readings, "ups.runtime"), value(readings, "ups.charge")) == (runtime, charge)


def test_zero_minutes_with_little_charge_on_mains_is_believed() -> None:
    """Just back on mains, the battery at 20 %: nothing is left, and that is said."""
    cells = [cell(f"{UPS}.4.1.0", 3), cell(f"{UPS}.2.1.0", 2), cell(f"{UPS}.2.3.0", 0)]
    assert value(told(*cells, cell(f"{UPS}.2.4.0", 20)), "ups.runtime") == "0"
    assert value(told(*cells, cell(f"{UPS}.2.4.0", 21)), "ups.runtime") is None


@pytest.mark.parametrize("raw", [-1, 101, 255, 65_535, 2**31 - 1])
def test_a_charge_outside_its_range_is_unknown(raw: int) -> None:
    """A percentage is 0 to 100."""
    readings = told(cell(f"{UPS}.2.4.0", raw), cell(f"{UPS}.2.3.0", 12))
    assert value(readings, "ups.charge") is None
    assert value(readings, "ups.runtime") == "720"


def test_text_where_a_number_belongs_is_unknown() -> None:
    """A card that answers with other types than its MIB says breaks nothing."""
    readings = told(
        cell(f"{UPS}.2.3.0", "12"), cell(f"{UPS}.2.4.0", b"\xff"), cell(f"{UPS}.4.1.0", "x"), cell(f"{UPS}.1.2.0", 7)
    )
    assert value(readings, "ups.runtime_quality") == "not-known"
    assert value(readings, "ups.runtime") is None


# --- several MIBs, several lines ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "seconds", "disagree"),
    [(24, 1464, False), (18, 1132, False), (438, 26311, False), (24, 24, True), (10, 600, False), (60, 4200, True)],
)
def test_minutes_and_seconds_of_one_card_are_compared(minutes: int, seconds: int, *, disagree: bool) -> None:
    """Rounding to minutes is no contradiction; a unit that is read wrongly, or another story, is."""
    xups = "1.3.6.1.4.1.534.1"
    readings = told(*NORMAL, cell(f"{UPS}.2.3.0", minutes), cell(f"{xups}.2.1.0", seconds))
    assert value(readings, "ups.mib") == "XUPS-MIB UPS-MIB"
    assert value(readings, "ups.runtime") == str(seconds)
    shown = f"ups.runtime: XUPS-MIB {seconds}, UPS-MIB {60 * minutes}"
    assert value(readings, "ups.disagreement") == (shown if disagree else None)


def test_what_the_preferred_mib_does_not_know_comes_from_the_next() -> None:
    """`unknown` of one MIB gives way to the knowledge of another."""
    apc = "1.3.6.1.4.1.318.1.1.1"
    readings = told(
        *NORMAL, cell(f"{UPS}.2.3.0", 25), cell(f"{apc}.2.2.3.0", 2**32 - 1, ber.TIME_TICKS), cell(f"{apc}.2.1.1.0", 1)
    )
    assert value(readings, "ups.mib") == "PowerNet-MIB UPS-MIB"
    assert (value(readings, "ups.runtime"), value(readings, "ups.runtime_quality")) == ("1500", "usable")
    assert value(readings, "ups.battery_status") == "normal"


def test_a_gap_after_the_first_mib_keeps_what_was_read() -> None:
    """A card falls silent half-way: the readings of its first MIB stay, and the last word is the gap."""

    class Silent(RecordingTransport):
        async def exchange(self, request: Request) -> VarBinds:
            if isinstance(request, SnmpTable):
                raise GapError("unreachable", "no answer")
            return await super().exchange(request)

    xups = [cell("1.3.6.1.4.1.534.1.2.1.0", 1132), cell("1.3.6.1.4.1.534.1.2.4.0", 80)]
    readings, _ = converse(Silent(Recording([*NORMAL, cell(f"{UPS}.2.3.0", 18), *xups])), ("ups",))
    assert value(readings, "ups.mib") == "XUPS-MIB"
    assert value(readings, "ups.runtime") == "1132"
    assert value(readings, "collector.answer") == "unreachable"


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("11/02/26", "2026-11-02"),
        ("11/02/2026", "2026-11-02"),
        ("03-15-99", "1999-03-15"),
        ("2026-11-02 08:00", "2026-11-02"),
        ("2026/1/2", "2026-01-02"),
        ("13/13/26", None),
        ("02/30/2026", None),
        ("Unknown", None),
        ("2026-11-021", None),
        ("", None),
    ],
)
def test_dates_are_told_in_one_spelling(text: str, date: str | None) -> None:
    """A date of a self-test is a date or nothing."""
    apc = "1.3.6.1.4.1.318.1.1.1"
    cells = [cell(f"{apc}.2.2.3.0", 6000, ber.TIME_TICKS), cell(f"{apc}.7.2.4.0", text)]
    assert value(told(*cells), "ups.self_test_date") == date


# --- nothing is ever started ----------------------------------------------------------------------------------------


def test_there_is_no_set() -> None:
    """No request of the vocabulary changes a device, and the SNMP engine knows no SET (0xA3)."""
    kinds = get_args(get_args(Request)[0])
    assert kinds
    assert not [kind for kind in kinds if "set" in kind.model_fields["op"].default.split(".")[-1].lower()]
    assert 0xA3 not in [number for number in vars(snmp_message).values() if isinstance(number, int)]
    assert not re.search(r"\b(0x)?a3\b", inspect.getsource(snmp_message), re.IGNORECASE)


def test_no_object_that_starts_something_is_even_read() -> None:
    """upsTestId, upsAdvTestDiagnostics, xupsTestStart and their like are never named."""
    starters = {
        "1.3.6.1.2.1.33.1.7.1.0",
        *(f"1.3.6.1.4.1.{maker}.1.1.1.7.2.2.0" for maker in (318, 935, 3808)),
        "1.3.6.1.4.1.534.1.8.1.0",
        "1.3.6.1.4.1.2254.2.4.8.1.0",
    }
    assert not starters & {oid for mib in MIBS for oid in (*mib.oids(), *mib.anchors)}


def test_every_metric_and_state_is_declared() -> None:
    """What the collector can say is in the metric pack, with its unit and states."""
    declared = {name: metric for name, metric in load_metrics(config_directory()).items() if metric.collector == "ups"}
    for mib in MIBS:
        for name, sources in mib.facts.items():
            for source in sources:
                if isinstance(source, Choice):
                    assert set(source.states.values()) <= set(declared[name].states), (mib.name, name)
                elif isinstance(source, Flags):
                    assert {state for _, state in source.oids} | {source.otherwise} <= set(declared[name].states)
    said = {name for mib in MIBS for name in mib.facts}
    others = {"ups.mib", "ups.line_load", "ups.load", "ups.runtime_quality", "ups.disagreement"}
    assert said | others == set(declared)
    assert {name: metric.unit for name, metric in declared.items() if metric.unit} == ups.UNITS
