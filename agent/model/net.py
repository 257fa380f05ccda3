"""Looking up a host's name (`NetLookup`) and knocking at one of its ports (`NetProbe`), and what came of it.

A host that does not answer is no gap here: that it was silent is what a probe finds out, and how far it came (name,
connection, TLS, first byte) is kept. A gap is left for what the agent's own server could not do, such as IPv6 without
a route. Addresses of hosts do not enter a record: of public ones the /24 or /48 stays, of others the scope.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from agent.model.base import Digest, Timestamp, Word
from agent.model.http import _path

__all__ = ["NetAddresses", "NetFamily", "NetFound", "NetLookup", "NetProbe", "NetProbed", "NetSpeech", "NetTls"]

NetFamily = Literal["ipv4", "ipv6"]
NetSpeech = Literal["", "http", "rtsp", "sip"]
"""What is said once a connection stands: an HTTP GET (RFC 9110), an RTSP OPTIONS (RFC 2326 §10.1), a SIP OPTIONS
(RFC 3261 §11); empty: nothing, what the host says by itself within a second is looked at."""


class NetLookup(Word):
    """Look up the asset's name in both families, one after the other, by the resolver of the agent's server."""

    op: Literal["net.lookup"] = "net.lookup"
    seconds: int = Field(default=10, ge=1, le=60)
    """For each family."""


class NetFound(Word):
    """What a lookup of one family came to."""

    family: NetFamily
    state: Literal["found", "none", "unknown", "failed"]
    """`none`: the name has no address of this family; `unknown`: there is no such name, or the resolver does not tell
    it from the former; `failed`: no answer in time."""
    addresses: int = 0
    scopes: tuple[str, ...] = ()
    """Of the addresses, each once, as `model.inet.scope_of` names them."""
    prefixes: tuple[str, ...] = ()
    """/24 and /48 of the public ones, each once."""
    elapsed_us: int


class NetAddresses(Word):
    """Both lookups; an asset whose address is a literal has `literal`, and was looked up nowhere."""

    op: Literal["net.addresses"] = "net.addresses"
    found: tuple[NetFound, ...]
    literal: bool = False


class NetProbe(Word):
    """Connect to a TCP port of the asset, speak TLS where asked, say one thing, read the beginning of the answer."""

    op: Literal["net.probe"] = "net.probe"
    family: Literal["", "ipv4", "ipv6"] = ""
    """Empty: whichever answers, IPv4 first."""
    port: int = Field(ge=1, le=65535)
    tls: bool = False
    verify: bool = False
    """The certificate must be good by the system's authorities; where not, nothing is said to the host."""
    speak: NetSpeech = ""
    path: Annotated[str, AfterValidator(_path)] = "/"
    """Of HTTP."""
    redirects: int = Field(default=0, ge=0, le=5)
    """How many redirections of HTTP to the same host name are followed."""
    seconds: int = Field(default=10, ge=1, le=60)
    """For all of it, name included."""


class NetTls(Word):
    """What the handshake showed."""

    version: str
    """`TLSv1.3`, ..."""
    trust: Literal["verified", "untrusted", "expired", "name-mismatch", "not-checked"]
    """By the system's authorities; `untrusted` also where the host signed for itself."""
    fingerprint: Digest
    """SHA-256 of the certificate's DER."""
    issuer: Digest
    """SHA-256 of the DER of the issuer's name: another one than yesterday's, everywhere, is somebody in between."""
    expires: Timestamp


class NetProbed(Word):
    """How far a probe came; times are absent for steps that did not end."""

    op: Literal["net.probed"] = "net.probed"
    outcome: Literal[
        "ok",
        "no-address",
        "name-unknown",
        "name-failed",
        "refused",
        "silent",
        "unreachable",
        "tls-failed",
        "closed",
        "no-answer",
    ]
    """`ok`: everything asked for came about. No connection: `refused` (RST), `silent` (nothing in time), `unreachable`
    (a router or the network said so). After it: `tls-failed`; `closed` and `no-answer` instead of a first byte."""
    family: Literal["", "ipv4", "ipv6"] = ""
    """Of the address that was connected to, or tried last."""
    scope: str = ""
    tried: int = 0
    """Addresses that were tried."""
    lookup_us: int | None = None
    """Absent for a literal, and for a name that was looked up before in this conversation."""
    connect_us: int | None = None
    """SYN to established, of the address that answered."""
    tls_us: int | None = None
    first_byte_us: int | None = None
    """From the last octet of what was said, or from the connection, to the first octet of the answer."""
    tls: NetTls | None = None
    service: Literal["", "http", "rtsp", "sip", "ssh", "ftp", "smtp", "other"] = ""
    """What answered, by the first octets of what it said; empty: it said nothing."""
    status: int | None = None
    """Of HTTP, RTSP and SIP; of HTTP that of the last hop."""
    hops: int = 0
    """Redirections that were followed."""
    redirect: Literal["", "same-host", "public", "private", "unknown"] = ""
    """Where the last answer pointed: the same name; another host, whose address is `public` or `private` (then it is
    inside the campus: a login portal); one that cannot be resolved."""
