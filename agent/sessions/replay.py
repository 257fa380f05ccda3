"""The replay session: answers from a record, and refuses whatever is not next in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import GapError, MalformedError, ReplayError
from agent.model.exchange import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.sessions.segment import Recorded

__all__ = ["ReplaySession"]


class ReplaySession:
    """Answers one asset's recorded conversation in order.

    Args:
        exchanges: the record; taken one by one, so that it need not be in memory.
        where: what errors name.
    """

    def __init__(self, exchanges: Iterable[Recorded], *, where: str = "record") -> None:
        self._exchanges = iter(exchanges)
        self._where = where
        self._asked = 0

    async def ask(self, request: Request) -> Answer:
        """Return the recorded answer, or raise the recorded gap.

        Raises:
            ReplayError: the request is not the next one of the record, or the record cannot be read on.
            GapError: the record holds a gap here.
        """
        recorded = self._next()
        if recorded is None:
            raise ReplayError(
                "the record has {count} exchanges, but one more is asked for: {op}",
                where=self._where,
                count=self._asked,
                op=request.op,
            )
        exchange = recorded.exchange
        if exchange.request != request:
            raise ReplayError(
                "exchange {n} of the record answers another request ({recorded}) than the one asked now ({asked})",
                where=self._where,
                todo="Replay with the version of the program that made the record",
                n=self._asked,
                recorded=exchange.request.op,
                asked=request.op,
            )
        self._asked += 1
        if exchange.gap is not None:
            error = GapError(exchange.gap.reason, "{detail}", detail=exchange.gap.detail)
            error.source, error.at = recorded.source, exchange.at
            raise error
        assert exchange.response is not None  # a segment is read with nothing else
        return Answer(response=exchange.response, at=exchange.at, source=recorded.source)

    def finish(self) -> None:
        """Check that nothing is left over.

        Raises:
            ReplayError: the record holds exchanges that were not asked for.
            MalformedError: what is left of the record is not as it must be.
        """
        left = sum(1 for _ in self._exchanges)
        if left:
            raise ReplayError("{left} recorded exchanges were not asked for", where=self._where, left=left)

    def _next(self) -> Recorded | None:
        """Return the next exchange, None at the end. A fault of the record must not look like one of the device's."""
        try:
            return next(self._exchanges, None)
        except MalformedError as error:
            raise ReplayError(error.what, where=error.where, todo=error.todo, **error.values) from error
