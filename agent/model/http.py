"""One HTTP request to a device or store (`HttpRequest`), what may be sent to a family (`HttpProfile`), and the reply.

Received bytes are kept exactly, as `CliOutput.output` keeps them: `HttpReply.body` is the body as text, with everything
that is not UTF-8 and every backslash written as an escape; `model.cli.received` gives back each octet. Credentials are
no part of a request: the transport adds them.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from agent.model.base import Holds, Word

__all__ = ["HttpAllowed", "HttpField", "HttpProfile", "HttpReply", "HttpRequest"]

Form = Literal["xml", "json", "lines"]
"""How the body is built, for redaction by name: elements, keys, or lines of `name=value`."""
Login = Literal["digest", "basic", "token", "bearer", "none"]
"""`digest` (RFC 7616), `basic` (RFC 7617; clear text, so only where the campus file says so), `token` (a WS-Security
UsernameToken in the SOAP header), `bearer` (an API key), `none`."""


_OURS = frozenset({"authorization", "connection", "content-length", "cookie", "expect", "host", "te", "upgrade"})
"""Header fields that only the transport may set."""


def _path(text: str) -> str:
    if not re.fullmatch(r"/[!-~]*", text) or text.startswith("//"):
        raise ValueError("a path begins with one slash and holds printable ASCII without blanks")
    if re.search(r"#|/\.{1,2}(?:/|$)", text.partition("?")[0]):
        raise ValueError("a path has no fragment, and no part that is one dot or two")
    return text


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name) or not re.fullmatch(r"[ -~]*", value):
            raise ValueError(f"{name!r} is no header of printable ASCII")
        if name.lower() in _OURS or name.lower().startswith(("proxy-", "transfer-", "accept-encoding")):
            raise ValueError(f"{name} is set by the transport alone")
    return headers


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return text


class HttpField(Word):
    """An element, key or line of a reply that holds personal or identifying data, wherever it stands."""

    name: str
    """Of `xml` the element's local name, or `@` and an attribute's; of `json` the key; of `lines` the last part of the
    name before `=`, without its index. Upper and lower case count."""
    holds: Holds


class HttpRequest(Word):
    """Ask one thing over HTTP; never follows a redirection, never tries twice."""

    op: Literal["http.request"] = "http.request"
    method: Literal["GET", "POST"] = "GET"
    path: Annotated[str, AfterValidator(_path)]
    """Absolute path with query; scheme, host and port are the asset's."""
    headers: Annotated[dict[str, str], AfterValidator(_headers)] = Field(default_factory=dict)
    """What the protocol needs beside the usual: content type, SOAP action, tenant. Never a credential."""
    body: str = ""
    form: Form
    fields: tuple[HttpField, ...] = ()
    omit: tuple[str, ...] = ()
    """Elements, keys or lines that nobody needs, named as in `fields`: what they hold is left out of the record, so
    that what is asked for thousands of times stays small."""
    login: Login | None = None
    """None: as the family's profile says."""
    ahead_ms: int = 0
    """For `token`: how far the device's clock is ahead of ours; a token's time must be the device's."""
    seconds: int = Field(default=30, ge=1, le=600)
    max_octets: int = Field(default=4_194_304, ge=1, le=16_777_216)


class HttpReply(Word):
    """A reply of any status but 401, which is a gap (`refused`)."""

    op: Literal["http.reply"] = "http.reply"
    status: int
    media: str = ""
    """Content-Type as received."""
    date: str = ""
    """The Date header as received."""
    body: str = ""
    truncated: bool = False
    """The body was longer than asked for; the rest was not read."""
    elapsed_ms: int
    """From sending the request that was answered to the last octet of the reply; a login before it does not count."""


class HttpAllowed(Word):
    """A method and the paths that it may be used with."""

    method: Literal["GET", "POST"]
    path: Annotated[str, AfterValidator(_expression)]
    """Regular expression that the whole path with query must match."""
    body: Annotated[str, AfterValidator(_expression)] = ""
    """Regular expression that the whole body must match, where the path alone does not say that it only reads."""


class HttpProfile(Word):
    """What a family's HTTP interface is like, and everything that may be sent to it."""

    scheme: Literal["http", "https"]
    """Where the asset does not say."""
    port: int | None = Field(default=None, ge=1, le=65535)
    login: Login
    allow: tuple[HttpAllowed, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _no_clear_text(self) -> Self:
        if self.login == "basic":
            raise ValueError("a family cannot choose login: basic; an asset can")
        return self
