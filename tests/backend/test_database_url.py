"""The URL of a PostgreSQL: what a password may hold without any of it being shown."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.backend.database import Database
from agent.backend.postgresql import place_of, read_url
from agent.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "Secret9"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:pa@{SECRET}@127.0.0.1:1/name?sslmode=disable",
        f"postgresql://u:pa@{SECRET}/x@127.0.0.1:1/name",
        f"postgresql://u:pa@x?{SECRET}=1@127.0.0.1:1/name",
        f"postgresql://u:@{SECRET}@127.0.0.1/name",
        f"postgresql://{SECRET}@school.example:word@127.0.0.1/name",
    ],
)
def test_a_password_with_an_at_sign_is_refused_and_told_nowhere(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What follows the first @ of a password is no server's name: the error says how to write it, and no part of it."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ConfigError, match="Write @ in the user name or the password as %40") as caught:
        Database(tmp_path, url)
    assert SECRET not in caught.value.render() + caplog.text
    assert caught.value.__context__ is None


def test_an_at_sign_that_is_written_as_it_should_be_is_part_of_the_password() -> None:
    """The mend that the error names works: the password is whole, and the place without it."""
    url = read_url(f"postgresql://u:pa%40{SECRET}@127.0.0.1:5433/name")
    assert url.password == f"pa@{SECRET}"
    assert place_of(url) == "127.0.0.1:5433/name"


@given(st.text("@/:?#&=%.a[]", max_size=6), st.text("@/:?#&=%.a[]", max_size=6))
@example("pa@", "/x")
@example("@", "?")
@example("pa/", ":")
@example("?", "=")
def test_no_password_is_shown(before: str, after: str) -> None:
    """Whatever signs of a URL a password holds, as it is, neither the place nor the error shows what is among them."""
    try:
        told = place_of(read_url(f"postgresql://u:{before}{SECRET}{after}@127.0.0.1:5433/name"))
    except ConfigError as error:
        told = error.render()
    assert SECRET not in told
