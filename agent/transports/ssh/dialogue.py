"""The dialogue with a command line: learn the prompt, switch paging off, send a command, turn pages, find its end.

The prompt is learnt: the last line that stays after login and comes again after an empty line. An output ends where
that very line stands last and nothing follows. Devices change their prompt in the middle of a session (a firewall pair
switches over); a line that has the family's form is then taken, but only after a longer silence.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Protocol

from agent.model.cli import screen_lines
from agent.model.exchange import GapReason
from agent.transports.ssh.guard import LINE_END, NEXT_PAGE

if TYPE_CHECKING:
    import threading

    from agent.errors import GapError
    from agent.model.cli import CliProfile
    from agent.transports.ssh.device import Device, SshLimits

__all__ = ["Dialogue", "Wire"]

TAIL = 4096
"""Octets at the end of what was received that are looked at: no prompt or pager is longer."""
LONG_SILENCE = 1.0
"""Seconds after which another prompt than the learnt one is believed."""
WAKE = 3.0
"""Seconds of silence after login, after which an empty line is sent: some consoles wait for a key."""
MOST_QUESTIONS = 5


class Wire(Protocol):
    """What carries octets."""

    def send(self, data: bytes) -> None:
        """Send."""
        ...

    def receive(self, seconds: float) -> bytes | None:
        """Return what came, empty at the end, None after silence."""
        ...


class Dialogue:
    """One session's talk.

    Args:
        wire: an opened shell.
        profile: the family's words.
        limits: bounds.
        device: for gaps.
        stop: set to end early.
    """

    def __init__(
        self, wire: Wire, profile: CliProfile, limits: SshLimits, device: Device, stop: threading.Event
    ) -> None:
        self._wire = wire
        self._profile = profile
        self._limits = limits
        self._device = device
        self._stop = stop
        self._form = re.compile(profile.prompt.encode())
        self._pager = re.compile(profile.pager.encode() + rb"\Z") if profile.pager else None
        self._prompt = b""
        self._seconds = 0.0

    def open(self) -> None:
        """Wait for the prompt, make sure of it, switch paging off.

        Raises:
            GapError: no prompt came in time, or the session ended.
        """
        self._seconds = self._limits.login_seconds
        until = time.monotonic() + self._seconds
        self._first_prompt(until)
        self._wire.send(LINE_END)
        self._read("login", until)
        for line in self._profile.prepare:
            self._wire.send(line.encode() + LINE_END)
            self._read("paging", until)

    def run(self, command: str, seconds: float) -> tuple[bytes, int]:
        """Send one command and return what came before the next prompt, and the milliseconds it took.

        Raises:
            GapError: no prompt came in time, too much came, or the session ended.
        """
        self._seconds = seconds
        started = time.monotonic()
        self._wire.send(command.encode() + LINE_END)
        output = self._read("command", started + seconds)
        return output, int((time.monotonic() - started) * 1000)

    def leave(self) -> None:
        """Log out, and wait shortly for the end: a line that is only cut stays taken until the device notices."""
        self._wire.send(self._profile.leave.encode() + LINE_END)
        until = time.monotonic() + self._limits.close_seconds
        while time.monotonic() < until and self._wire.receive(self._limits.settle_seconds) != b"":
            pass

    # --- reading ---

    def _first_prompt(self, until: float) -> None:
        received, quiet, woken = bytearray(), 0.0, False
        pager = _Pager(self._pager)
        open_questions = [(re.compile(q.asks.encode() + rb"\s*\Z"), q.answer) for q in self._profile.questions]
        while True:
            data = self._receive("login", until)
            if data is not None:
                received += data
                quiet = 0.0
                self._must_fit(received, "login")
                self._turn(pager, received, "login")
                continue
            quiet += self._limits.settle_seconds
            line = _last_line(received)
            if self._form.fullmatch(line):
                self._prompt = line
                return
            asked = next((entry for entry in open_questions if entry[0].search(line)), None)
            if asked is not None:
                open_questions.remove(asked)
                self._wire.send(asked[1].encode() + LINE_END)
            elif quiet >= WAKE and not woken:
                woken = True
                self._wire.send(LINE_END)

    def _read(self, phase: str, until: float) -> bytes:
        """Return what comes before the next prompt."""
        received, quiet = bytearray(), 0.0
        pager = _Pager(self._pager)
        while True:
            data = self._receive(phase, until)
            if data is not None:
                received += data
                quiet = 0.0
                self._must_fit(received, phase)
                self._turn(pager, received, phase)
                continue
            quiet += self._limits.settle_seconds
            end = self._end(received, long=quiet >= LONG_SILENCE)
            if end is not None:
                return bytes(received[:end])

    def _end(self, received: bytearray, *, long: bool) -> int | None:
        """Return where the output ends if the last line is a prompt.

        Args:
            received: everything since the command was sent.
            long: nothing came for so long that another prompt, or one behind text without line end, is believed.
        """
        line = _last_line(received)
        if line == self._prompt:
            return _last_line_at(received)
        if not long:
            return None
        if line.endswith(self._prompt):
            return received.rfind(self._prompt, _last_line_at(received))
        if self._form.fullmatch(line):
            self._prompt = line
            return _last_line_at(received)
        return None

    def _turn(self, pager: _Pager, received: bytearray, phase: str) -> None:
        """Turn the page if the device waits for it."""
        if not pager.waits(received):
            return
        if pager.pages > self._limits.max_pages:
            raise self._device.gap(
                GapReason.MALFORMED,
                phase,
                "the output has more than {pages} pages",
                todo="Report which device this is; its pager is not understood",
                pages=self._limits.max_pages,
            )
        self._wire.send(NEXT_PAGE)

    def _receive(self, phase: str, until: float) -> bytes | None:
        if self._stop.is_set():
            raise self._device.stopped(phase)
        if time.monotonic() >= until:
            raise self._device.slow(phase, self._seconds)
        data = self._wire.receive(self._limits.settle_seconds)
        if data == b"":
            raise self._device.stopped(phase) if self._stop.is_set() else self._device.lost(phase)
        return data

    def _must_fit(self, received: bytearray, phase: str) -> None:
        if len(received) > self._limits.max_output_octets:
            raise self._too_much(phase)

    def _too_much(self, phase: str) -> GapError:
        return self._device.gap(
            GapReason.MALFORMED,
            phase,
            "the output is longer than {octets} octets",
            todo="Report which command of which device this is; no command of the list should say so much",
            octets=self._limits.max_output_octets,
        )


class _Pager:
    """Notices the pager's mark at the end of what was received, each mark once.

    A device wipes its mark after the key, and that may arrive in pieces: only what came since the last key counts.
    """

    def __init__(self, mark: re.Pattern[bytes] | None) -> None:
        self._mark = mark
        self._since = 0
        self.pages = 0

    def waits(self, received: bytearray) -> bool:
        if self._mark is None or not self._mark.search(_last_line(received[max(self._since, len(received) - TAIL) :])):
            return False
        self._since = len(received)
        self.pages += 1
        return True


def _last_line_at(received: bytearray) -> int:
    return received.rfind(b"\n") + 1


def _last_line(received: bytearray) -> bytes:
    """Return the last line as a terminal shows it."""
    return screen_lines(bytes(received[max(_last_line_at(received), len(received) - TAIL) :]))[-1].strip()
