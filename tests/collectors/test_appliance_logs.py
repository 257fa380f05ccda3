"""How long appliances keep their own log, as they are set: disks of FortiOS, storage times of StoneOS."""

from __future__ import annotations

import pytest

from agent.collectors.commandline.fact import Fact, UnrecognisedError
from agent.collectors.commandline.logs import fortinet_disk, hillstone_storage

DISK = [
    "status              : enable",
    "ips-archive         : enable",
    "log-quota           : 0",
    "maximum-log-age     : 7",
    "upload              : disable",
    "roll-schedule       : daily",
    "diskfull            : overwrite",
]


def test_a_fortinet_disk_forgets_after_a_week() -> None:
    """The factory's seven days are told, and that a full disk overwrites."""
    assert fortinet_disk(DISK) == [
        Fact("log.disk", "enabled"),
        Fact("log.disk.full", "overwrite"),
        Fact("log.disk.age", "7", "d"),
    ]


def test_a_disk_without_limit_or_without_use_has_no_age() -> None:
    """An age of 0 is no limit, and never no days; a disk that is not used says no more than that."""
    unlimited = [line.replace(": 7", ": 0") for line in DISK]
    assert fortinet_disk(unlimited) == [Fact("log.disk", "enabled"), Fact("log.disk.full", "overwrite")]
    assert fortinet_disk(["status              : disable", *DISK[1:]]) == [Fact("log.disk", "disabled")]


@pytest.mark.parametrize("lines", [[], DISK[:1], ["Unknown action 0"], [*DISK[:3], "maximum-log-age     : forever"]])
def test_a_disk_in_other_words_is_not_guessed(lines: list[str]) -> None:
    """What is not the known form is unsupported."""
    with pytest.raises(UnrecognisedError):
        fortinet_disk(lines)


def test_the_shortest_storage_time_of_a_hillstone_counts() -> None:
    """Of several kinds of log the one that is deleted first; nothing set is nothing told."""
    lines = [
        "logging event to localdb storage-time 12",
        "  logging traffic session to localdb storage-time 6",
        "logging traffic nat to localdb storage-time 9",
    ]
    assert hillstone_storage(lines) == [Fact("log.storage_months", "6", "mo")]
    assert hillstone_storage([]) == []


def test_a_storage_time_in_other_words_is_not_guessed() -> None:
    """A line of another form makes the answer unsupported."""
    with pytest.raises(UnrecognisedError):
        hillstone_storage(["              ^", "unrecognized keyword show"])
