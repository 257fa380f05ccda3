"""Retention of logs: six calendar months at their boundaries, gaps, silent sources, young and deleted logs, copies."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.assess.derive import DERIVATIONS
from agent.assess.derive.derived import Open
from agent.assess.derive.log_days import Log, kept, longest_gap, school_day_rule
from agent.assess.derive.log_stores import percentile_95
from agent.assess.samples import Readings
from agent.errors import ConfigError, MalformedError
from agent.model.asset import Asset
from agent.model.calendar import SchoolCalendar, Term, days_between, months_before
from agent.model.campus import Campus, School
from agent.model.finding import Reason, Window
from agent.model.logs import LogSource, StoredLog, days_text
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from agent.assess.derive.derived import Derived

NIGHT = date(2026, 11, 22)
SEARCHED = date(2026, 4, 21)
HALF_A_YEAR_AGO = date(2026, 5, 22)
WINDOW = Window(since="2026-10-22T00:00:00Z", until="2026-11-22T08:00:00Z")
SUBJECT = "system-log:fw1"


def said(metric: str, subject: str, value: str, unit: str = "", at: date = NIGHT, grade: str = "reported") -> Reading:
    """Return what a store said at one in the morning, in China."""
    source = f"sha256:{sum(f'{metric}{subject}{at}'.encode()):064d}"
    moment = f"{at - timedelta(days=1)}T17:00:00.000Z"
    return Reading(
        metric=metric, subject=subject, value=value, unit=unit, at=moment, grade=Grade(grade), sources=(source,)
    )


def log(
    first: date,
    last: date = NIGHT,
    *,
    but: Collection[date] = (),
    store: str = "es",
    source: str = "fw1",
    search: str = "complete",
    searched: str = str(SEARCHED),
    at: date = NIGHT,
    records: int = 1000,
    grade: str = "reported",
) -> list[Reading]:
    """Return the readings of a source that wrote every day but some."""
    days = {day.isoformat(): records for day in days_between(first, last) if day not in but}
    subject = f"log:{store}/{source}"
    return [
        said("log.search", subject, search, at=at, grade=grade),
        said("log.searched", subject, f"{searched}/{at}", at=at, grade=grade),
        said("log.days", subject, days_text(days), at=at, grade=grade),
    ]


def source_of(*stores: str, days: str = "every-day", asset: str | None = None) -> LogSource:
    """Return the firewall as a source that these stores keep."""
    stored = [{"store": store, "name": "fw1"} for store in stores]
    return LogSource.from_json({"id": "fw1", "kind": "system", "stored": stored, "days": days, "asset": asset})


def derive(
    readings: Iterable[Reading],
    *sources: LogSource,
    window: Window = WINDOW,
    calendar: SchoolCalendar | None = None,
    timezone: str = "Asia/Shanghai",
    assets: tuple[Asset, ...] = (),
    **method: str,
) -> Derived:
    """Derive for the firewall on one store, unless other sources are given."""
    campus = Campus(
        version="1",
        school=School(id="s", name="s"),
        timezone=timezone,
        calendar=calendar,
        assets=assets,
        log_sources=sources or (source_of("es"),),
    )
    return DERIVATIONS["logs"](Readings(readings, window), campus, window, method)


def figure(derived: Derived, metric: str, subject: str = SUBJECT) -> tuple[str | None, Open | None]:
    """Return what is known of a metric, and what is open."""
    value = next((r.value for r in derived.readings if r.metric == f"logs.{metric}" and r.subject == subject), None)
    return value, derived.open.get((f"logs.{metric}", subject))


class TestSixCalendarMonths:
    def test_six_months_to_the_day_are_six(self) -> None:
        """A log that reaches back to the same day of the month six months ago has six months, and nothing is open."""
        derived = derive(log(HALF_A_YEAR_AGO))
        assert figure(derived, "retention") == ("6", None)
        assert figure(derived, "gap") == ("0", None)
        assert figure(derived, "covered_days") == ("184", None)

    def test_a_day_short_of_six_months_is_five(self) -> None:
        """One day less is five months; alone, it is a log that may be young."""
        derived = derive(log(HALF_A_YEAR_AGO + timedelta(days=1)))
        assert figure(derived, "retention") == ("5", Open(Reason.WINDOW_TOO_SHORT, "5", None))

    def test_more_than_was_searched_is_what_was_searched(self) -> None:
        """A log that reaches the first day searched has the seven months that were looked at."""
        assert figure(derive(log(SEARCHED)), "retention") == ("7", None)

    @pytest.mark.parametrize(
        ("night", "first", "months"),
        [
            (date(2026, 8, 31), date(2026, 2, 28), "6"),
            (date(2026, 8, 31), date(2026, 3, 1), "5"),
            (date(2026, 8, 28), date(2026, 2, 28), "6"),
            (date(2024, 8, 31), date(2024, 2, 29), "6"),
            (date(2024, 8, 31), date(2024, 3, 1), "5"),
            (date(2027, 3, 1), date(2026, 9, 1), "6"),
            (date(2027, 1, 1), date(2026, 7, 1), "6"),
            (date(2027, 1, 1), date(2026, 7, 2), "5"),
        ],
    )
    def test_months_end_where_the_calendar_ends_them(self, night: date, first: date, months: str) -> None:
        """Six months before 31 August is the last day of February; leap days and new years move nothing."""
        window = Window(since=f"{night - timedelta(days=30)}T00:00:00Z", until=f"{night}T00:00:00Z")
        searched = str(months_before(night, 7) - timedelta(days=1))
        derived = derive(log(first, night, at=night, searched=searched), window=window)
        assert figure(derived, "retention")[0] == months

    def test_the_day_in_progress_proves_nothing_and_breaks_nothing(self) -> None:
        """Of the day of the reading itself only an hour is over: it need have no record."""
        assert figure(derive(log(HALF_A_YEAR_AGO, NIGHT - timedelta(days=1))), "retention") == ("6", None)

    def test_days_are_those_of_the_campus(self) -> None:
        """At 17:00 UTC it is already tomorrow in China, and one more day is over."""
        last = NIGHT - timedelta(days=2)
        readings = log(HALF_A_YEAR_AGO - timedelta(days=1), last)
        assert figure(derive(readings, timezone="UTC"), "retention") == ("6", None)
        assert figure(derive(readings), "retention") == ("0", None)


class TestGaps:
    def test_one_day_breaks_the_stretch(self) -> None:
        """A day without log two months ago leaves the months after it, settled: older log beyond it is not joined."""
        derived = derive(log(SEARCHED, but=[date(2026, 9, 21)]))
        assert figure(derived, "retention") == ("2", None)
        assert figure(derived, "gap") == ("1", None)
        assert figure(derived, "covered_days") == ("183", None)

    def test_a_standard_may_allow_a_day(self) -> None:
        """What a standard allows ends no stretch, one day more does."""
        one, two = [date(2026, 9, 21)], [date(2026, 9, 21), date(2026, 9, 22)]
        assert figure(derive(log(SEARCHED, but=one), allowed_days="1"), "retention") == ("7", None)
        assert figure(derive(log(SEARCHED, but=two), allowed_days="1"), "retention") == ("1", None)

    def test_a_gap_before_the_six_months_does_not_count(self) -> None:
        """A day without log seven months ago takes nothing from six whole months."""
        derived = derive(log(SEARCHED, but=[HALF_A_YEAR_AGO - timedelta(days=1)]))
        assert figure(derived, "retention") == ("6", None)
        assert figure(derived, "gap") == ("0", None)

    def test_a_source_that_fell_silent_has_no_months(self) -> None:
        """A source without log since yesterday is not kept up to the window's end."""
        derived = derive(log(SEARCHED, NIGHT - timedelta(days=4)))
        assert figure(derived, "retention") == ("0", None)
        assert figure(derived, "gap") == ("3", None)

    def test_a_source_that_never_wrote_has_nothing(self) -> None:
        """A source that its store does not have is settled, beside one that is kept."""
        silent = LogSource(id="ac1", kind="user-access", stored=(StoredLog(store="es", name="ac1"),))
        readings = [*log(SEARCHED), *log(NIGHT, date(2026, 1, 1), source="ac1")]
        derived = derive(readings, source_of("es"), silent)
        assert figure(derived, "retention") == ("7", None)
        assert figure(derived, "retention", "user-access-log:ac1") == ("0", None)
        assert figure(derived, "gap", "user-access-log:ac1") == ("184", None)

    def test_a_trickle_is_no_log(self) -> None:
        """A day with less than a tenth of the median of its kind has failed; a quiet weekend has not."""
        weekends = [day for day in days_between(SEARCHED, NIGHT) if day.weekday() >= 5]
        subject = "log:es/fw1"
        counts = {day.isoformat(): 1000 for day in days_between(SEARCHED, NIGHT)} | {str(day): 20 for day in weekends}
        readings = [reading for reading in log(SEARCHED) if reading.metric != "log.days"]
        quiet = [*readings, said("log.days", subject, days_text(counts))]
        assert figure(derive(quiet), "retention") == ("7", None)
        trickle = [*readings, said("log.days", subject, days_text(counts | {"2026-10-20": 99}))]
        assert figure(derive(trickle), "gap") == ("1", None)
        assert figure(derive(trickle, day_share="0.05"), "gap") == ("0", None)

    def test_school_days_alone_must_have_log(self) -> None:
        """A source of school days may rest at weekends and on holidays, but not on a make-up day."""
        holidays = list(days_between(date(2026, 10, 1), date(2026, 10, 7)))
        calendar = SchoolCalendar(
            terms=(Term(since="2026-03-01", until="2026-07-10"), Term(since="2026-09-01", until="2027-01-20")),
            holidays=tuple(map(str, holidays)),
            make_up_days=("2026-10-10",),
        )
        rest = {day for day in days_between(SEARCHED, NIGHT) if day.weekday() >= 5 and str(day) != "2026-10-10"}
        rest |= {*holidays, *days_between(date(2026, 7, 11), date(2026, 8, 31))}
        source = source_of("es", days="school-days")
        derived = derive(log(SEARCHED, but=rest), source, calendar=calendar)
        assert figure(derived, "retention") == ("7", None)
        assert figure(derived, "gap") == ("0", None)
        assert (
            figure(derive(log(SEARCHED, but={*rest, date(2026, 10, 10)}), source, calendar=calendar), "gap")[0] == "1"
        )
        assert figure(derive(log(SEARCHED, but=rest), calendar=calendar), "gap")[0] == "52"


class TestYoungAndDeleted:
    def test_a_young_log_is_open(self) -> None:
        """Three months so far are at least three months, and nobody knows how many there will be."""
        derived = derive(log(date(2026, 8, 22)))
        assert figure(derived, "retention") == ("3", Open(Reason.WINDOW_TOO_SHORT, "3", None))
        assert figure(derived, "gap")[1] == Open(Reason.WINDOW_TOO_SHORT, "0", "186")
        assert figure(derived, "covered_days")[1] == Open(Reason.WINDOW_TOO_SHORT, "92", None)

    def test_a_log_that_began_in_the_middle_of_a_day_is_young(self) -> None:
        """The first day of a log has few records, and is no gap before older ones."""
        readings = log(date(2026, 8, 22))
        text = readings[2].value.replace("2026-08-22:1000", "2026-08-22:3")
        derived = derive([*readings[:2], readings[2].model_copy(update={"value": text})])
        assert figure(derived, "retention") == ("2", Open(Reason.WINDOW_TOO_SHORT, "2", None))
        assert figure(derived, "gap")[0] == "0"

    def test_what_an_earlier_reading_saw_is_deleted(self) -> None:
        """A store whose first record moved forward deletes: three months are all there is."""
        before = log(date(2026, 7, 22), date(2026, 10, 25), at=date(2026, 10, 25))
        derived = derive([*before, *log(date(2026, 8, 22))])
        assert figure(derived, "retention") == ("3", None)
        assert figure(derived, "gap") == ("92", None)

    def test_a_reinstalled_store_has_lost_its_log(self) -> None:
        """A store that begins anew is not young: what it held is gone."""
        before = log(SEARCHED, date(2026, 11, 1), at=date(2026, 11, 1))
        assert figure(derive([*before, *log(date(2026, 11, 2))]), "retention") == ("0", None)

    def test_a_log_as_old_as_the_setting_is_deleted(self) -> None:
        """A store that deletes after 30 days and has 30 days shows its limit."""
        policy = said("log.store.policy", "asset:es", "30", "d")
        derived = derive([*log(NIGHT - timedelta(days=30)), policy])
        assert figure(derived, "retention") == ("0", None)

    def test_a_young_log_cannot_outgrow_the_setting(self) -> None:
        """A young log on a store that deletes after 95 days will have three months, and no more."""
        policy = said("log.store.policy", "asset:es", "95", "d")
        derived = derive([*log(NIGHT - timedelta(days=40)), policy])
        assert figure(derived, "retention") == ("1", Open(Reason.WINDOW_TOO_SHORT, "1", "3"))

    @pytest.mark.parametrize(("days", "high"), [("183", "5"), ("184", None), ("100000", None)])
    def test_183_days_are_not_six_months(self, days: str, high: str | None) -> None:
        """From 22 May to 22 November there are 184 days: a setting of 183 cannot give six calendar months."""
        policy = said("log.store.policy", "asset:es", days, "d")
        assert figure(derive([*log(NIGHT - timedelta(days=40)), policy]), "retention")[1] == Open(
            Reason.WINDOW_TOO_SHORT, "1", high
        )


class TestStores:
    def test_two_stores_count_once_with_the_best_copy(self) -> None:
        """A gap on one store does not matter where the other has none; neither adds to the other."""
        both = [*log(SEARCHED, but=[date(2026, 9, 21)]), *log(HALF_A_YEAR_AGO, store="loki")]
        derived = derive(both, source_of("es", "loki"))
        assert figure(derived, "retention") == ("6", None)
        assert figure(derived, "gap") == ("0", None)
        assert [r.subject for r in derived.readings if r.metric == "logs.retention"] == [SUBJECT]

    def test_a_copy_that_may_still_be_better_keeps_the_source_open(self) -> None:
        """A broken copy settles nothing while another store is young."""
        both = [*log(SEARCHED, but=[date(2026, 11, 1)]), *log(date(2026, 9, 22), store="loki")]
        derived = derive(both, source_of("es", "loki"))
        assert figure(derived, "retention") == ("2", Open(Reason.WINDOW_TOO_SHORT, "2", None))

    def test_a_silent_store_says_why(self) -> None:
        """A store that refuses shows nothing, and the gap of the conversation is the reason."""
        refused = said("collector.answer", "logs:es", "refused")
        derived = derive([refused])
        assert figure(derived, "retention") == (None, Open(Reason.REFUSED, "0"))
        assert figure(derived, "gap") == (None, Open(Reason.REFUSED, None))

    def test_a_store_asked_long_ago_shows_nothing(self) -> None:
        """What a store said eight days before the window's end is not true of its end."""
        old = NIGHT - timedelta(days=8)
        derived = derive(log(SEARCHED, old, at=old))
        assert figure(derived, "retention") == (None, Open(Reason.TOO_FEW_SAMPLES, "0"))
        assert figure(derive(log(SEARCHED, old, at=old), fresh_days="9"), "retention") == ("6", None)

    def test_a_partial_search_proves_no_gap(self) -> None:
        """What a failed shard holds may fill the gap: at least what is seen, and open."""
        derived = derive(log(SEARCHED, but=[date(2026, 9, 21)], search="partial"))
        assert figure(derived, "retention") == ("2", Open(Reason.TOO_FEW_SAMPLES, "2", None))
        assert figure(derived, "gap") == ("1", Open(Reason.TOO_FEW_SAMPLES, "0", None))

    def test_a_partial_search_proves_what_it_saw(self) -> None:
        """Six months that are seen are six months, whatever else was missed."""
        assert figure(derive(log(SEARCHED, search="partial")), "retention") == ("7", None)

    def test_a_store_that_cannot_count_is_unsupported(self) -> None:
        """A search without days is no log and no gap."""
        readings = log(SEARCHED, search="unsupported")[:2]
        assert figure(derive(readings), "retention") == (None, Open(Reason.UNSUPPORTED, "0"))

    def test_a_source_that_nobody_stores_has_no_log(self) -> None:
        """A source without a store can only have nothing."""
        derived = derive([], source_of())
        assert figure(derived, "retention") == (None, Open(Reason.NO_TARGET, "0", "0"))


SWITCH = Asset(id="fw1", family="hillstone", address="192.0.2.1")
CLI = Asset(id="fw1-cli", family="hillstone-cli", address="192.0.2.1")


class TestAppliances:
    def test_a_buffer_of_its_own_never_proves_six_months(self) -> None:
        """A device with a log buffer and no store for it stays open, whatever the buffer holds."""
        buffer = said("appliance.log.buffer.octets", "asset:fw1-cli", "4194304", "By")
        derived = derive([buffer], source_of(asset="fw1"), assets=(SWITCH, CLI))
        assert figure(derived, "retention") == (None, Open(Reason.UNSUPPORTED, "0"))

    @pytest.mark.parametrize(("state", "grade"), [("enabled", Grade.CORROBORATED), ("disabled", Grade.REPORTED)])
    def test_forwarding_bears_out_the_store(self, state: str, grade: Grade) -> None:
        """A device that says that it forwards its log agrees with the store that counts it."""
        forwarding = said("appliance.log.forwarding", "asset:fw1-cli", state)
        derived = derive([*log(SEARCHED), forwarding], source_of("es", asset="fw1"), assets=(SWITCH, CLI))
        assert {r.grade for r in derived.readings if r.metric == "logs.retention"} == {grade}

    def test_counts_of_our_own_stay_measured(self) -> None:
        """Files that the agent counted itself need nobody to bear them out."""
        derived = derive(log(SEARCHED, grade="measured"))
        assert {r.grade for r in derived.readings if r.metric == "logs.retention"} == {Grade.MEASURED}


def canaries(age: int, missing: str = "0", *, unsent: Collection[date] = ()) -> list[Reading]:
    """Return what looking for canaries of the firewall came to: one for each day of that time but some."""
    subject = "log:es/fw1"
    days = (NIGHT - timedelta(days=number) for number in range(1, age + 1))
    found = {day.isoformat(): 1 for day in days if day not in unsent}
    return [
        said("canary.days", subject, days_text(found)),
        said("canary.found_age", subject, str(age), "d"),
        said("canary.missing", subject, missing, "1"),
    ]


class TestCanaries:
    QUIET = (date(2026, 9, 20), date(2026, 9, 21))

    def test_a_silent_source_whose_canaries_arrive_is_quiet(self) -> None:
        """A day without log on which nothing can have been lost is no gap."""
        derived = derive([*log(SEARCHED, but=self.QUIET), *canaries(90)])
        assert figure(derived, "retention") == ("7", None)
        assert figure(derived, "gap") == ("0", None)

    @pytest.mark.parametrize(("age", "missing"), [(90, "1"), (61, "0")])
    def test_a_lost_canary_or_a_younger_one_excuses_nothing(self, age: int, missing: str) -> None:
        """A day is quiet only if every canary arrived, and one was sent on it."""
        derived = derive([*log(SEARCHED, but=self.QUIET), *canaries(age, missing)])
        assert figure(derived, "gap") == ("2", None)
        assert figure(derived, "retention") == ("2", None)

    def test_a_day_on_which_the_agent_was_off_is_not_quiet(self) -> None:
        """Older and younger canaries say nothing of a day that has none."""
        derived = derive([*log(SEARCHED, but=self.QUIET), *canaries(90, unsent=self.QUIET)])
        assert figure(derived, "gap") == ("2", None)
        half = derive([*log(SEARCHED, but=self.QUIET), *canaries(90, unsent=self.QUIET[:1])])
        assert figure(half, "gap") == ("1", None)

    @pytest.mark.parametrize(("age", "grade"), [(29, Grade.REPORTED), (30, Grade.CORROBORATED), (183, Grade.MEASURED)])
    def test_canaries_bear_out_what_the_store_counts(self, age: int, grade: Grade) -> None:
        """Those of a month corroborate, those of half a year are the measurement."""
        derived = derive([*log(SEARCHED), *canaries(age)])
        assert {r.grade for r in derived.readings if r.metric == "logs.retention"} == {grade}

    def test_one_old_canary_is_no_half_year(self) -> None:
        """A canary of half a year ago, and none between: the store's word stands alone."""
        between = [NIGHT - timedelta(days=number) for number in range(20, 200)]
        derived = derive([*log(SEARCHED), *canaries(203, unsent=between)])
        assert {r.grade for r in derived.readings if r.metric == "logs.retention"} == {Grade.REPORTED}


class TestCapacity:
    def sized(self, days: int, used: int, free: int) -> Derived:
        """Return the figures of a store with so many days of log."""
        sizes = [
            said("log.store.used", "asset:es", str(used), "By"),
            said("log.store.free", "asset:es", str(free), "By"),
        ]
        return derive([*log(NIGHT - timedelta(days=days)), *sizes])

    def test_a_store_that_holds_half_a_year_has_room_for_it(self) -> None:
        """What is there needs no free space to be there."""
        assert figure(self.sized(183, 183, 0), "capacity") == ("1", None)

    @pytest.mark.parametrize(("free", "enough"), [(1530, "1"), (1529, "0")])
    def test_growth_must_fit(self, free: int, enough: str) -> None:
        """30 days took 300 octets: 183 take 1830, of which 300 are there."""
        assert figure(self.sized(30, 300, free), "capacity") == (enough, None)

    def test_less_than_a_week_says_nothing(self) -> None:
        """Six days of log do not show how fast it grows."""
        assert figure(self.sized(6, 60, 10**9), "capacity")[1] == Open(Reason.UNSUPPORTED, "0", "1")

    def test_a_store_without_sizes_is_open(self) -> None:
        """Room that nobody tells of is not room, and not the lack of it."""
        assert figure(derive(log(date(2026, 9, 1))), "capacity")[1] == Open(Reason.UNSUPPORTED, "0", "1")


class TestSettings:
    def test_an_unknown_setting_is_an_error(self) -> None:
        """A typo in a standard is found."""
        with pytest.raises(ConfigError, match="there is no setting"):
            derive([], day_shares="0.1")

    def test_days_that_are_none_are_an_error(self) -> None:
        """A reading that is not what its metric says is not judged."""
        broken = log(SEARCHED)[2].model_copy(update={"value": "yesterday:5"})
        with pytest.raises(MalformedError):
            derive([*log(SEARCHED)[:2], broken])


days_of_a_year = st.sets(st.integers(0, 214).map(lambda n: SEARCHED + timedelta(days=n)), max_size=40)


class TestArithmetic:
    @settings(deadline=None)
    @given(days_of_a_year)
    def test_the_stretch_is_the_days_after_the_last_gap(self, lost: set[date]) -> None:
        """Every day of the stretch has log, the day before it has not, or was not searched."""
        records = {day: 5 for day in days_between(SEARCHED, NIGHT) if day not in lost}
        found = kept(Log(records, SEARCHED, NIGHT, school_day_rule(None, SEARCHED, NIGHT)))
        if found.since is None:
            assert NIGHT - timedelta(days=1) in lost
            return
        assert not lost & set(days_between(found.since, NIGHT - timedelta(days=1)))
        assert found.since == SEARCHED or found.since - timedelta(days=1) in lost
        assert months_before(NIGHT, found.months) >= found.since > months_before(NIGHT, found.months + 1)

    @settings(deadline=None)
    @given(days_of_a_year)
    def test_the_longest_gap_is_no_longer_than_what_was_lost(self, lost: set[date]) -> None:
        """A gap is made of lost days alone, and one lost day is a gap."""
        records = {day: 5 for day in days_between(SEARCHED, NIGHT) if day not in lost}
        inside = {day for day in lost if months_before(NIGHT, 6) <= day < NIGHT}
        gap = longest_gap(Log(records, SEARCHED, NIGHT, school_day_rule(None, SEARCHED, NIGHT)), 6, from_first=False)
        assert (gap > 0) == bool(inside)
        assert gap <= len(inside)

    @settings(deadline=None)
    @given(st.lists(st.integers(0, 10**9), min_size=1, max_size=300))
    def test_the_percentile_leaves_a_twentieth_above(self, counts: list[int]) -> None:
        """At most a twentieth of the days has more records than the 95th percentile, which is one of them."""
        found = percentile_95(counts)
        assert found in counts
        assert sum(count > found for count in counts) * 20 <= len(counts)
