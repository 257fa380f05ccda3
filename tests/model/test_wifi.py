"""Words of Wi-Fi: a pattern for rooms that cannot be made to run for ever, mappings that contradict themselves."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from agent.model.wifi import WifiCell, WifiRadios, WifiRooms, WifiSingle, WifiTables

CELL = WifiCell(oids=("1.3.6.1.4.1.32473.1",))


@pytest.mark.parametrize(
    "pattern",
    [r"(?P<room>\d+)", r"AP-(?P<room>[0-9A-Z]+)(-[a-z]*)?", r"[^)+*]*_(?P<room>\d{3})", r"\)+(?P<room>.+)"],
)
def test_a_plain_pattern_is_taken(pattern: str) -> None:
    """Patterns as people write them for names of access points are allowed."""
    assert WifiRooms(room_pattern=pattern).room_pattern == pattern


@pytest.mark.parametrize(
    "pattern",
    [
        *(r"\d+", r"(?P<room>\d+", r"(?P<room>(a+)+)b", r"(?P<room>a|a)*b", r"(?P<room>.*).*.*.*"),
        *(r"(?P<room>\d)(?P=room)", r"(?=x)(?P<room>.)", r"(?P<room>.)(a)\2", "(?P<room>.)" + "a" * 200),
    ],
)
def test_a_pattern_that_costs_or_says_nothing_is_refused(pattern: str) -> None:
    """Without a group `room` a pattern places nothing; repeated groups would let a name cost hours of a reviewer."""
    with pytest.raises(ValidationError):
        WifiRooms(room_pattern=pattern)


def test_a_mapping_must_say_something() -> None:
    """A mapping with neither access points nor a count, or whose radios belong to nobody, is refused."""
    with pytest.raises(ValidationError):
        WifiTables(mib="X")
    with pytest.raises(ValidationError):
        WifiTables(mib="X", single=WifiSingle(), radios=WifiRadios(index=("mac",), channel=CELL))
