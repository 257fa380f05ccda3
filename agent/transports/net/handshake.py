"""TLS with a host: checked by the system's authorities or not at all, and what the handshake showed."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final, Literal

from cryptography import x509

from agent.canonical import digest
from agent.clock import time_text
from agent.model.net import NetTls

if TYPE_CHECKING:
    from asyncio import StreamWriter

__all__ = ["Trust", "shown", "strict_context", "trust_of", "unchecked_context"]

Trust = Literal["verified", "untrusted", "expired", "name-mismatch", "not-checked"]
_EXPIRED: Final = 10
"""X509_V_ERR_CERT_HAS_EXPIRED"""
_OTHER_NAME: Final = frozenset({62, 64})
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH"""


def strict_context() -> ssl.SSLContext:
    """Return what a platform is spoken to with: as a browser would."""
    return ssl.create_default_context()


def unchecked_context() -> ssl.SSLContext:
    """Return what takes any certificate and any version: devices are old, and nothing secret is ever said here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


def trust_of(error: ssl.SSLCertVerificationError) -> Trust:
    """Return why a certificate was not believed."""
    if error.verify_code == _EXPIRED:
        return "expired"
    return "name-mismatch" if error.verify_code in _OTHER_NAME else "untrusted"


def shown(writer: StreamWriter, trust: Trust) -> NetTls | None:
    """Return what the handshake of a connection showed; None where the certificate is none that can be read."""
    tls = writer.get_extra_info("ssl_object")
    der = tls.getpeercert(binary_form=True) if tls is not None else None
    if not der:
        return None
    try:
        certificate = x509.load_der_x509_certificate(der)
        issuer = digest(certificate.issuer.public_bytes())
        expires = time_text(certificate.not_valid_after_utc)
    except ValueError:  # ASN.1 that OpenSSL lets pass
        return None
    return NetTls(version=tls.version() or "", trust=trust, fingerprint=digest(der), issuer=issuer, expires=expires)
