"""Talking to the backend: one method per resource. Nothing it says counts before it was checked.

A statement counts as delivered only with a receipt for exactly its payload, by the log key that was pinned at
enrolment; a challenge only with the signature of the pinned challenge key. Who checks them is given, because evidence
is a sibling of this package.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import httpx

from agent import __version__, canonical
from agent.clock import parse_time
from agent.errors import AgentError, ConfigError, MalformedError
from agent.language import N_
from agent.model.upload import BLOB_MEDIA_TYPE, ENVELOPE_MEDIA_TYPE
from agent.uplink.answers import Action, LaterError, RefusedError, read_problem
from agent.uplink.backoff import http_date, retry_after

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from types import TracebackType

    from agent.clock import Clock
    from agent.model.evidence import Challenge, Leaf

    ReceiptCheck = Callable[[bytes, str], Leaf]
    """Takes a tlog-proof and the payload digest; returns the leaf or raises an AgentError."""
    ChallengeCheck = Callable[[bytes], Challenge]
    """Takes an envelope; returns the challenge or raises an AgentError."""

__all__ = ["BackendClient", "FetchedChallenge", "Limits"]

MAX_ANSWER_BYTES = 2 * 1024 * 1024
"""The longest honest answer is a list of missing digests, about 1 MiB."""
_TOO_LATE = N_(
    "Nothing is lost: a running service sends it again by itself. If this stays, check the backend's URL and the way"
    " to it"
)
_AT_ONCE = N_("Check the backend's URL and the way to it, then run the command again")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one request may take, in seconds."""

    connect: float = 10
    silence: float = 30
    """Without a byte moving."""
    total: float = 120
    """For a blob of 4 MiB on a line of 0.3 Mbit/s."""


@dataclass(frozen=True, slots=True)
class FetchedChallenge:
    """A challenge that holds, and the envelope that goes into the evidence."""

    challenge: Challenge
    envelope: bytes


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content_type: str
    body: bytes
    retry_after: float | None


class BackendClient:
    """A connection to one backend. Use as an async context manager.

    Args:
        url: base URL, ``https://host[:port][/path]``.
        check_receipt: verifies a receipt with the pinned log key.
        open_challenge: verifies a challenge with the pinned challenge key.
        clock: the time that the backend's `Date` is compared with.
        tls: another trust than the system's, e.g. a private CA.
        proxy: URL of the HTTP proxy; the environment is not looked at.
        limits: see `Limits`.

    Raises:
        ConfigError: the URL is none, or carries a password.

    Attributes:
        clock_offset_ms: the backend's `Date` minus our clock at the last answer, in ms (resolution one second); None
            before the first. A fact to record, never used to correct evidence.
    """

    def __init__(
        self,
        url: str,
        *,
        check_receipt: ReceiptCheck,
        open_challenge: ChallengeCheck,
        clock: Clock,
        tls: ssl.SSLContext | None = None,
        proxy: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._base = _base(url)
        self._check_receipt = check_receipt
        self._open_challenge = open_challenge
        self._clock = clock
        self._limits = limits or Limits()
        self._last_nonce = ""
        self.clock_offset_ms: int | None = None
        self._http = httpx.AsyncClient(
            verify=True if tls is None else tls,
            proxy=proxy,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(self._limits.silence, connect=self._limits.connect),
            # One connection: entries go one at a time, and a backend of a thousand schools is spared.
            limits=httpx.Limits(max_connections=2, max_keepalive_connections=1, keepalive_expiry=20),
            headers={"user-agent": f"campus-agent/{__version__}", "accept-encoding": "identity"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def missing(self, digests: Sequence[str]) -> list[str]:
        """Return which of the blobs the backend does not have.

        Raises:
            UplinkError: not reached, or no usable answer.
        """
        body = canonical.dumps({"digests": list(digests)})
        answer = await self._request("POST", "/v1/have", body, "application/json")
        try:
            found = canonical.loads(answer.body)["missing"] if answer.status == 200 else None
        except (MalformedError, KeyError, TypeError):
            found = None
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise self._no_answer("/v1/have", answer, "the backend gave no list of missing files (status {status})")
        asked = set(digests)
        return [digest for digest in found if digest in asked]

    async def put_blob(self, digest: str, data: bytes) -> None:
        """Make a blob durable at the backend.

        Raises:
            UplinkError: it is not known to be.
        """
        path = f"/v1/blobs/{digest}"
        answer = await self._request("PUT", path, data, BLOB_MEDIA_TYPE)
        if answer.status not in (200, 201):
            raise self._no_answer(path, answer, "the backend did not say that the file is stored (status {status})")

    async def put_statement(self, digest: str, seq: int, envelope: bytes) -> bytes:
        """Deliver a statement; return its receipt, verified.

        Args:
            digest: ``sha256:<hex>`` of the payload.
            seq: its number, which the receipt must say as well.
            envelope: what is sent.

        Raises:
            UplinkError: there is no receipt that holds for exactly this statement.
        """
        path = f"/v1/statements/{digest}"
        answer = await self._request("PUT", path, envelope, ENVELOPE_MEDIA_TYPE)
        if answer.status not in (200, 201):
            raise self._no_answer(path, answer, "the backend gave no receipt (status {status})")
        try:
            leaf = self._check_receipt(answer.body, digest)
        except AgentError as error:
            text = N_("the backend said {status} without a receipt that holds: {why}")
            raise self._later(path, text, status=answer.status, why=error) from error
        if leaf.statement.digest() != digest or leaf.seq != seq:
            raise self._later(path, "the backend gave a receipt for another entry")
        return answer.body

    async def fetch_challenge(self, keyid: str) -> FetchedChallenge:
        """Return a fresh challenge for our key.

        Raises:
            UplinkError: there is none, or it does not hold, is for another key, expired, or was given before.
        """
        path = f"/v1/challenges?keyid={keyid}"
        answer = await self._request("GET", path)
        if answer.status != 200:
            raise self._no_answer(path, answer, "the backend gave no challenge (status {status})")
        try:
            challenge = self._open_challenge(answer.body)
            expires = parse_time(challenge.expires)
        except AgentError as error:
            raise self._later(path, "the backend gave a challenge that does not hold: {why}", why=error) from error
        # Compared with the backend's own time: our clock may be wrong, and that is then seen in the evidence.
        now = self._clock.now().timestamp() + (self.clock_offset_ms or 0) / 1000
        if challenge.agent != keyid or expires.timestamp() < now or challenge.nonce == self._last_nonce:
            raise self._later(
                path, "the backend gave a challenge that is old or not for this agent; a cache may be in the way"
            )
        self._last_nonce = challenge.nonce
        return FetchedChallenge(challenge, answer.body)

    async def trust(self) -> canonical.Json:
        """Return the keys that the backend says it has, unverified: to be pinned once, at enrolment, or compared.

        Raises:
            UplinkError: not reached, or no usable answer.
        """
        try:
            answer = await self._request("GET", "/v1/trust")
            try:
                found = canonical.loads(answer.body) if answer.status == 200 else None
            except MalformedError:
                found = None
            if not isinstance(found, dict):
                raise self._no_answer("/v1/trust", answer, "the backend gave no keys (status {status})")
        except LaterError as error:  # nothing waits to be sent: who asks for keys asks again
            error.todo = _AT_ONCE
            raise
        return found

    async def _request(self, method: str, path: str, body: bytes = b"", content_type: str = "") -> _Answer:
        """Send a request; return a 2xx or foreign answer, raise for the backend's own refusals and for failures."""
        url = self._base + path
        headers = {"content-type": content_type} if content_type else {}
        try:
            async with asyncio.timeout(self._limits.total):
                request = self._http.build_request(method, url, content=body or None, headers=headers)
                sent = self._clock.now()
                response = await self._http.send(request, stream=True)
                try:
                    headed = self._clock.now()
                    content = await _bounded(response)
                finally:
                    await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            # TimeoutError is an OSError. httpx names what failed in its class and often has no text.
            why = str(error) or type(error).__name__
            raise self._later(path, "the backend cannot be reached: {why}", why=why) from error
        theirs = self._note_date(response, sent, headed)
        answer = _Answer(
            status=response.status_code,
            content_type=response.headers.get("content-type", ""),
            body=content or b"",
            retry_after=retry_after(response.headers.get("retry-after"), theirs or headed),
        )
        if content is None:
            raise self._no_answer(path, answer, "the backend gave an answer that is too long (status {status})")
        problem = None if response.is_success else read_problem(answer.status, answer.content_type, content)
        if problem is not None and problem.action is not Action.LATER:
            raise RefusedError(problem, where=url)
        if problem is not None:
            raise self._no_answer(path, answer, "the backend said {status}: {detail}", detail=problem.detail)
        return answer

    def _note_date(self, response: httpx.Response, sent: datetime, headed: datetime) -> datetime | None:
        theirs = http_date(response.headers.get("date"))
        if theirs is not None:
            ours = sent + (headed - sent) / 2
            self.clock_offset_ms = round((theirs - ours).total_seconds() * 1000)
        return theirs

    def _no_answer(self, path: str, answer: _Answer, what: str, **values: object) -> LaterError:
        error = self._later(path, what, status=answer.status, **values)
        error.retry_after = answer.retry_after
        return error

    def _later(self, path: str, what: str, **values: object) -> LaterError:
        error = LaterError(what, where=self._base + path.partition("?")[0], todo=_TOO_LATE)
        error.values = values
        return error


async def _bounded(response: httpx.Response) -> bytes | None:
    """Read the body as it came; None if it is longer than any honest one."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            return None
    return bytes(body)


def _base(url: str) -> str:
    try:
        parsed = urlsplit(url)
        host, _ = parsed.hostname or "", parsed.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL) as error:
        raise ConfigError("the backend's URL cannot be read: {why}", where="backend", why=str(error)) from error
    if parsed.username is not None or parsed.password is not None:
        raise ConfigError(
            "the backend's URL carries a user name or password",
            where="backend",
            todo="Leave it out: what authenticates is the agent's key",
        )
    wellformed = host and not any(c.isspace() or c in "%[]" for c in host)
    if parsed.scheme not in ("http", "https") or not wellformed or parsed.query or parsed.fragment:
        raise ConfigError("the backend's URL has to be of the form https://host[:port][/path]", where="backend")
    return url.rstrip("/")
