"""What is said to a host, and what the first octets of its answer say: a protocol, a status, another place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from agent.model.net import NetSpeech

__all__ = ["LONGEST_HEAD", "Heard", "complete", "hear", "say"]

LONGEST_HEAD = 16_384
"""Octets of an answer that are read at most."""
_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"(?:HTTP|RTSP|SIP)/\d(?:\.\d)? (\d{3})(?=[ \r\n]|$)")
_LOCATION = re.compile(rb"(?im)^location[ \t]*:[ \t]*([!-~]{1,2000})[ \t]*\r?$")
_GREETINGS: tuple[tuple[bytes, Literal["http", "rtsp", "sip", "ssh"]], ...] = (
    (b"HTTP/", "http"),
    (b"RTSP/", "rtsp"),
    (b"SIP/", "sip"),
    (b"SSH-", "ssh"),
)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Heard:
    """The beginning of an answer."""

    service: Literal["", "http", "rtsp", "sip", "ssh", "ftp", "smtp", "other"] = ""
    status: int | None = None
    location: str = ""


def say(speak: NetSpeech, host: str, port: int, path: str, *, tls: bool) -> bytes:
    """Return the one request that is sent; empty where the host is only listened to.

    Args:
        speak: the protocol.
        host: name or address, without zone.
        port: that was connected to.
        path: of HTTP.
        tls: inside TLS.
    """
    name = _name(host)
    if speak == "http":
        usual = _PORTS["https" if tls else "http"]
        place = name if port == usual else f"{name}:{port}"
        return (
            f"GET {path} HTTP/1.1\r\nHost: {place}\r\nUser-Agent: campus-agent\r\nAccept: */*\r\n"
            "Connection: close\r\n\r\n"
        ).encode("ascii")
    if speak == "rtsp":
        return f"OPTIONS rtsp://{name}:{port}/ RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: campus-agent\r\n\r\n".encode("ascii")
    if speak == "sip":
        via = "TLS" if tls else "TCP"
        return (
            f"OPTIONS sip:{name}:{port} SIP/2.0\r\nVia: SIP/2.0/{via} {name};branch=z9hG4bKcampus\r\n"
            f"Max-Forwards: 1\r\nFrom: <sip:probe@campus.invalid>;tag=campus\r\nTo: <sip:{name}>\r\n"
            "Call-ID: probe@campus.invalid\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        ).encode("ascii")
    return b""


def complete(data: bytes, speak: NetSpeech) -> bool:
    """Tell whether there is no need to read on: the head of an answer is complete, or nothing asked for one."""
    return not speak or len(data) >= LONGEST_HEAD or _END.search(data) is not None


def hear(data: bytes) -> Heard:
    """Return what the beginning of an answer says; never raises."""
    if not data:
        return Heard()
    service = next((name for greeting, name in _GREETINGS if data.startswith(greeting)), None)
    if service is None and re.match(rb"220[ -]", data):
        upper = data.split(b"\n", 1)[0].upper()
        return Heard("smtp" if b"SMTP" in upper else "ftp" if b"FTP" in upper else "other")
    if service is None or service == "ssh":
        return Heard(service or "other")
    status = _STATUS.match(data)
    end = _END.search(data)
    location = _LOCATION.search(data[: end.end()] if end else data) if service == "http" else None
    return Heard(service, int(status[1]) if status else None, location[1].decode("ascii") if location else "")


def _name(host: str) -> str:
    """Return the host as it stands in a request; a name of other letters in its ASCII form (RFC 5891)."""
    plain = host.partition("%")[0]
    if ":" in plain:
        return f"[{plain}]"
    return plain if plain.isascii() else plain.encode("idna").decode("ascii")
