"""`Limits` that an operator sets, and `Pace`: how much one device stands in one request, learned and remembered."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits", "Pace"]

_OCTETS = 1_300
"""Octets of variable bindings wanted in one answer: with every header it fits an Ethernet frame unfragmented."""
_RECOVERY = 20
"""Good answers after which a lowered ceiling rises by one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one conversation with one device."""

    timeout_ms: int = 1_000
    """Wait for each packet."""
    retries: int = 2
    """Further tries of an unanswered packet."""
    deadline_ms: int = 120_000
    """Total time of one exchange (a GET or a whole table)."""
    max_requests: int = 10_000
    """Packets asked in one exchange."""
    max_octets: int = 32 * 2**20
    """Octets of the answers of one walk: values may have 64 KB each, and what is read is held until it is recorded."""
    columns: int = 5
    """Columns walked side by side in one GETBULK."""
    varbinds: int = 100
    """Columns x repetitions of one GETBULK."""
    get_oids: int = 40
    """OIDs of one GET."""


class Pace:
    """Max-repetitions of one device: from 10 up to 50 on good answers, halved on timeout or tooBig.

    A halving also lowers the ceiling, which recovers slowly, so that a device that fails at 40 is not driven into
    the same failure at every walk. `octets` follows the size of its variable bindings, so that an answer stays
    within one frame.
    """

    def __init__(self, limits: Limits) -> None:
        self.repetitions = 10
        self.ceiling = 50
        self.columns = limits.columns
        self._varbinds = limits.varbinds
        self._octets = 25
        self._good = 0

    def of(self, columns: int) -> int:
        """Return the max-repetitions for a request of so many columns."""
        fitting = _OCTETS // (columns * self._octets)
        return max(1, min(self.repetitions, self._varbinds // columns, fitting))

    def good(self, asked: int, varbinds: int, octets: int) -> None:
        """Learn from a full answer."""
        self._octets = max(1, octets // varbinds)
        self._good += 1
        if self._good >= _RECOVERY:
            self._good = 0
            self.ceiling = min(50, self.ceiling + 1)
        if asked >= self.repetitions // 2:
            self.repetitions = min(self.ceiling, self.repetitions * 2)

    def bad(self, asked: int) -> None:
        """Learn from a timeout or tooBig at so many repetitions."""
        self._good = 0
        self.repetitions = self.ceiling = max(1, min(asked, self.repetitions) // 2)

    def narrow(self, asked: int) -> None:
        """Learn that so many columns were too many, with one repetition each."""
        self.columns = max(1, asked // 2)
