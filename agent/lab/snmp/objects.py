"""`Objects`: the values of a device as they are now: counters that move, step, and start again after a reboot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent import ber
from agent.lab.snmp.synthetic import SYS_UP_TIME

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.lab.snmp.recording import Recording

__all__ = ["Objects"]

_MODULUS = {ber.COUNTER32: 1 << 32, ber.COUNTER64: 1 << 64, ber.GAUGE32: 1 << 32, ber.TIME_TICKS: 1 << 32}
_COUNTERS = frozenset({ber.COUNTER32, ber.COUNTER64})
_TICKS_A_SECOND = 100


class Objects:
    """A recording in time.

    Args:
        recording: what is served.
        monotonic: seconds of a clock that never steps.

    Attributes:
        still: nothing moves: `recording.varbinds` is the truth.
    """

    def __init__(self, recording: Recording, monotonic: Callable[[], float]) -> None:
        self.recording = recording
        self.still = not recording.rates
        self._monotonic = monotonic
        self._since = monotonic()
        self._restarted = False
        self._steps: dict[int, int] = {}
        self._up_time = recording.find(ber.oid_bytes(SYS_UP_TIME))

    def restart(self) -> None:
        """Start again: sysUpTime and counters at 0."""
        self._since = self._monotonic()
        self._restarted = True
        self._steps.clear()
        self.still = False

    def step(self, prefix: str, by: int) -> None:
        """Move the counters under an OID by so much."""
        for at in self.recording.under(prefix):
            if self.recording.tags[at] in _COUNTERS:
                self._steps[at] = self._steps.get(at, 0) + by
        self.still = False

    def varbind(self, at: int) -> bytes:
        """Return the encoded object at a position."""
        recording = self.recording
        tag = recording.tags[at]
        rate = recording.rates.get(at, 0)
        restarted = self._restarted and (tag in _COUNTERS or at == self._up_time)
        if not (rate or restarted or at in self._steps):
            return recording.varbinds[at]
        if restarted and at == self._up_time:
            rate = rate or _TICKS_A_SECOND
        start = 0 if restarted else ber.integer(tag, ber.decode_varbind(recording.varbinds[at]).value)
        value = start + int(rate * (self._monotonic() - self._since)) + self._steps.get(at, 0)
        modulus = _MODULUS.get(tag)
        encoded = ber.encode_integer(value % modulus if modulus else value, tag)
        return ber.encode_varbind(recording.oids[at], tag, encoded[2:])
