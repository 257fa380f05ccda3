"""Peers of recorder tests: a lab recorder asked without a socket, and what its brand's module makes of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest

from agent.canonical import digest
from agent.clock import time_text
from agent.lab.recorders.server import Asked
from agent.model.asset import Asset
from agent.model.campus import Campus, School
from agent.model.cli import escaped
from agent.model.exchange import Answer, HttpReply, HttpRequest

if TYPE_CHECKING:
    from agent.collectors.recorders.interface import Brand, Channel, Recorder
    from agent.lab.recorders.server import Device
    from agent.model.exchange import Request

REPLIES = Path(__file__).parents[4] / "shared" / "fixtures" / "recorders"
NOW = 1_795_309_323_000
"""2026-11-22T01:02:03Z, 09:02:03 in the school."""
HOUR = 3_600_000
DAY = 24 * HOUR
ASSET = Asset(id="nvr1", family="lab", address="192.0.2.9")
CAMPUS = Campus(version="1", school=School(id="s", name="s"), assets=(ASSET,))


class Direct:
    """A session that hands requests to a lab device as they are, and keeps what was asked."""

    def __init__(self, device: Device, now: int = NOW) -> None:
        self.device = device
        self.now = now
        self.asked: list[HttpRequest] = []

    async def ask(self, request: Request) -> Answer:
        assert isinstance(request, HttpRequest)
        self.asked.append(request)
        parts = urlsplit(request.path)
        headers = {name.lower(): value for name, value in request.headers.items()}
        headers["x-login"] = request.login or ""
        said = self.device.answer(
            Asked(
                request.method, request.path, parts.path, dict(parse_qsl(parts.query)), request.body.encode(), headers
            )
        )
        body = said.body[: request.max_octets]
        reply = HttpReply(
            status=said.status,
            media=said.media,
            body=escaped(body),
            truncated=len(said.body) > len(body),
            elapsed_ms=0,
        )
        at = time_text(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=self.now))
        return Answer(reply, at, digest(str(len(self.asked)).encode()))


def told(brand: Brand, device: Device, campus: Campus = CAMPUS) -> Recorder:
    """Return what the brand's module finds out about the device."""
    return asyncio.run(brand(ASSET, campus, Direct(device)))


def channel(recorder: Recorder, name: str) -> Channel:
    """Return a channel by its id."""
    return next(one for one in recorder.channels if one.id == name)


def hours(*stretches: tuple[float, float]) -> tuple[tuple[int, int], ...]:
    """Return stretches given in hours before now."""
    return tuple((NOW - int(since * HOUR), NOW - int(until * HOUR)) for since, until in stretches)


def spans(one: Channel) -> list[tuple[int, int]] | None:
    """Return a channel's spans as pairs."""
    return [(span.since, span.until) for span in one.spans] if one.spans is not None else None


WEEKS = hours((24 * 30, 24 * 12), (24 * 11, 0))
"""Thirty days, of which one is missing."""


def fixture(name: str) -> bytes:
    """Return a reply of a real device, by brand and file."""
    path = REPLIES / name
    if not path.exists():
        pytest.skip("the shared recorder replies are not beside this checkout")
    return path.read_bytes()
