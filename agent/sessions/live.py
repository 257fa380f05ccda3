"""The live session: ask a transport, redact, record durably, and only then tell the collector."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent.clock import Clock, time_text
from agent.errors import GapError, MalformedError
from agent.language import N_
from agent.model.exchange import (
    Answer,
    Bounded,
    Exchange,
    Gap,
    GapReason,
    Request,
    Response,
    Transport,
    Unasked,
    VarBinds,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.sessions.redact import Redactor

__all__ = ["LiveSession"]

_REACH = N_("Check that it is switched on, its address and port in the campus file, and the firewalls in between")

_MANY = 5_000
"""Variable bindings whose redaction takes so long (0.1 s) that other conversations must go on beside it."""

_LEEWAY = 0.5
"""Seconds, a tenth at most, by which a transport that can give a partial answer ends before the deadline."""


class LiveSession:
    """One asset's conversation, one request at a time, within a total deadline.

    Args:
        transport: carries requests to the asset.
        redactor: removes secrets and personal data.
        record: takes each exchange; it must be durable when it returns.
        clock: wall and monotonic time.
        deadline_seconds: total time for the conversation; later requests end as gaps.
        full: tells that the record can take no more; later requests end as gaps.
        told: takes each gap after it is recorded, to be shown to people in their language; a request that was not
            asked is no gap of the device's, and whoever did not ask says why.
    """

    def __init__(
        self,
        transport: Transport,
        redactor: Redactor,
        record: Callable[[Exchange], None],
        clock: Clock,
        deadline_seconds: float,
        full: Callable[[], bool] | None = None,
        told: Callable[[GapError], object] | None = None,
    ) -> None:
        self._transport = transport
        self._redactor = redactor
        self._record = record
        self._clock = clock
        self._until_ns = clock.monotonic_ns() + int(deadline_seconds * 1e9)
        self._deadline_seconds = deadline_seconds
        self._full = full
        self._told = told
        self._n = 0

    async def ask(self, request: Request) -> Answer:
        """Ask, record, return; a gap is recorded before it is raised."""
        try:
            response = await self._exchange(request)
            shown, redactions = await self._redacted(request, response)
        except GapError as error:
            shown_gap = self._redactor.gap(error)
            kept = self._keep(request, gap=Gap(reason=GapReason(shown_gap.reason), detail=str(shown_gap)))
            shown_gap.source, shown_gap.at = kept.digest(), kept.at
            if self._told is not None and not isinstance(request, Unasked):
                self._told(shown_gap)
            raise shown_gap from None  # the words of the first one may hold a secret
        kept = self._keep(request, response=shown, redactions=redactions)
        return Answer(response=shown, at=kept.at, source=kept.digest())

    async def _exchange(self, request: Request) -> Response:
        if isinstance(request, Unasked):
            raise GapError(request.reason, "{why}", why=request.why)
        if self._full is not None and self._full():
            raise GapError(
                GapReason.DEADLINE,
                "the record of this conversation is as large as one file of evidence may be",
                todo="Let less be asked at once: fewer days (search_days) or topics; what was taken is kept",
            )
        left = (self._until_ns - self._clock.monotonic_ns()) / 1e9
        if left <= 0:  # a transport that is started would send its first packet before a timeout of 0 ends it
            raise self._too_late()
        if isinstance(self._transport, Bounded):
            self._transport.within(left - min(_LEEWAY, left / 10))
        limit = asyncio.timeout(left)
        try:
            async with limit:
                return await self._transport.exchange(request)
        except MalformedError as error:
            raise _malformed(error) from error
        except TimeoutError as error:
            if limit.expired():
                raise self._too_late() from error
            raise GapError(GapReason.UNREACHABLE, "the device did not answer in time", todo=_REACH) from error
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise GapError(
                GapReason.UNREACHABLE, "the device cannot be reached: {why}", todo=_REACH, why=why
            ) from error

    async def _redacted(self, request: Request, response: Response) -> tuple[Response, dict[str, int]]:
        """Redact, or say that nothing could be: what does not decode cannot be redacted, so it is not kept."""
        try:
            if isinstance(response, VarBinds) and len(response.varbinds) > _MANY:
                return await asyncio.to_thread(self._redactor.redact, request, response)
            return self._redactor.redact(request, response)
        except MalformedError as error:
            raise _malformed(error) from error

    def _too_late(self) -> GapError:
        return GapError(
            GapReason.DEADLINE,
            "the conversation took longer than its {seconds} s",
            todo="Raise deadline_seconds of this collector in the campus file, or find out why the device is slow",
            seconds=f"{self._deadline_seconds:g}",
        )

    def _keep(
        self,
        request: Request,
        *,
        response: Response | None = None,
        gap: Gap | None = None,
        redactions: dict[str, int] | None = None,
    ) -> Exchange:
        exchange = Exchange(
            n=self._n,
            at=time_text(self._clock.now()),
            monotonic_ns=str(self._clock.monotonic_ns()),
            request=request,
            response=response,
            gap=gap,
            redactions={rule: count for rule, count in (redactions or {}).items() if count},
        )
        self._record(exchange)
        self._n += 1
        return exchange


def _malformed(error: MalformedError) -> GapError:
    return GapError(
        GapReason.MALFORMED,
        "the device answered with something that does not decode: {why}",
        todo=N_("Keep the conversation with campus-agent read --record, and report it with that file"),
        why=error,
    )
