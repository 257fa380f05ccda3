"""Keys by the beginning of their ids: one, none, or several that begin alike, which real keys never do."""

from __future__ import annotations

import pytest

from agent.backend.enrolments import Enrolment, KeyState, named
from agent.errors import UsageError


def key(keyid: str, campus: str) -> Enrolment:
    return Enrolment(campus, "agent", keyid.ljust(64, "0"), KeyState.ACTIVE, "", None, None, None, 1, "")


def test_a_beginning_that_two_keys_share_is_refused() -> None:
    """Neither is chosen; both are named with their schools, and a longer beginning tells them apart."""
    one, two = key("abcdef0123", "school-1"), key("abcdef0124", "school-2")
    with pytest.raises(
        UsageError, match=r"2 keys begin with abcdef01: \w+3\w+ \(school-1\), \w+4\w+ \(school-2\)\. Give more"
    ):
        named([one, two], "abcdef01")
    assert named([one, two], "abcdef0124") is two
    assert named([one, two], one.keyid) is one


def test_a_backend_without_keys_names_none() -> None:
    """Nothing is near where there is nothing."""
    with pytest.raises(UsageError, match=r"no key abcdef01 is enrolled\. All keys are in"):
        named([], "abcdef01")
