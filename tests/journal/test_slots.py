"""Slots: every expected run ends exactly once, and silence has a known length."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.errors import JournalError
from agent.journal.slots import END_STATES, MOVES, SlotState
from agent.journal.store import Journal, Limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SMALL = Limits(reserve_bytes=0, ballast_bytes=0)


def at(hours: int) -> datetime:
    return NOON + timedelta(hours=hours)


def test_a_slot_goes_from_expected_to_its_end(journal: Journal) -> None:
    """Expecting twice is one slot; start and end are recorded with their times."""
    assert journal.slots.expect("interfaces", NOON)
    assert not journal.slots.expect("interfaces", NOON)
    journal.slots.start("interfaces", NOON)
    journal.slots.end("interfaces", NOON, "done")
    (slot,) = journal.slots.since(NOON)
    assert (slot.job, slot.due, slot.state) == ("interfaces", NOON, SlotState.DONE)
    assert slot.started is not None
    assert slot.ended is not None
    assert slot.ended >= slot.started
    assert journal.slots.latest("interfaces") == slot
    assert journal.slots.latest("other") is None


def test_silence_is_counted(journal: Journal) -> None:
    """After a stop, what never started is missed and what was cut off has failed; both are returned once."""
    for hours in range(5):
        journal.slots.expect("a", at(hours))
    journal.slots.start("a", at(0))
    journal.slots.end("a", at(1), "skipped", "paused")
    missed = journal.slots.missed_before(at(4))
    assert [slot.due for slot in missed] == [at(2), at(3)]
    assert {slot.state for slot in missed} == {SlotState.MISSED}
    assert journal.slots.missed_before(at(4)) == []
    cut_off = journal.slots.interrupted("the agent stopped")
    assert [(slot.due, slot.state, slot.reason) for slot in cut_off] == [(at(0), SlotState.FAILED, "the agent stopped")]
    assert [slot.state for slot in journal.slots.since(at(0))] == ["failed", "skipped", "missed", "missed", "expected"]


@pytest.mark.parametrize(("state", "reason"), [("failed", None), ("skipped", ""), ("started", "x"), ("asleep", "x")])
def test_an_end_that_says_too_little_is_refused(journal: Journal, state: str, reason: str | None) -> None:
    """A failed or skipped slot says why; a state that is no end cannot end a slot."""
    journal.slots.expect("a", NOON)
    with pytest.raises(JournalError):
        journal.slots.end("a", NOON, state, reason)


def test_times_of_any_zone_are_one_slot(journal: Journal) -> None:
    """The same moment in another zone is the same slot."""
    beijing = NOON.astimezone(datetime.strptime("+0800", "%z").tzinfo)
    assert journal.slots.expect("a", NOON)
    assert not journal.slots.expect("a", beijing)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["expect", "start", "missed", "interrupted", "reopen", "done", "failed", "skipped"]),
        st.sampled_from(["a", "b"]),
        st.integers(0, 3),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_slots_agree_with_a_model(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, int]]) -> None:
    """In any order of calls, restarts included: allowed moves happen, others raise, an end never changes."""
    directory = tmp_path_factory.mktemp("slots") / "journal"
    model: dict[tuple[str, datetime], SlotState] = {}
    journal = Journal(directory, limits=SMALL)
    try:
        for name, job, hours in steps:
            if name == "reopen":
                journal.close()
                journal = Journal(directory, limits=SMALL)
            else:
                _step(journal, model, name, job, at(hours))
            found = {(slot.job, slot.due): slot.state for slot in journal.slots.since(NOON)}
            assert found == model
        journal.slots.interrupted("stopped")
        journal.slots.missed_before(at(99))
        assert all(slot.state in END_STATES for slot in journal.slots.since(NOON))
    finally:
        journal.close()


def _step(journal: Journal, model: dict[tuple[str, datetime], SlotState], name: str, job: str, due: datetime) -> None:
    key = (job, due)
    if name == "expect":
        assert journal.slots.expect(job, due) == (key not in model)
        model.setdefault(key, SlotState.EXPECTED)
    elif name == "missed":
        late = {slot for slot in model if model[slot] is SlotState.EXPECTED and slot[1] < due}
        assert {(slot.job, slot.due) for slot in journal.slots.missed_before(due)} == late
        model.update(dict.fromkeys(late, SlotState.MISSED))
    elif name == "interrupted":
        begun = {slot for slot in model if model[slot] is SlotState.STARTED}
        assert {(slot.job, slot.due) for slot in journal.slots.interrupted("stop")} == begun
        model.update(dict.fromkeys(begun, SlotState.FAILED))
    else:
        state = SlotState.STARTED if name == "start" else SlotState(name)
        move: Callable[[], None] = lambda: (  # noqa: E731 (the call that is tried in both branches)
            journal.slots.start(job, due) if name == "start" else journal.slots.end(job, due, state, "why")
        )
        if model.get(key) in MOVES[state]:
            move()
            model[key] = state
        else:
            with pytest.raises(JournalError, match="cannot become"):
                move()


def test_a_reader_sees_slots_and_cannot_move_them(journal: Journal, tmp_path: Path) -> None:
    """A status command shows slots; only the service moves them."""
    journal.slots.expect("a", NOON)
    with Journal(journal.directory, readonly=True) as reader:
        assert len(reader.slots.since(NOON)) == 1
        with pytest.raises(JournalError):
            reader.slots.start("a", NOON)
