"""One device's HTTP conversation: what may be sent, who we are, what came back."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

import httpx

from agent.errors import GapError, MalformedError
from agent.model.cli import escaped
from agent.model.exchange import GapReason
from agent.model.http import HttpReply, HttpRequest
from agent.transports.digest import DigestAnswer, best_digest, challenges, next_nonce
from agent.transports.http.body import read_body
from agent.transports.http.certificate import PinnedContext, open_context, shown_by
from agent.transports.http.login import HttpLogin, with_token
from agent.transports.http.place import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.model.exchange import Request
    from agent.model.http import HttpProfile, Login
    from agent.transports.digest import Challenge

__all__ = ["HttpTransport"]

CONNECT_SECONDS = 10.0
LONGEST_HEADER = 200
"""Characters that are kept of a header of the reply."""
_PORTS = {"http": 80, "https": 443}
_ODD_ESCAPE = re.compile(r"%(?![0-9A-F]{2})")
"""A percent sign that is no escape in capital letters. RFC 3986 §2.1 has a device read `%7d` as `%7D`: an expression
that refuses one spelling must not let the other through, so only one is sent."""


class HttpTransport:
    """Sends allow-listed requests to one device over one connection, one at a time.

    A password is tried once. What the device refuses ends the transport: every later exchange raises the same gap,
    and nothing more is sent.

    Args:
        host: name, IPv4 or IPv6 address.
        profile: the family's words and its list of requests.
        login: who we are; None for nobody.
        port: None for the profile's, then the scheme's.
        scheme: empty for the profile's.
        certificate: the pinned fingerprint (`SHA256:...`); None for the system's authorities.
        basic: the password may be sent as it is.
    """

    def __init__(
        self,
        host: str,
        profile: HttpProfile,
        login: HttpLogin | None = None,
        *,
        port: int | None = None,
        scheme: str = "",
        certificate: str | None = None,
        basic: bool = False,
    ) -> None:
        self._host = host
        self._profile = profile
        self._login = login
        self._scheme = scheme or profile.scheme
        self._port = port or profile.port or _PORTS[self._scheme]
        self._certificate = certificate
        self._basic = basic
        self._one_at_a_time = asyncio.Lock()
        self._client: httpx.AsyncClient | None = None
        self._tls: ssl.SSLContext | None = None
        self._digest: DigestAnswer | None = None
        self._once = False
        """The device takes each nonce once."""
        self._ended: GapError | None = None

    def __repr__(self) -> str:
        return f"HttpTransport({self._scheme}, {self._host!r}, {self._port})"

    async def exchange(self, request: Request) -> HttpReply:
        """Send the request and return the reply, of whatever status but 401.

        Raises:
            GapError: unreachable, refused (certificate, login), malformed, too slow, or not on the list.
        """
        async with self._one_at_a_time:
            place = Place(self._scheme, self._host, self._port)
            if not isinstance(request, HttpRequest):
                raise place.gap(
                    GapReason.UNSUPPORTED,
                    "HTTP cannot answer {op}",
                    todo="Ask it of an asset whose family has another transport",
                    op=request.op,
                )
            if not _allowed(self._profile, request):
                raise place.forbidden(request.method, request.path)
            if self._ended is not None:
                raise _again(self._ended)
            try:
                async with asyncio.timeout(request.seconds):
                    return await self._answered(place, request)
            except TimeoutError as error:
                raise place.slow(request.seconds) from error
            except MalformedError as error:
                raise place.garbled(error) from error
            except httpx.InvalidURL as error:
                raise place.unreachable("not a host name") from error
            except httpx.HTTPError as error:
                raise await self._broken(place, error) from error

    async def close(self) -> None:
        """Close the connection; may be called more than once."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    # --- login ---

    async def _answered(self, place: Place, request: HttpRequest) -> HttpReply:
        login = request.login or self._profile.login
        if login in ("digest", "basic"):
            return await self._challenged(place, request, login)
        headers: dict[str, str] = {}
        body = request.body
        if login == "bearer" and self._login is not None:
            headers = self._key(self._login)
        elif login == "token" and self._login is not None:
            body = self._token(place, request, self._login)
        reply, offered, _ = await self._send(request, headers, body)
        if reply is not None:
            return reply
        if headers or body != request.body:
            raise self._end(place.refused())
        named = login == "bearer" and self._login is not None and self._login.username
        if named and any(each.scheme == "basic" for each in offered):
            raise place.wants_basic(login)
        raise place.wants_login(_schemes(offered), login)

    async def _challenged(self, place: Place, request: HttpRequest, login: Login) -> HttpReply:
        """Ask, answer the challenge if one comes, and take no for an answer."""
        known = None if self._once else self._digest
        headers = {"Authorization": known.header(request.method, request.path)} if known is not None else {}
        reply, offered, info = await self._send(request, headers, request.body)
        if reply is None:
            # A known nonce has served before and may be too old now, which not every device calls stale. The password
            # has been accepted in this conversation, so this is no second try of a wrong one; but a device that does
            # it may take each nonce once, and is asked for a new one from now on.
            self._once = self._once or (known is not None and not any(each.stale for each in offered))
            answer = self._answer(place, offered, login)
            reply, offered, info = await self._send(request, {"Authorization": answer(request)}, request.body)
        if reply is None:
            raise self._end(place.refused())
        if self._digest is not None and (nonce := next_nonce(info)):
            self._digest.renew(nonce)
        return reply

    def _answer(self, place: Place, offered: list[Challenge], login: Login) -> _Authorize:
        """Return what answers the challenges."""
        if self._login is None or not self._login.username:
            raise place.wants_login(_schemes(offered), login)
        chosen = best_digest(offered)
        if chosen is not None and login == "digest":
            self._digest = DigestAnswer(chosen, self._login.username, self._login.password)
            return _Authorize(self._digest)
        if not any(each.scheme == "basic" for each in offered):
            raise place.wants_login(_schemes(offered), login)
        if not self._basic:
            raise place.wants_basic(login)
        return _Authorize(self._login.basic())

    def _key(self, login: HttpLogin) -> dict[str, str]:
        value = login.bearer() or (login.basic() if self._basic and login.username else "")
        return {"Authorization": value} if value else {}

    def _token(self, place: Place, request: HttpRequest, login: HttpLogin) -> str:
        try:
            return with_token(request.body, login, request.ahead_ms)
        except ValueError as error:
            todo = "Report it: family and collector disagree"
            raise place.gap(GapReason.UNSUPPORTED, "{why}; nothing was sent", todo, why=str(error)) from error

    def _end(self, gap: GapError) -> GapError:
        self._ended = gap
        return gap

    # --- one request ---

    async def _send(
        self, request: HttpRequest, headers: Mapping[str, str], body: str
    ) -> tuple[HttpReply | None, list[Challenge], str]:
        """Return the reply, or None and the challenges of a 401; and what the device says of the next nonce."""
        seen: set[str] = set()

        async def trace(event: str, _: object) -> None:
            seen.add(event)

        try:
            return await self._send_once(request, headers, body, trace)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            if seen & {"connection.connect_tcp.complete", "http11.receive_response_headers.complete"}:
                raise
            # The kept connection had been closed by the device in this moment (RFC 9112 §9.5): it saw no request.
            return await self._send_once(request, headers, body, trace)

    async def _send_once(
        self, request: HttpRequest, headers: Mapping[str, str], body: str, trace: object
    ) -> tuple[HttpReply | None, list[Challenge], str]:
        client = self._open()
        fields = {"Accept-Encoding": "identity", "User-Agent": "campus-agent", **request.headers, **headers}
        coded = {name.encode(): value.encode() for name, value in fields.items()}  # a realm or user may be Chinese
        # The target stands as it is allow-listed and hashed into the digest; httpx would spell it anew.
        extensions = {"target": request.path.encode(), "trace": trace}
        url = httpx.URL(scheme=self._scheme, host=self._host, port=self._port, path="/")
        built = client.build_request(request.method, url, content=body.encode(), headers=coded, extensions=extensions)
        started = time.monotonic()
        reply = await client.send(built, stream=True)
        try:
            kept, truncated = await read_body(reply, request.max_octets)
        finally:
            await reply.aclose()
        info = reply.headers.get("authentication-info", "")
        if reply.status_code == httpx.codes.UNAUTHORIZED:
            return None, challenges(reply.headers.get_list("www-authenticate")), info
        shown = HttpReply(
            status=reply.status_code,
            media=_header(reply, "content-type"),
            date=_header(reply, "date"),
            body=escaped(kept),
            truncated=truncated,
            elapsed_ms=round((time.monotonic() - started) * 1000),
        )
        return shown, [], info

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            self._tls = open_context(self._certificate) if self._scheme == "https" else None
            self._client = httpx.AsyncClient(
                verify=self._tls or False,
                trust_env=False,
                follow_redirects=False,
                timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=30),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
            self._client.headers.clear()
        return self._client

    async def _broken(self, place: Place, error: httpx.HTTPError) -> GapError:
        """Return the gap of a request that did not come through."""
        if isinstance(error, httpx.LocalProtocolError):  # whose text holds the header with our login
            return place.gap(
                GapReason.MALFORMED,
                "the device's challenge cannot be answered in a header of HTTP",
                todo="Take line breaks and control characters out of user name and password; else update the device",
            )
        if isinstance(error, httpx.RemoteProtocolError | httpx.DecodingError) and "disconnected" not in str(error):
            return place.foreign(_why(error))
        cause = _tls_error(error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            shown = self._tls.shown if isinstance(self._tls, PinnedContext) else ""
            if self._certificate is None:
                shown = await shown_by(self._host, self._port, CONNECT_SECONDS)
            return self._end(place.certificate(shown, self._certificate))
        if cause is not None:
            return place.no_tls(cause.reason or "handshake")
        if isinstance(error, httpx.ConnectTimeout):
            return place.slow(CONNECT_SECONDS)
        return place.unreachable(_why(error))


class _Authorize:
    """Makes the Authorization header of one request."""

    def __init__(self, answer: DigestAnswer | str) -> None:
        self._answer = answer

    def __call__(self, request: HttpRequest) -> str:
        return self._answer if isinstance(self._answer, str) else self._answer.header(request.method, request.path)


def _allowed(profile: HttpProfile, request: HttpRequest) -> bool:
    if _ODD_ESCAPE.search(request.path):
        return False
    return any(
        each.method == request.method
        and re.fullmatch(each.path, request.path) is not None
        and (not each.body or re.fullmatch(each.body, request.body, re.DOTALL) is not None)
        and (request.method == "POST" or not request.body)
        for each in profile.allow
    )


def _again(gap: GapError) -> GapError:
    return GapError(gap.reason, gap.what, where=gap.where, todo=gap.todo, **gap.values)


def _schemes(offered: list[Challenge]) -> str:
    return ", ".join(dict.fromkeys(each.scheme[:30] for each in offered))


def _header(reply: httpx.Response, name: str) -> str:
    value = reply.headers.get(name, "")[:LONGEST_HEADER]
    return "".join(each for each in value if " " <= each <= "~")


def _why(error: httpx.HTTPError) -> str:
    """Return the operating system's words, or httpx's; neither holds what was sent."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return str(error)[:200] or type(error).__name__


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None
