"""Who we are to a device or store, and how that is put into a request."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

__all__ = ["HttpLogin", "with_token"]

_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_HEADER = re.compile(r"<((?:[\w.-]+:)?)Header((?:\s[^<>]*?)?)(/?)>")
_ENVELOPE = re.compile(r"<((?:[\w.-]+:)?)Envelope(?:\s[^<>]*)?>")


@dataclass(frozen=True, slots=True)
class HttpLogin:
    """A user name and password, a bearer token (RFC 6750), or an API key."""

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)

    def basic(self) -> str:
        """Return the Authorization header with the password as it is (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    def bearer(self) -> str:
        """Return the Authorization header of a token or API key; empty without one."""
        if self.token:
            return f"Bearer {self.token}"
        return f"ApiKey {self.api_key}" if self.api_key else ""


def with_token(envelope: str, login: HttpLogin, ahead_ms: int) -> str:
    """Return the SOAP envelope with a UsernameToken of PasswordDigest (OASIS WSS Username Token Profile 1.1.1, 3.1).

    Args:
        envelope: holds a Header, or gets one.
        login: user name and password.
        ahead_ms: how far the device's clock is ahead: it takes a token only about its own time.

    Raises:
        ValueError: this is no envelope.
    """
    moment = datetime.now(UTC) + timedelta(milliseconds=ahead_ms)
    created = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    nonce = secrets.token_bytes(20)
    digest = hashlib.sha1(nonce + created.encode() + login.password.encode(), usedforsecurity=False).digest()
    security = (
        f'<wsse:Security xmlns:wsse="{_WSSE}wssecurity-secext-1.0.xsd" xmlns:wsu="{_WSSE}wssecurity-utility-1.0.xsd">'
        f"<wsse:UsernameToken><wsse:Username>{escape(login.username)}</wsse:Username>"
        f'<wsse:Password Type="{_WSSE}username-token-profile-1.0#PasswordDigest">'
        f"{base64.b64encode(digest).decode()}</wsse:Password>"
        f'<wsse:Nonce EncodingType="{_WSSE}soap-message-security-1.0#Base64Binary">{base64.b64encode(nonce).decode()}'
        f"</wsse:Nonce><wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security>"
    )
    if match := _HEADER.search(envelope):
        start, end = match.span()
        closing = f"</{match[1]}Header>" if match[3] else ""
        return f"{envelope[:start]}<{match[1]}Header{match[2]}>{security}{closing}{envelope[end:]}"
    if match := _ENVELOPE.search(envelope):
        header = f"<{match[1]}Header>{security}</{match[1]}Header>"
        return envelope[: match.end()] + header + envelope[match.end() :]
    raise ValueError("a token has its place in a SOAP envelope, and this is none")
