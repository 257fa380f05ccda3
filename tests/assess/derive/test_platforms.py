"""Platforms: the share of probes that succeeded, the latency of those, and what is not known yet."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.assess.derive import DERIVATIONS
from agent.assess.derive.derived import Derived, Open
from agent.assess.samples import Readings
from agent.canonical import digest
from agent.errors import ConfigError, MalformedError
from agent.model.asset import Asset
from agent.model.campus import Campus, Platform, School
from agent.model.finding import Reason, Window
from agent.model.reading import Grade, Reading
from agent.model.system import PLATFORMS
from agent.packs.load import config_directory, load_metrics

METRICS = load_metrics(config_directory())
WINDOW = Window(since="2026-10-11T16:00:00Z", until="2026-10-25T16:00:00Z")
SCHOOL = [day for day in (date(2026, 10, 12) + timedelta(days=each) for each in range(14)) if day.weekday() < 5]
SHARE, SHARE_6 = "platform.availability", "platform.availability.ipv6"
FEW = {"probes": "10"}
"""One probe a day of two school weeks is enough."""


def campus(*names: str) -> Campus:
    """A campus that asks these assets for the national platform."""
    assets = tuple(Asset(id=name, family="platform", address=f"{name}.example") for name in names)
    platforms = (Platform(id="p", kind="national", url="https://p.example/", assets=names),)
    return Campus(version="1", school=School(id="s", name="s"), assets=assets, platforms=platforms)


def told(metric: str, subject: str, value: str, day: date, minute: int = 0) -> Reading:
    """A reading after nine o'clock in Shanghai, with the lookup of its round and an exchange of its own."""
    at = f"{day}T{1 + minute // 60:02d}:{minute % 60:02d}:00Z"
    asset = subject.partition(":")[2].partition("/")[0]
    sources = (digest(f"{asset} {at}".encode()), digest(f"{metric} {subject} {at}".encode()))
    unit = METRICS[metric].unit
    return Reading(metric=metric, subject=subject, value=value, unit=unit, at=at, grade=Grade.MEASURED, sources=sources)


def success(results: str, *, subject: str = "asset:a", days: list[date] = SCHOOL) -> list[Reading]:
    """Probes day after day: `1` served, `0` not, `-` none."""
    return [
        told("platform.success", subject, result, days[place % len(days)], place // len(days))
        for place, result in enumerate(results)
        if result != "-"
    ]


def derive(readings: list[Reading], school: Campus | None = None, /, **method: str) -> Derived:
    """Derive, and check what must hold of every figure."""
    found = DERIVATIONS["platforms"](Readings(readings, WINDOW), school or campus("a"), WINDOW, method)
    for reading in found.readings:
        metric = METRICS[reading.metric]
        assert (metric.derivation, metric.unit, reading.at) == ("platforms", reading.unit, WINDOW.until)
        assert 0 < len(reading.sources) <= 200
    return found


def figure(found: Derived, metric: str, kind: str = "national") -> tuple[str | None, Open | None]:
    """Return the figure so far, and why it is open."""
    key = (metric, f"platform:{kind}")
    values = [reading.value for reading in found.readings if (reading.metric, reading.subject) == key]
    return (values[0] if values else None), found.open.get(key)


def test_kinds_without_a_platform_have_no_target() -> None:
    """Every kind is named in every figure, also one whose platform nobody asks."""
    found = derive(success("1" * 10), **FEW)
    for kind in PLATFORMS:
        if kind != "national":
            assert figure(found, SHARE, kind) == (None, Open(Reason.NO_TARGET))
    assert figure(derive([], campus()), SHARE) == (None, Open(Reason.NO_TARGET))


@pytest.mark.parametrize(
    ("results", "percent"), [("1" * 10, "100"), ("1" * 9 + "0", "90"), ("0" * 10, "0"), ("1" * 29 + "0", "96.666667")]
)
def test_the_share_of_probes(results: str, percent: str) -> None:
    """All probes in school hours count the same."""
    assert figure(derive(success(results), **FEW), SHARE) == (percent, None)


def test_a_failure_is_cited() -> None:
    """Where some failed, those are what a reader wants to see."""
    readings = success("1" * 9 + "0")
    found = derive(readings, **FEW)
    (share,) = [reading for reading in found.readings if reading.metric == SHARE]
    assert set(share.sources) == set(readings[9].sources)
    assert share.grade is Grade.MEASURED


def test_too_few_probes_leave_bounds() -> None:
    """What is missing may fail or succeed: 8 of 9 so far, one more is wanted, on a tenth day."""
    value, unsettled = figure(derive(success("1" * 8 + "0"), **FEW), SHARE)
    assert value == "88.888889"
    assert unsettled == Open(Reason.WINDOW_TOO_SHORT, "80", "90")
    value, unsettled = figure(derive(success("1" * 10), probes="20"), SHARE)
    assert (value, unsettled) == ("100", Open(Reason.TOO_FEW_SAMPLES, "50", "100"))


def test_the_defaults_want_two_weeks_of_probes() -> None:
    """A thousand probes on ten school days, by default."""
    assert figure(derive(success("1" * 1000)), SHARE) == ("100", None)
    unsettled = figure(derive(success("1" * 999)), SHARE)[1]
    assert unsettled == Open(Reason.TOO_FEW_SAMPLES, "99.9", "100")
    nine = figure(derive(success("1" * 900, days=SCHOOL[:9]), probes="900"), SHARE)[1]
    assert nine == Open(Reason.WINDOW_TOO_SHORT, "90", "100")


def test_nights_and_weekends_do_not_count() -> None:
    """What happens outside school hours is no lesson."""
    night = [told("platform.success", "asset:a", "0", day, 9 * 60) for day in SCHOOL]  # six in the evening
    sunday = success("0", days=[date(2026, 10, 18)])
    assert figure(derive(success("1" * 10) + night + sunday, **FEW), SHARE) == ("100", None)
    assert figure(derive(success("1" * 10) + night, until_hour="24", **FEW), SHARE) == ("50", None)


def test_every_asset_must_have_been_asked() -> None:
    """Of two hosts of a platform, one that was never asked leaves the figure open, with its reason."""
    school = campus("a", "b")
    both = success("1" * 10) + success("0" * 10, subject="asset:b")
    assert figure(derive(both, school, **FEW), SHARE) == ("50", None)
    value, unsettled = figure(derive(success("1" * 10), school, **FEW), SHARE)
    assert (value, unsettled and unsettled.reason) == ("100", Reason.TOO_FEW_SAMPLES)
    gap = told("collector.answer", "platforms:b", "unsupported", SCHOOL[0])
    unsettled = figure(derive([*success("1" * 10), gap], school, **FEW), SHARE)[1]
    assert unsettled is not None
    assert unsettled.reason is Reason.UNSUPPORTED
    assert unsettled.low != unsettled.high


def test_ipv6_is_judged_apart() -> None:
    """Without an address it fails, without a route from here nothing is known."""
    base = success("1" * 10)
    no_aaaa = [told("platform.aaaa", "asset:a", "0", day) for day in SCHOOL]
    aaaa = [told("platform.aaaa", "asset:a", "1", day) for day in SCHOOL]
    six = success("1" * 9 + "0", subject="probe:a/ipv6")
    assert figure(derive(base + no_aaaa, **FEW), SHARE_6) == ("0", None)
    assert figure(derive(base + aaaa + six, **FEW), SHARE_6) == ("90", None)
    value, unsettled = figure(derive(base + aaaa, **FEW), SHARE_6)
    assert (value, unsettled and unsettled.reason) == (None, Reason.UNSUPPORTED)


def elapsed(*values: object, family: str = "ipv4") -> list[Reading]:
    """Latencies of rounds, each with its own lookup."""
    return [
        told("platform.elapsed", f"probe:a/{family}", str(value), SCHOOL[place % 10], place // 10)
        for place, value in enumerate(values)
    ]


def test_latency_is_that_of_the_faster_family() -> None:
    """A reader waits for the faster of both; median and 95th percentile are values that were measured."""
    base = success("1" * 20)
    four, six = elapsed(*range(1, 21)), elapsed(*[100] * 10, *[0.5] * 10, family="ipv6")
    found = derive(base + four, **FEW)
    assert figure(found, "platform.latency") == ("10", None)
    assert figure(found, "platform.latency.p95") == ("19", None)
    assert figure(derive(base + four + six, **FEW), "platform.latency") == ("0.5", None)
    assert figure(derive(base + four + six, **FEW), "platform.latency.p95") == ("9", None)


def test_a_platform_that_never_answered_has_no_latency() -> None:
    """Nothing was served, so nothing was fast or slow; before there are enough probes the reason is that."""
    assert figure(derive(success("0" * 10), **FEW), "platform.latency") == (None, Open(Reason.UNREACHABLE))
    assert figure(derive([*success("1"), *elapsed(7)]), "platform.latency") == ("7", Open(Reason.WINDOW_TOO_SHORT))


@given(st.text("01", min_size=1, max_size=60), st.integers(1, 80), st.integers(1, 12))
def test_bounds_hold_what_comes(results: str, probes: int, days: int) -> None:
    """The share so far lies within the bounds, and no more failures or successes of as many probes leave them."""
    value, unsettled = figure(derive(success(results), probes=str(probes), days=str(days)), SHARE)
    assert value is not None
    if unsettled is not None:
        assert unsettled.low is not None
        assert unsettled.high is not None
        tolerance = Fraction(1, 10**6)
        assert Fraction(unsettled.low) - tolerance <= Fraction(value) <= Fraction(unsettled.high) + tolerance
    else:
        assert len(results) >= probes


def test_wrong_input_is_named() -> None:
    """A reading that is no number, and a setting that is none."""
    with pytest.raises(MalformedError):
        derive(success("x" * 10), **FEW)
    with pytest.raises(ConfigError):
        derive([], probes="many")
