"""Command lines as words: received octets as text and back, the screen, and what no profile can allow."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.errors import AgentError, MalformedError
from agent.model.cli import WIDEST, CliCommand, CliOutput, CliProfile, escaped, received, screen_lines
from agent.model.exchange import Exchange


@given(st.binary())
@example("日志".encode("gbk"))
@example(b"\\x41 \\\\ \\")
def test_every_octet_comes_back_from_the_text(data: bytes) -> None:
    """The record holds what the device sent, whatever its encoding, and one spelling of it."""
    text = escaped(data)
    assert received(text) == data
    CliOutput(output=text, elapsed_ms=1)


@given(st.text())
def test_text_that_nobody_escaped_is_refused_or_is_its_own_spelling(text: str) -> None:
    """A record cannot say the same octets in two ways."""
    try:
        data = received(text)
        output = CliOutput(output=text, elapsed_ms=0)
    except (MalformedError, ValidationError):
        return
    except UnicodeEncodeError:  # half a surrogate pair has no octets, and no canonical JSON either
        return
    assert escaped(data) == output.output


@pytest.mark.parametrize("text", ["\\", "\\x4", "\\x41", "\\n", "a\\xgg", "\\xE4"])
def test_a_wrong_escape_is_our_error(text: str) -> None:
    """A tampered record surfaces as malformed, never as a traceback."""
    value = {
        "n": 0,
        "at": "2026-11-22T01:02:03.004Z",
        "monotonic_ns": "1",
        "request": CliCommand(command="display clock").to_json(),
        "response": {"op": "cli.output", "output": text, "elapsed_ms": 1},
        "redactions": {},
    }
    with pytest.raises(AgentError):
        Exchange.from_json(value)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"a\r\nb", [b"a", b"b"]),
        (b"one\r\n  ---- More ----\x1b[42D" + b" " * 42 + b"\x1b[42Dtwo", [b"one", b"two"]),
        (b" --More-- " + b"\b" * 10 + b" " * 10 + b"\b" * 10 + b"two", [b"two"]),
        (b"--More-- \r         \rtwo", [b"two"]),
        (b"\x1b[1;31mred\x1b[0m", [b"red"]),
        (b"\x1b]0;title\x07$ ", [b"$"]),
        (b"abc\x1b[K", [b"abc"]),
        (b"abc\r\x1b[Kd", [b"d"]),
        (b"ab\x1b[2Gc", [b"ac"]),
        (b"a\x1b[3Cb", [b"a   b"]),
        ("一\b\b\b二".encode(), ["二".encode()]),
    ],
)
def test_the_screen_shows_what_a_person_would_see(raw: bytes, shown: list[bytes]) -> None:
    """Pagers wipe their mark in three ways; a parser sees none of it."""
    assert screen_lines(raw) == shown


@given(st.binary(max_size=300))
@example(b"\x1b[99999999999999999999C!" * 3)
@example(b"\x1b[4096C" * 40 + b"!")
def test_the_screen_is_never_much_larger_than_what_came(data: bytes) -> None:
    """No escape sequence fills the memory."""
    assert sum(map(len, screen_lines(data))) <= (WIDEST + len(data)) * (data.count(b"\n") + 1)


@pytest.mark.parametrize(
    "command",
    [
        "reset saved-configuration",
        "show running-config | redirect flash:x",
        "show version | tee flash:x",
        "display version > a.txt",
        "display clock\nreboot",
        "display clock; reboot",
        "show clock && reboot",
        "show `reboot`",
        "show $(reboot)",
        "execute reboot",
        "diagnose sys kill 11 1",
        "cat /etc/shadow",
        "date -s 2020-01-01",
        "show",
        "",
    ],
)
def test_no_family_can_allow_a_command_that_does_something(command: str) -> None:
    """Read-only by construction: a careless pack does not load, a careless collector cannot even ask."""
    with pytest.raises(ValidationError):
        CliCommand(command=command)
    with pytest.raises(ValidationError):
        CliProfile(dialect="x", prompt=">", commands=(command,))


@pytest.mark.parametrize("line", ["config system console", "terminal width 511", "enable", "screen-length 0"])
def test_paging_is_switched_off_for_the_session_only(line: str) -> None:
    """What outlives the session, or needs more rights, is no preparation."""
    with pytest.raises(ValidationError):
        CliProfile(dialect="x", prompt=">", commands=("show clock",), prepare=(line,))
