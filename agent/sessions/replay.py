"""The replay session: answers from a record, and refuses whatever is not next in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import GapError, ReplayError
from agent.model.exchange import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.sessions.segment import Recorded

__all__ = ["ReplaySession"]


class ReplaySession:
    """Answers one asset's recorded conversation in order."""

    def __init__(self, exchanges: Sequence[Recorded], *, where: str = "record") -> None:
        self._exchanges = exchanges
        self._where = where
        self._next = 0

    async def ask(self, request: Request) -> Answer:
        """Return the recorded answer, or raise the recorded gap.

        Raises:
            ReplayError: the request is not the next one of the record.
            GapError: the record holds a gap here.
        """
        if self._next >= len(self._exchanges):
            raise ReplayError(
                "the record has {count} exchanges, but one more is asked for: {op}",
                where=self._where,
                count=len(self._exchanges),
                op=request.op,
            )
        recorded = self._exchanges[self._next]
        exchange = recorded.exchange
        if exchange.request != request:
            raise ReplayError(
                "exchange {n} of the record answers another request ({recorded}) than the one asked now ({asked})",
                where=self._where,
                todo="Replay with the version of the program that made the record",
                n=self._next,
                recorded=exchange.request.op,
                asked=request.op,
            )
        self._next += 1
        if exchange.gap is not None:
            error = GapError(exchange.gap.reason, "{detail}", detail=exchange.gap.detail)
            error.source, error.at = recorded.source, exchange.at
            raise error
        assert exchange.response is not None  # parse_segment admits nothing else
        return Answer(response=exchange.response, at=exchange.at, source=recorded.source)

    def finish(self) -> None:
        """Check that nothing is left over.

        Raises:
            ReplayError: the record holds exchanges that were not asked for.
        """
        left = len(self._exchanges) - self._next
        if left:
            raise ReplayError("{left} recorded exchanges were not asked for", where=self._where, left=left)
