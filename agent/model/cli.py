"""A command line over SSH: what may be sent to a family (`CliProfile`), one command (`CliCommand`), what came back.

Received bytes are kept exactly: `CliOutput.output` is the bytes as text, with everything that is not UTF-8 and every
backslash written as an escape, so that a reader sees words and `received` gives back each octet. What a person would
have seen on the terminal, pagers wiped away, is `screen_lines`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from agent.errors import MalformedError
from agent.model.base import Identifier, Word

__all__ = [
    "CliCommand",
    "CliOutput",
    "CliProfile",
    "CliQuestion",
    "escaped",
    "received",
    "screen_lines",
]

_READS = re.compile(
    r"(?:display|show|get) [A-Za-z0-9][\w ./:-]*(?:\| ?(?:include|grep) [\w .^:|-]+)?"
    r"|diagnose (?:sys ntp status|autoupdate versions)"
    r"|date --iso-8601=seconds|timedatectl show|cat /etc/(?:os-release|debian_version)|uname -sr"
)
"""Everything that a family may allow: words that only show, never a redirection (`>`, `| redirect`, `| tee`), never two
commands in one line, never an abbreviation."""
_PREPARES = re.compile(r"screen-length 0 temporary|screen-length disable|terminal length 0|more off")
"""What switches paging off for this session alone; a setting of the device is never touched."""
_ESCAPE = re.compile(r"\\(?:\\|x([0-9a-f]{2}))")


def _reads(command: str) -> str:
    if not _READS.fullmatch(command) or "\n" in command:
        raise ValueError(f"{command!r} is not a command that only shows something")
    return command


def _prepares(command: str) -> str:
    if not _PREPARES.fullmatch(command):
        raise ValueError(f"{command!r} does not switch paging off for one session")
    return command


def _expression(pattern: str) -> str:
    try:
        re.compile(pattern.encode())
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return pattern


Command = Annotated[str, AfterValidator(_reads)]
Expression = Annotated[str, AfterValidator(_expression)]


class CliQuestion(Word):
    """What a device may ask after login, before its prompt, and the harmless answer: keep the password, go on."""

    asks: Expression
    answer: Literal["", "n", "N", "a"]


class CliProfile(Word):
    """How to read one family's command line, and all that may ever be sent to it."""

    dialect: Identifier
    """Whose words it speaks; a collector knows a dialect, not a model."""
    prompt: Expression
    """Matches the whole last line when the device waits for a command."""
    pager: Expression | None = None
    """Matches the end of the last line when the device waits for a key; the answer is a space."""
    prepare: tuple[Annotated[str, AfterValidator(_prepares)], ...] = ()
    commands: tuple[Command, ...] = Field(min_length=1)
    """Exact commands. Nothing else is sent."""
    questions: tuple[CliQuestion, ...] = ()
    leave: Literal["quit", "exit"] = "exit"


class CliCommand(Word):
    """Send one command and wait for the prompt."""

    op: Literal["cli.command"] = "cli.command"
    command: Command
    seconds: int = Field(default=30, ge=1, le=600)
    """How long the device may take for it."""


class CliOutput(Word):
    """What the device sent from the command's echo to just before the next prompt."""

    op: Literal["cli.output"] = "cli.output"
    output: str
    """`escaped` bytes."""
    elapsed_ms: int = Field(ge=0)
    """From sending the command to the prompt."""

    @model_validator(mode="after")
    def _one_spelling(self) -> Self:
        try:
            spelled = escaped(received(self.output))
        except MalformedError as error:
            raise ValueError(str(error)) from error
        if spelled != self.output:
            raise ValueError("output has another spelling than the one that its bytes have")
        return self


def escaped(data: bytes) -> str:
    r"""Return bytes as text that gives them back: UTF-8 as it is, other octets as ``\xNN``, a backslash doubled."""
    return data.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def received(text: str) -> bytes:
    r"""Return the bytes of `escaped` text.

    Raises:
        MalformedError: a backslash stands before something else than a backslash or ``xNN``.
    """
    if _ESCAPE.sub("", text).find("\\") >= 0:
        raise MalformedError("an escape in this output is neither \\\\ nor \\xNN")
    parts, end = [], 0
    for match in _ESCAPE.finditer(text):
        parts += [text[end : match.start()].encode(), bytes.fromhex(match[1]) if match[1] else b"\\"]
        end = match.end()
    return b"".join([*parts, text[end:].encode()])


_CONTROL = re.compile(
    rb"\x1b\[([0-9;?]*)([A-Za-z])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b[=>78cDEHM]|([\x00-\x1f\x7f])"
)
WIDEST = 4096
"""Octets of a line beyond which the cursor does not go: an escape may name any column."""


def screen_lines(data: bytes) -> list[bytes]:
    """Return the lines as a terminal would show them: overwritten, wiped and coloured text resolved, ends stripped.

    A pager's mark vanishes where the device wipes it, whether by backspaces (Cisco), by moving the cursor (Huawei, H3C)
    or by a carriage return (Fortinet).
    """
    return [_line(line) for line in data.replace(b"\r\n", b"\n").split(b"\n")]


def _line(raw: bytes) -> bytes:
    """Run one line's cursor movements (ECMA-48 CUB, CUF, CHA, EL; BS and CR of ASCII)."""
    shown, at, end = bytearray(), 0, 0
    for match in _CONTROL.finditer(raw):
        at = _write(shown, at, raw[end : match.start()])
        at = _move(shown, at, match)
        end = match.end()
    _write(shown, at, raw[end:])
    return bytes(shown).rstrip()


def _write(shown: bytearray, at: int, text: bytes) -> int:
    if text:
        shown.extend(b" " * (at - len(shown)))
        shown[at : at + len(text)] = text
    return at + len(text)


def _move(shown: bytearray, at: int, match: re.Match[bytes]) -> int:
    """Return where the cursor is after one control character or sequence; what has no meaning here moves nothing."""
    if match[3] == b"\t":
        return _write(shown, at, b"\t")
    if match[3] is not None:
        return {b"\b": max(0, at - 1), b"\r": 0}.get(match[3], at)
    first = (match[1] or b"").split(b";")[0]
    count = min(int(first), WIDEST) if first.isdigit() and len(first) < 6 else 0
    if match[2] == b"K":
        _wipe(shown, at, count)
    step = count or 1
    return {b"D": max(0, at - step), b"C": min(WIDEST, at + step), b"G": step - 1}.get(match[2], at)


def _wipe(shown: bytearray, at: int, how: int) -> None:
    if how in (0, 2):
        del shown[at:]
    if how in (1, 2):
        shown[:at] = b" " * min(at, len(shown))
