"""The MIBs in which UPS cards answer, as data: which object tells what, in which unit, and what it gives for "unknown".

A unit belongs to an object, never to its name: the remaining time is minutes in one MIB, hundredths of a second in the
next and seconds in the third. `MIBS` is in order of preference: first the MIBs that state a unit finer than a minute,
then the standard, then Delta's, which has the standard's unit but is rarely the only one, then those whose unit is
known from devices only.

Sources: RFC 1628; PowerNet-MIB, XUPS-MIB, MG-SNMP-UPS-MIB, CPS-MIB, DeltaUPS-MIB (UPSv4), XPPC-MIB, EPPC-MIB;
HUAWEI-UPS-MIB as two other managers read it. The remaining time of MG-SNMP-UPS-MIB has no unit in the MIB; on four
cards that answer RFC 1628 too, its sixtieth is the standard's minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["MIBS", "SYS_UP_TIME", "Choice", "Flags", "Mib", "Number", "Source", "Start", "Words"]

SYS_UP_TIME = "1.3.6.1.2.1.1.3.0"
ALL_ONES = 4_294_967_295
"""What a Gauge32 or TimeTicks holds where the card has no value; Huawei's cards give it for an INTEGER as well."""
LARGEST = 2_147_483_647


@dataclass(frozen=True, slots=True)
class Number:
    """An object with a number. `low` to `high` is what it can mean, in its own unit; everything else is unknown."""

    oid: str
    factor: Fraction = Fraction(1)
    """Leads to the unit of the metric."""
    low: int = 0
    high: int = LARGEST - 1
    unknown: frozenset[int] = frozenset()
    """Values within the range that cards give for "unknown"."""
    cap: int | None = None
    """Where the card stops counting: so much or more."""

    def of(self, raw: int) -> Fraction | None:
        """Return the value in the unit of the metric; None for unknown."""
        return raw * self.factor if self.low <= raw <= self.high and raw not in self.unknown else None


@dataclass(frozen=True, slots=True)
class Choice:
    """An object with an enumeration, and what each value means here; a value outside means nothing."""

    oid: str
    states: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Flags:
    """Objects with yes(1) and no(2): the first that says yes decides; `otherwise` if at least one says no."""

    oids: tuple[tuple[str, str], ...]
    otherwise: str


@dataclass(frozen=True, slots=True)
class Words:
    """An object with text. A `date` is mm/dd/yy or mm/dd/yyyy, or begins with yyyy-mm-dd; other text is no date."""

    oid: str
    date: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """An object with the sysUpTime at which something began."""

    oid: str


Source = Number | Choice | Flags | Words | Start
"""Where a fact comes from."""


@dataclass(frozen=True, slots=True)
class Mib:
    """One MIB. `facts` says for each metric which objects tell it, the better one first."""

    name: str
    anchors: tuple[str, ...]
    """Objects that show whether the card has this MIB."""
    facts: Mapping[str, tuple[Source, ...]]
    lines: tuple[Number, ...] = ()
    """Load of each output line, one object for each."""
    line_column: Number | None = None
    """Load of the output lines as a column of a table."""

    def oids(self) -> tuple[str, ...]:
        """Return every instance that is asked, once, in order."""
        found = [oid for sources in self.facts.values() for source in sources for oid in _oids(source)]
        found += [line.oid for line in self.lines]
        return tuple(dict.fromkeys(found))


def _oids(source: Source) -> Iterator[str]:
    if isinstance(source, Flags):
        yield from (oid for oid, _ in source.oids)
    else:
        yield source.oid


def _percent(oid: str, *, parts: int = 1, most: int = 100) -> Number:
    return Number(oid, Fraction(1, parts), high=most * parts)


def _choice(oid: str, states: str, *, first: int = 1) -> Choice:
    """Return an enumeration whose values count up from `first`."""
    return Choice(oid, dict(enumerate(states.split(), first)))


_MINUTE = Fraction(60)
_TICK = Fraction(1, 100)
_LOAD_MOST = 200
"""RFC 1628 and XUPS-MIB: up to 200 %."""
_TESTS = "passed failed invalid in-progress"
"""upsAdvTestDiagnosticsResults, and its copies in CPS-MIB and XPPC-MIB."""
_REPLACE = "ok replace"

_UPS = "1.3.6.1.2.1.33.1"
UPS_MIB = Mib(
    name="UPS-MIB",
    anchors=(f"{_UPS}.2.3.0", f"{_UPS}.2.4.0"),
    facts={
        "ups.manufacturer": (Words(f"{_UPS}.1.1.0"),),
        "ups.model": (Words(f"{_UPS}.1.2.0"),),
        "ups.firmware": (Words(f"{_UPS}.1.3.0"),),
        "ups.battery_status": (_choice(f"{_UPS}.2.1.0", "unknown normal low depleted"),),
        "ups.on_battery_time": (Number(f"{_UPS}.2.2.0"),),
        # 65535: a 16-bit card's "unknown", at low load above all; no battery lasts 45 days.
        "ups.runtime": (Number(f"{_UPS}.2.3.0", _MINUTE, high=65_534),),
        "ups.charge": (_percent(f"{_UPS}.2.4.0"),),
        "ups.input_line_bads": (Number(f"{_UPS}.3.1.0", high=ALL_ONES),),
        "ups.output_source": (_choice(f"{_UPS}.4.1.0", "other off normal bypass battery booster reducer"),),
        "ups.alarms": (Number(f"{_UPS}.6.1.0", high=65_534),),
        "ups.self_test": (_choice(f"{_UPS}.7.3.0", "passed warning failed aborted in-progress none"),),
        "ups.self_test_date": (Start(f"{_UPS}.7.5.0"),),
    },
    line_column=_percent(f"{_UPS}.4.4.1.5", most=_LOAD_MOST),
)

_APC = "1.3.6.1.4.1.318.1.1.1"
_APC_OUTPUT = (
    "unknown normal battery booster off bypass off standby bypass bypass off reducer eco standby "
    "battery-test bypass bypass eco other eco other other other battery-test standby standby other battery-test"
)
_APC_CAUSES = "none high-voltage brownout blackout sag sag spike spike self-test rate-of-change"
POWERNET = Mib(
    name="PowerNet-MIB",
    anchors=(f"{_APC}.2.2.3.0", f"{_APC}.2.2.1.0"),
    facts={
        "ups.model": (Words(f"{_APC}.1.1.1.0"),),
        "ups.firmware": (Words(f"{_APC}.1.2.1.0"),),
        "ups.battery_status": (_choice(f"{_APC}.2.1.1.0", "unknown normal low fault absent"),),
        "ups.on_battery_time": (Number(f"{_APC}.2.1.2.0", _TICK, high=ALL_ONES - 1),),
        "ups.battery_replaced": (Words(f"{_APC}.2.1.3.0", date=True),),
        "ups.runtime": (Number(f"{_APC}.2.2.3.0", _TICK, high=ALL_ONES - 1),),
        "ups.charge": (_percent(f"{_APC}.2.3.1.0", parts=10), _percent(f"{_APC}.2.2.1.0")),
        "ups.battery_replace": (_choice(f"{_APC}.2.2.4.0", _REPLACE),),
        "ups.transfer_cause": (_choice(f"{_APC}.3.2.5.0", _APC_CAUSES),),
        "ups.output_source": (_choice(f"{_APC}.4.1.1.0", _APC_OUTPUT),),
        "ups.load": (
            _percent(f"{_APC}.4.3.3.0", parts=10, most=_LOAD_MOST),
            _percent(f"{_APC}.4.2.3.0", most=_LOAD_MOST),
        ),
        "ups.self_test": (_choice(f"{_APC}.7.2.3.0", _TESTS),),
        "ups.self_test_date": (Words(f"{_APC}.7.2.4.0", date=True),),
    },
)

_XUPS = "1.3.6.1.4.1.534.1"
XUPS = Mib(
    name="XUPS-MIB",
    anchors=(f"{_XUPS}.2.1.0", f"{_XUPS}.2.4.0"),
    facts={
        "ups.manufacturer": (Words(f"{_XUPS}.1.1.0"),),
        "ups.model": (Words(f"{_XUPS}.1.2.0"),),
        "ups.firmware": (Words(f"{_XUPS}.1.3.0"),),
        "ups.runtime": (Number(f"{_XUPS}.2.1.0", unknown=frozenset({65_535})),),
        "ups.charge": (_percent(f"{_XUPS}.2.4.0"),),
        "ups.battery_status": (
            _choice(f"{_XUPS}.2.5.0", "normal discharging normal normal unknown absent test fault"),
        ),
        "ups.battery_replaced": (Words(f"{_XUPS}.2.6.0", date=True),),
        "ups.battery_replace": (Flags(((f"{_XUPS}.2.7.0", "replace"), (f"{_XUPS}.2.9.0", "weak")), "ok"),),
        "ups.load": (_percent(f"{_XUPS}.4.1.0", most=_LOAD_MOST),),
        "ups.output_source": (
            _choice(f"{_XUPS}.4.5.0", "other off normal bypass battery booster reducer normal normal eco bypass eco"),
        ),
        "ups.alarms": (Number(f"{_XUPS}.7.1.0", high=65_534),),
        "ups.self_test": (
            _choice(f"{_XUPS}.8.2.0", "unknown passed failed in-progress unsupported inhibited scheduled"),
        ),
    },
)

_CPS = "1.3.6.1.4.1.3808.1.1.1"
CPS = Mib(
    name="CPS-MIB",
    anchors=(f"{_CPS}.2.2.4.0", f"{_CPS}.2.2.1.0"),
    facts={
        "ups.model": (Words(f"{_CPS}.1.1.1.0"),),
        "ups.firmware": (Words(f"{_CPS}.1.2.1.0"),),
        "ups.battery_status": (_choice(f"{_CPS}.2.1.1.0", "unknown normal low absent"),),
        "ups.on_battery_time": (Number(f"{_CPS}.2.1.2.0", _TICK, high=ALL_ONES - 1),),
        "ups.battery_replaced": (Words(f"{_CPS}.2.1.3.0", date=True),),
        "ups.charge": (_percent(f"{_CPS}.2.2.1.0"),),
        "ups.runtime": (Number(f"{_CPS}.2.2.4.0", _TICK, high=ALL_ONES - 1),),
        "ups.battery_replace": (_choice(f"{_CPS}.2.2.5.0", _REPLACE),),
        "ups.output_source": (
            _choice(f"{_CPS}.4.1.1.0", "unknown normal battery booster off off standby eco bypass reducer other"),
        ),
        "ups.load": (_percent(f"{_CPS}.4.2.3.0", most=_LOAD_MOST),),
        "ups.self_test": (_choice(f"{_CPS}.7.2.3.0", _TESTS),),
        "ups.self_test_date": (Words(f"{_CPS}.7.2.4.0", date=True),),
    },
)

_DELTA = "1.3.6.1.4.1.2254.2.4"
DELTA = Mib(
    name="DeltaUPS-MIB",
    anchors=(f"{_DELTA}.7.5.0", f"{_DELTA}.7.8.0"),
    facts={
        "ups.manufacturer": (Words(f"{_DELTA}.1.1.0"),),
        "ups.model": (Words(f"{_DELTA}.1.2.0"),),
        "ups.output_source": (
            _choice(f"{_DELTA}.5.1.0", "normal battery bypass reducer booster bypass other off", first=0),
        ),
        "ups.battery_replace": (_choice(f"{_DELTA}.7.1.0", "ok weak replace", first=0),),
        "ups.battery_status": (_choice(f"{_DELTA}.7.2.0", "normal low depleted", first=0),),
        "ups.on_battery_time": (Number(f"{_DELTA}.7.4.0"),),
        "ups.runtime": (Number(f"{_DELTA}.7.5.0", _MINUTE, high=65_534),),
        "ups.charge": (_percent(f"{_DELTA}.7.8.0"),),
        "ups.self_test": (_choice(f"{_DELTA}.8.2.0", "none passed in-progress failed failed failed", first=0),),
    },
    lines=tuple(_percent(f"{_DELTA}.5.{column}.0", most=_LOAD_MOST) for column in (7, 11, 15)),
)

_MGE = "1.3.6.1.4.1.705.1"
MGE = Mib(
    name="MG-SNMP-UPS-MIB",
    anchors=(f"{_MGE}.5.1.0", f"{_MGE}.5.2.0"),
    facts={
        "ups.model": (Words(f"{_MGE}.1.1.0"),),
        "ups.firmware": (Words(f"{_MGE}.1.4.0"),),
        "ups.runtime": (Number(f"{_MGE}.5.1.0", unknown=frozenset({65_535})),),
        "ups.charge": (_percent(f"{_MGE}.5.2.0"),),
        "ups.battery_status": (
            Flags(((f"{_MGE}.5.10.0", "absent"), (f"{_MGE}.5.9.0", "fault"), (f"{_MGE}.5.14.0", "low")), "normal"),
        ),
        "ups.battery_replace": (Flags(((f"{_MGE}.5.11.0", "replace"),), "ok"),),
        "ups.output_source": (Flags(((f"{_MGE}.7.3.0", "battery"), (f"{_MGE}.7.4.0", "bypass")), "normal"),),
    },
    line_column=_percent(f"{_MGE}.7.2.1.4", most=_LOAD_MOST),
)

_HUAWEI = "1.3.6.1.4.1.2011.6.174.1"
HUAWEI = Mib(
    name="HUAWEI-UPS-MIB",
    anchors=(f"{_HUAWEI}.6.100.1.4.1", f"{_HUAWEI}.2.101.1.1.1"),
    # The charge (6.100.1.3) is left out: one manager reads percent, another tenths of it.
    facts={
        "ups.model": (Words(f"{_HUAWEI}.2.100.1.2.1"),),
        "ups.firmware": (Words(f"{_HUAWEI}.2.100.1.3.1"),),
        "ups.output_source": (_choice(f"{_HUAWEI}.2.101.1.1.1", "off bypass normal battery other eco battery"),),
        "ups.battery_status": (_choice(f"{_HUAWEI}.2.101.1.3.1", "absent normal normal normal normal discharging"),),
        "ups.runtime": (Number(f"{_HUAWEI}.6.100.1.4.1", unknown=frozenset({65_535})),),
    },
    lines=tuple(_percent(f"{_HUAWEI}.4.100.1.{column}.1", parts=10, most=_LOAD_MOST) for column in (14, 15, 16)),
)

_XPPC = "1.3.6.1.4.1.935.1.1.1"
XPPC = Mib(
    name="XPPC-MIB",
    anchors=(f"{_XPPC}.2.2.4.0", f"{_XPPC}.2.2.1.0"),
    facts={
        "ups.model": (Words(f"{_XPPC}.1.1.1.0"),),
        "ups.firmware": (Words(f"{_XPPC}.1.2.1.0"),),
        "ups.battery_status": (_choice(f"{_XPPC}.2.1.1.0", "unknown normal low"),),
        "ups.on_battery_time": (Number(f"{_XPPC}.2.1.2.0"),),
        "ups.battery_replaced": (Words(f"{_XPPC}.2.1.3.0", date=True),),
        "ups.charge": (_percent(f"{_XPPC}.2.2.1.0"),),
        # 9999 is where four digits end, at full charge: more than that, or nothing known.
        "ups.runtime": (Number(f"{_XPPC}.2.2.4.0", unknown=frozenset({9_999, 65_535})),),
        "ups.battery_replace": (_choice(f"{_XPPC}.2.2.5.0", _REPLACE),),
        "ups.output_source": (
            _choice(f"{_XPPC}.4.1.1.0", "unknown normal battery booster off bypass standby standby reducer"),
        ),
        "ups.load": (_percent(f"{_XPPC}.4.2.3.0", most=_LOAD_MOST),),
        "ups.self_test": (_choice(f"{_XPPC}.7.2.3.0", _TESTS),),
        "ups.self_test_date": (Words(f"{_XPPC}.7.2.4.0", date=True),),
    },
    lines=tuple(_percent(f"{_XPPC}.8.3.{column}.0", parts=10, most=_LOAD_MOST) for column in (5, 6, 7)),
)

_EPPC = "1.3.6.1.4.1.935.10.1.1"
EPPC = Mib(
    name="EPPC-MIB",
    anchors=(f"{_EPPC}.3.3.0", f"{_EPPC}.3.4.0"),
    facts={
        "ups.output_source": (
            _choice(
                f"{_EPPC}.2.1.0",
                "other standby bypass normal battery battery-test other normal eco off booster reducer other",
            ),
        ),
        "ups.battery_status": (_choice(f"{_EPPC}.3.1.0", "unknown normal low depleted discharging fault"),),
        "ups.on_battery_time": (Number(f"{_EPPC}.3.2.0"),),
        "ups.runtime": (Number(f"{_EPPC}.3.3.0", _MINUTE, high=65_534, cap=600),),
        "ups.charge": (_percent(f"{_EPPC}.3.4.0"),),
    },
    line_column=_percent(f"{_EPPC}.2.18.1.7", most=_LOAD_MOST),
)

MIBS = (POWERNET, XUPS, CPS, UPS_MIB, DELTA, MGE, HUAWEI, XPPC, EPPC)
"""In order of preference."""
