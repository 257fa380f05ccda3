"""The HTTP side of regions: who may read, which window, JSON or CSV.

A roll-up names schools and where they fall short, so it takes the region's read token. Without it the answer is the
same as for a region that does not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from agent import canonical
from agent.backend import regions
from agent.backend.problems import ProblemError
from agent.backend.region_tables import result_csv, sheet_csv
from agent.clock import parse_time
from agent.errors import MalformedError, UsageError
from agent.model.upload import ProblemType

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request

    from agent.backend.store import Store

__all__ = ["RegionInterface"]

_HEADERS = {"cache-control": "no-store"}


class RegionInterface:
    """The handlers, one per resource."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get_result(self, request: Request) -> Response:
        """Answer with a region judged by a pack about regions."""
        return await run_in_threadpool(self._answer, request, sheet=False)

    async def get_sheet(self, request: Request) -> Response:
        """Answer with the sheet of a region's schools under a standard."""
        return await run_in_threadpool(self._answer, request, sheet=True)

    def _answer(self, request: Request, *, sheet: bool) -> Response:
        since, until = _time(request, "since"), _time(request, "until")
        form = request.query_params.get("format", "json")
        if form not in {"json", "csv"}:
            raise ProblemError(ProblemType.BAD_REQUEST, "format is json or csv")
        stored = self._stored(request)
        standard = request.path_params["standard"]
        try:
            if sheet:
                rows = regions.region_sheet(self._store, stored, standard, since, until)
                return _table(sheet_csv(rows)) if form == "csv" else _json(rows.to_json())
            result = regions.region_result(self._store, stored, standard, since, until)
        except UsageError as error:
            raise ProblemError(ProblemType.BAD_REQUEST, "{why}", why=error.render()) from error
        if form == "csv":
            return _table(result_csv(result, stored.region, request.query_params.get("lang", "zh_CN")))
        return _json(result.to_json())

    def _stored(self, request: Request) -> regions.StoredRegion:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        nothing = ProblemError(ProblemType.NOT_FOUND, "there is no region of this name that this token may read")
        try:
            stored = regions.read_region(self._store, request.path_params["region"])
        except UsageError as error:
            raise nothing from error
        if scheme.lower() != "bearer" or not regions.may_read(stored, token.strip()):
            raise nothing
        return stored


def _time(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name, "")
    try:
        return parse_time(text) if text else None
    except MalformedError as error:
        raise ProblemError(
            ProblemType.BAD_REQUEST, "{name} is no time: {why}", name=name, why=error.render()
        ) from error


def _json(value: canonical.Json) -> Response:
    return Response(canonical.dumps(value), headers=_HEADERS, media_type="application/json")


def _table(data: bytes) -> Response:
    return Response(data, headers=_HEADERS, media_type="text/csv; charset=utf-8")
