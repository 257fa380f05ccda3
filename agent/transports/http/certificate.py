"""The device's certificate: the pinned one, or good by the system's authorities; else nothing is sent.

The pin is in the campus file (`certificate`), SHA-256 of the certificate's DER bytes. It is checked at the end of the
handshake, before a request, and so before a password, leaves.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import ssl

__all__ = ["PinnedContext", "fingerprint", "open_context", "shown_by"]


def fingerprint(der: bytes) -> str:
    """Return `SHA256:<base64 without padding>` of a certificate."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")


class PinnedContext(ssl.SSLContext):
    """Trusts one certificate, whoever signed it."""

    pinned: str = ""
    shown: str = ""
    """What the device showed last."""


class _Pinned(ssl.SSLObject):
    def do_handshake(self) -> None:
        super().do_handshake()
        context = self.context
        assert isinstance(context, PinnedContext)
        context.shown = fingerprint(self.getpeercert(binary_form=True) or b"")
        if not hmac.compare_digest(context.shown, context.pinned):
            raise ssl.SSLCertVerificationError("not the pinned certificate")


def open_context(pinned: str | None) -> ssl.SSLContext:
    """Return what TLS is spoken with.

    Args:
        pinned: the fingerprint; None for the system's authorities.
    """
    if pinned is None:
        return ssl.create_default_context()
    context = PinnedContext(ssl.PROTOCOL_TLS_CLIENT)
    _trust_all(context)
    context.sslobject_class = _Pinned
    context.pinned = pinned
    return context


async def shown_by(host: str, port: int, seconds: float) -> str:
    """Return the fingerprint that a device shows, over a connection on which nothing is sent; empty without one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _trust_all(context)
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
            try:
                return fingerprint(writer.get_extra_info("ssl_object").getpeercert(binary_form=True) or b"")
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    return ""


def _trust_all(context: ssl.SSLContext) -> None:
    """Leave the choice to the fingerprint: recorders sign for themselves, with short keys and dates long gone."""
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=1")
