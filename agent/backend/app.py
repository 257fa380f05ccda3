"""The backend's HTTP interface: routes, limits, media types, and nothing that decides.

    PUT, HEAD, GET  /v1/blobs/sha256:<hex>                  raw files, at most 4 MiB
    POST            /v1/have                                {"digests": [...]} -> {"missing": [...]}
    PUT, HEAD, GET  /v1/statements/sha256:<hex of payload>  DSSE envelopes, at most 1 MiB -> tlog-proof
    GET, HEAD       /v1/statements/sha256:<hex>/receipt     the tlog-proof again
    GET             /v1/challenges?keyid=<hex>              a signed nonce
    GET, HEAD       /v1/log/checkpoint                      the newest signed head
    GET, HEAD       /v1/trust                               the keys that receipts and challenges are checked with
    GET             /v1/regions/<region>/<standard>         a region judged over its schools; takes the read token
    GET             /v1/regions/<region>/<standard>/sheet   all schools of a region under one standard

201: made durable now; 200: was durable before, with the same receipt; never 202. What is refused is an RFC 9457
problem.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from email.utils import format_datetime
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from agent import canonical
from agent.backend import challenges, receive
from agent.backend.backend import Backend
from agent.backend.problems import ProblemError, respond
from agent.backend.region_routes import RegionInterface
from agent.errors import MalformedError
from agent.model.upload import (
    BLOB_MEDIA_TYPE,
    ENVELOPE_MEDIA_TYPE,
    MAX_STATEMENT_BYTES,
    RECEIPT_MEDIA_TYPE,
    ProblemType,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from agent.backend.backend import Settings
    from agent.clock import Clock

    Handler = Callable[[Request], Awaitable[Response]]

__all__ = ["create_app"]

MAX_LIST_BYTES = 1024 * 1024
"""Of the body of `have`: about 13,000 digests."""
_IMMUTABLE = {"cache-control": "public, max-age=31536000, immutable"}


def create_app(settings: Settings, clock: Clock) -> Starlette:
    """Open the backend and return its ASGI application, which closes it when it shuts down.

    Args:
        settings: where it keeps its things, and its limits.
        clock: the time that goes into receipts, challenges and `Date`.

    Raises:
        ConfigError: the directory is unusable, taken, or holds another log.
        KeyFileError: a key file is damaged or open to others.
        ProblemError: the database cannot be opened.
    """
    backend = Backend.open(settings, clock)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            backend.close()

    api, regions = _Interface(backend), RegionInterface(backend.store)
    app = Starlette(
        routes=[
            Route("/v1/blobs/{digest}", _Resource(GET=api.get_blob, HEAD=api.head_blob, PUT=api.put_blob)),
            Route("/v1/have", _Resource(POST=api.have)),
            Route(
                "/v1/statements/{digest}",
                _Resource(GET=api.get_statement, HEAD=api.get_statement, PUT=api.put_statement),
            ),
            Route("/v1/statements/{digest}/receipt", _Resource(GET=api.get_receipt, HEAD=api.get_receipt)),
            Route("/v1/challenges", _Resource(GET=api.get_challenge)),
            Route("/v1/log/checkpoint", _Resource(GET=api.get_checkpoint, HEAD=api.get_checkpoint)),
            Route("/v1/trust", _Resource(GET=api.get_trust, HEAD=api.get_trust)),
            Route("/v1/regions/{region}/{standard}", _Resource(GET=regions.get_result)),
            Route("/v1/regions/{region}/{standard}/sheet", _Resource(GET=regions.get_sheet)),
        ],
        exception_handlers={
            ProblemError: _problem,
            HTTPException: _http_exception,
            ClientDisconnect: _disconnected,
            Exception: _crash,
        },
        lifespan=lifespan,
    )
    app.add_middleware(_Stamp, clock=clock)
    app.state.backend = backend
    return app


class _Interface:
    """The handlers, one per method and resource."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._seconds = backend.settings.body_seconds

    async def put_blob(self, request: Request) -> Response:
        digest = _digest(request)
        _require_type(request, BLOB_MEDIA_TYPE)
        writer = await run_in_threadpool(self._backend.store.blobs.writer, digest)
        with writer:
            async with _deadline(self._seconds):
                async for chunk in request.stream():
                    await run_in_threadpool(writer.write, chunk)
            created = await run_in_threadpool(writer.commit)
        return Response(status_code=201 if created else 200)

    async def head_blob(self, request: Request) -> Response:
        size = await run_in_threadpool(self._backend.store.blobs.size, _digest(request))
        if size is None:
            raise _nothing()
        return Response(headers={**_IMMUTABLE, "content-length": str(size)}, media_type=BLOB_MEDIA_TYPE)

    async def get_blob(self, request: Request) -> Response:
        data = await run_in_threadpool(self._backend.store.blobs.read, _digest(request))
        if data is None:
            raise _nothing()
        return Response(data, headers=_IMMUTABLE, media_type=BLOB_MEDIA_TYPE)

    async def have(self, request: Request) -> Response:
        _require_type(request, "application/json")
        digests = _digest_list(await _body(request, MAX_LIST_BYTES, self._seconds))
        missing = await run_in_threadpool(receive.missing_blobs, self._backend.store, digests)
        return _json({"missing": missing})

    async def put_statement(self, request: Request) -> Response:
        digest = _digest(request)
        _require_type(request, ENVELOPE_MEDIA_TYPE)
        body = await _body(request, MAX_STATEMENT_BYTES, self._seconds)
        received = await run_in_threadpool(receive.receive, self._backend.store, self._backend.log, digest, body)
        return Response(received.receipt, 201 if received.created else 200, media_type=RECEIPT_MEDIA_TYPE)

    async def get_statement(self, request: Request) -> Response:
        envelope = await run_in_threadpool(receive.envelope_of, self._backend.store, _digest(request))
        if envelope is None:
            raise _nothing()
        return Response(envelope, headers=_IMMUTABLE, media_type=ENVELOPE_MEDIA_TYPE)

    async def get_receipt(self, request: Request) -> Response:
        receipt = await run_in_threadpool(receive.receipt_of, self._backend.store, _digest(request))
        if receipt is None:
            raise _nothing()
        return Response(receipt, media_type=RECEIPT_MEDIA_TYPE)

    async def get_challenge(self, request: Request) -> Response:
        keyid = request.query_params.get("keyid", "")
        if not canonical.is_digest(f"sha256:{keyid}"):
            raise ProblemError(ProblemType.BAD_REQUEST, "the query needs keyid=<64 lowercase hex digits>")
        backend = self._backend
        envelope = await run_in_threadpool(challenges.issue, backend.store, backend.challenge_signer, keyid)
        return Response(envelope, headers={"cache-control": "no-store"}, media_type=ENVELOPE_MEDIA_TYPE)

    async def get_checkpoint(self, _: Request) -> Response:
        text = await run_in_threadpool(self._backend.checkpoint)
        return Response(text, headers={"cache-control": "no-store"}, media_type=RECEIPT_MEDIA_TYPE)

    async def get_trust(self, _: Request) -> Response:
        return _json(self._backend.trust())


class _Resource:
    """One path: its handlers by method, and 405 with all of them for any other."""

    def __init__(self, **handlers: Handler) -> None:
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        handler = self._handlers.get(request.method)
        if handler is None:
            problem = ProblemError(ProblemType.METHOD_NOT_ALLOWED, "this resource takes {methods}",
                                   methods=", ".join(sorted(self._handlers)))  # fmt: skip
            response = respond(problem, {"allow": ", ".join(sorted(self._handlers))})
        else:
            response = await handler(request)
        await response(scope, receive, send)


class _Stamp:
    """Put the backend's own time into `Date` (the agent records its difference), and forbid guessing of types."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(self._clock.now(), usegmt=True)
                message["headers"] = [
                    *message.get("headers", []),
                    (b"date", date.encode("ascii")),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        await self._app(scope, receive, stamped)


async def _body(request: Request, limit: int, seconds: float) -> bytes:
    """Read the body, never more than the limit.

    Raises:
        ProblemError: too large, or too slow.
    """
    body = bytearray()
    async with _deadline(seconds):
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise ProblemError(
                    ProblemType.TOO_LARGE, "at most {limit} bytes are taken here", extra={"limit": limit}, limit=limit
                )
    return bytes(body)


@asynccontextmanager
async def _deadline(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise ProblemError(ProblemType.TIMEOUT, "the body did not arrive in {seconds} s", seconds=seconds) from error


def _digest(request: Request) -> str:
    digest: str = request.path_params["digest"]
    if not canonical.is_digest(digest):
        raise ProblemError(ProblemType.BAD_REQUEST, "the name has to be sha256:<64 lowercase hex digits>")
    return digest


def _require_type(request: Request, expected: str) -> None:
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if found != expected or encoding != "identity":
        raise ProblemError(
            ProblemType.UNSUPPORTED_MEDIA_TYPE, "send {expected}, without content encoding", expected=expected
        )


def _digest_list(body: bytes) -> list[str]:
    try:
        value = canonical.loads(body)
    except MalformedError as error:
        raise ProblemError(ProblemType.BAD_REQUEST, "{why}", why=error.render()) from error
    digests = value.get("digests") if isinstance(value, dict) else None
    if not isinstance(digests, list) or not all(isinstance(one, str) and canonical.is_digest(one) for one in digests):
        raise ProblemError(ProblemType.BAD_REQUEST, 'send {{"digests": ["sha256:<hex>", ...]}}')
    return list(dict.fromkeys(digests))


def _nothing() -> ProblemError:
    return ProblemError(ProblemType.NOT_FOUND, "there is nothing of this name here")


def _json(value: canonical.Json) -> Response:
    return Response(canonical.dumps(value), headers={"cache-control": "no-store"}, media_type="application/json")


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return respond(error)


async def _http_exception(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return respond(ProblemError(ProblemType.NOT_FOUND, "this interface has no such resource"))
    return respond(ProblemError(ProblemType.BAD_REQUEST, "{why}", why=error.detail))


async def _disconnected(_: Request, __: Exception) -> Response:
    # Nobody is left to read this; the sender will repeat.
    return respond(ProblemError(ProblemType.BAD_REQUEST, "the sender closed the connection in the middle"))


async def _crash(_: Request, __: Exception) -> Response:
    return respond(ProblemError(ProblemType.INTERNAL, "this is a defect of the backend; its log says more"))
