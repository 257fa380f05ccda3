"""Keys and ciphers of the user-based security model, pure.

Passphrase to key, localisation: RFC 3414 A.2. HMAC lengths: RFC 3414 §6, RFC 7860 §4. DES-CBC: RFC 3414 §8.
AES-CFB128: RFC 3826. AES-192 and AES-256 need more octets than MD5, SHA-1 and SHA-224 give; two extensions are in use:
draft-blumenthal-aes-usm-04 §3.1.2.1 hashes the key again, and draft-reeder-snmpv3-usm-3desede §2.1, which Cisco
applies to AES, treats the localised key as a new passphrase.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from agent.errors import MalformedError

try:  # where the feedback modes live depends on the version of cryptography
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
except ImportError:  # cryptography < 47
    from cryptography.hazmat.primitives.ciphers.modes import CFB

__all__ = ["AUTH", "PRIV", "Auth", "Keys", "Priv", "decrypt", "encrypt", "localise"]


class Auth(NamedTuple):
    """An authentication protocol: hash, and octets of the HMAC that are sent."""

    digest: str
    mac_octets: int


class Priv(NamedTuple):
    """A privacy protocol: cipher, octets of key material, key extension."""

    cipher: str
    key_octets: int
    reeder: bool = False


AUTH = {
    "MD5": Auth("md5", 12),
    "SHA": Auth("sha1", 12),
    "SHA-224": Auth("sha224", 16),
    "SHA-256": Auth("sha256", 24),
    "SHA-384": Auth("sha384", 32),
    "SHA-512": Auth("sha512", 48),
}
PRIV = {
    "DES": Priv("DES", 16),
    "AES": Priv("AES", 16),
    "AES-192": Priv("AES", 24),
    "AES-256": Priv("AES", 32),
    "AES-192-C": Priv("AES", 24, reeder=True),
    "AES-256-C": Priv("AES", 32, reeder=True),
}


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """A user's keys localised to one engine."""

    auth: bytes = b""
    priv: bytes = b""


@lru_cache(maxsize=512)
def _master(digest: str, passphrase: bytes) -> bytes:
    """Return the key of a passphrase: the hash of 2^20 octets of it, repeated. Kept: it costs milliseconds."""
    repeated = passphrase * ((1 << 20) // len(passphrase) + 1)
    return _hash(digest, repeated[: 1 << 20])


def _hash(digest: str, data: bytes) -> bytes:
    return hashlib.new(digest, data, usedforsecurity=False).digest()


def _localised(digest: str, passphrase: bytes, engine_id: bytes) -> bytes:
    key = _master(digest, passphrase)
    return _hash(digest, key + engine_id + key)


def localise(
    auth: Auth | None, auth_passphrase: bytes, priv: Priv | None, priv_passphrase: bytes, engine_id: bytes
) -> Keys:
    """Return the keys of a user at the engine; the privacy key is made with the authentication protocol's hash."""
    if auth is None:
        return Keys()
    auth_key = _localised(auth.digest, auth_passphrase, engine_id)
    if priv is None:
        return Keys(auth_key)
    key = last = _localised(auth.digest, priv_passphrase, engine_id)
    while len(key) < priv.key_octets:
        last = _reeder(auth.digest, last, engine_id) if priv.reeder else _hash(auth.digest, key)
        key += last
    return Keys(auth_key, key[: priv.key_octets])


def _reeder(digest: str, key: bytes, engine_id: bytes) -> bytes:
    """Return the next piece of the key: the one before, taken for a passphrase."""
    return _localised(digest, key, engine_id)


def encrypt(priv: Priv, key: bytes, data: bytes, clock: tuple[int, int], salt: bytes) -> bytes:
    """Return the ciphertext; `clock` is engineBoots and engineTime, `salt` the eight octets of privParameters."""
    if priv.cipher == "DES":
        data += b"\0" * (-len(data) % 8)
    encryptor = _cipher(priv, key, clock, salt).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def decrypt(priv: Priv, key: bytes, data: bytes, clock: tuple[int, int], salt: bytes) -> bytes:
    """Return the plaintext, for DES with its padding.

    Raises:
        MalformedError: privParameters or the ciphertext have an impossible length.
    """
    if len(salt) != 8 or (priv.cipher == "DES" and len(data) % 8):
        raise MalformedError("SNMPv3: encrypted data of an impossible length")
    decryptor = _cipher(priv, key, clock, salt).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def _cipher(priv: Priv, key: bytes, clock: tuple[int, int], salt: bytes) -> Cipher[CBC | CFB]:
    if priv.cipher == "DES":
        vector = bytes(a ^ b for a, b in zip(key[8:16], salt, strict=True))
        return Cipher(TripleDES(key[:8] * 3), CBC(vector))  # three equal keys make it single DES
    boots, time = clock
    return Cipher(AES(key), CFB(boots.to_bytes(4, "big") + time.to_bytes(4, "big") + salt))
