"""The last look at what leaves for a device: only what the family's profile holds, octet for octet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.model.cli import CliProfile

__all__ = ["ForbiddenError", "Guard"]

LINE_END = b"\n"
NEXT_PAGE = b" "


class ForbiddenError(Exception):
    """Something wanted to send what the profile does not allow; nothing was sent."""


class Guard:
    """Knows everything that may be sent: whole lines of the profile, a bare line end, the pager's space."""

    def __init__(self, profile: CliProfile) -> None:
        lines = (*profile.commands, *profile.prepare, profile.leave)
        answers = (question.answer for question in profile.questions)
        self._allowed = frozenset(
            {LINE_END, NEXT_PAGE, *(line.encode() + LINE_END for line in (*lines, *answers))},
        )

    def admit(self, data: bytes) -> bytes:
        """Return the octets if they may be sent, as one write.

        Raises:
            ForbiddenError: they may not.
        """
        if data not in self._allowed:
            raise ForbiddenError("this is no command of the family's list")
        return data
