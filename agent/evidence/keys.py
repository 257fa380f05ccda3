"""Key files: ECDSA P-256 for statements and challenges, Ed25519 for the log and witnesses.

A private key is PKCS #8 in PEM, unencrypted, mode 0600, made once and never overwritten. Its name everywhere is its
keyid: lowercase hex SHA-256 of the DER SubjectPublicKeyInfo (`openssl pkey -pubin -outform DER | sha256sum`).
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from agent.errors import KeyFileError, MalformedError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

__all__ = [
    "LogSigner",
    "Signer",
    "create",
    "create_log_key",
    "keyid_of",
    "load",
    "load_log_key",
    "public_from_pem",
    "public_pem_of",
    "publics_from_pem",
]

MAX_KEY_FILE_BYTES = 16 * 1024
"""A PEM of either kind has under 300 bytes; anything large is another file."""

_PEM_BLOCK = re.compile(rb"-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----")


@dataclass(frozen=True, slots=True)
class Signer:
    """An ECDSA P-256 key that signs envelopes. The private key never shows in its repr."""

    keyid: str
    public_pem: bytes
    _private: EllipticCurvePrivateKey = field(repr=False)

    @property
    def public(self) -> EllipticCurvePublicKey:
        """Return the public key."""
        return self._private.public_key()

    def sign(self, pae: bytes) -> bytes:
        """Return the DER ECDSA-SHA256 signature over the pre-authentication encoding."""
        return self._private.sign(pae, ECDSA(SHA256()))


@dataclass(frozen=True, slots=True)
class LogSigner:
    """An Ed25519 key that signs checkpoints or cosigns them. The private key never shows in its repr."""

    keyid: str
    public: bytes
    """The 32 bytes of RFC 8032."""
    _private: Ed25519PrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature."""
        return self._private.sign(message)


def create(path: Path) -> Signer:
    """Make a new P-256 key, write it durably with mode 0600, and return it.

    Raises:
        KeyFileError: the file exists already or cannot be written.
    """
    private = generate_private_key(SECP256R1())
    _write_new(path, private)
    return _signer(private)


def load(path: Path) -> Signer:
    """Read a P-256 key.

    Raises:
        KeyFileError: the file is missing, unreadable, readable by others, or holds another kind of key.
    """
    private = _read(path)
    if not isinstance(private, EllipticCurvePrivateKey) or not isinstance(private.curve, SECP256R1):
        raise _wrong_kind(path, "ECDSA P-256")
    return _signer(private)


def create_log_key(path: Path) -> LogSigner:
    """Make a new Ed25519 key, write it durably with mode 0600, and return it.

    Raises:
        KeyFileError: the file exists already or cannot be written.
    """
    private = Ed25519PrivateKey.generate()
    _write_new(path, private)
    return _log_signer(private)


def load_log_key(path: Path) -> LogSigner:
    """Read an Ed25519 key.

    Raises:
        KeyFileError: the file is missing, unreadable, readable by others, or holds another kind of key.
    """
    private = _read(path)
    if not isinstance(private, Ed25519PrivateKey):
        raise _wrong_kind(path, "Ed25519")
    return _log_signer(private)


def keyid_of(public: EllipticCurvePublicKey | Ed25519PublicKey) -> str:
    """Return the keyid: lowercase hex SHA-256 of the DER SubjectPublicKeyInfo."""
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def public_pem_of(public: EllipticCurvePublicKey | Ed25519PublicKey) -> bytes:
    """Return the PEM SubjectPublicKeyInfo."""
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def public_from_pem(pem: bytes, *, where: str = "") -> EllipticCurvePublicKey:
    """Read an ECDSA P-256 public key.

    Raises:
        MalformedError: the bytes are no PEM public key, or one of another kind.
    """
    try:
        public = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise MalformedError("not a public key in PEM form", where=where) from error
    if not isinstance(public, EllipticCurvePublicKey) or not isinstance(public.curve, SECP256R1):
        raise MalformedError("the public key is not an ECDSA P-256 key", where=where)
    return public


def publics_from_pem(pem: bytes, *, where: str = "") -> list[EllipticCurvePublicKey]:
    """Read ECDSA P-256 public keys that stand one behind another, each in its own PEM block (RFC 7468).

    Text between the blocks is explanation; a block that is begun and not ended is no text.

    Raises:
        MalformedError: there is no block, one is cut short, or one is no such key.
    """
    blocks = _PEM_BLOCK.findall(pem)
    if not blocks or len(blocks) != pem.count(b"-----BEGIN "):
        raise MalformedError("not a public key in PEM form", where=where)
    return [public_from_pem(block, where=where) for block in blocks]


def _signer(private: EllipticCurvePrivateKey) -> Signer:
    public = private.public_key()
    return Signer(keyid_of(public), public_pem_of(public), private)


def _log_signer(private: Ed25519PrivateKey) -> LogSigner:
    public = private.public_key()
    return LogSigner(keyid_of(public), public.public_bytes_raw(), private)


def _wrong_kind(path: Path, expected: str) -> KeyFileError:
    return KeyFileError(
        "the key is not of the kind {expected}",
        where=str(path),
        todo="Name the right key file, or move this one away and make a new key with `campus-agent keys create`",
        expected=expected,
    )


def _write_new(path: Path, private: EllipticCurvePrivateKey | Ed25519PrivateKey) -> None:
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        _make_directory(path.parent)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise KeyFileError(
            "there is a file of this name already; a key is never overwritten",
            where=str(path),
            todo="Use the existing key, or move it away first; what it signed stays valid under its public key",
        ) from error
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)  # whatever the umask took away
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        _sync_directory(path.parent)
    except OSError as error:
        path.unlink(missing_ok=True)  # half a key is worse than none
        raise _unwritable(path, error) from error


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from error


def _unwritable(path: Path, error: OSError) -> KeyFileError:
    return KeyFileError(
        "the key file cannot be written: {why}",
        where=str(path),
        todo="Check that the directory exists, belongs to the service's user, and has free space",
        why=error.strerror or str(error),
    )


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> PrivateKeyTypes:
    pem = _read_private_bytes(path)
    try:
        return load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # TypeError: the PEM is encrypted and wants a password.
        raise KeyFileError(
            "the file holds no unencrypted private key in PEM form",
            where=str(path),
            todo="Restore the key from its backup, or move this file away and make a new key "
            "with `campus-agent keys create`",
        ) from error


def _read_private_bytes(path: Path) -> bytes:
    try:
        # O_NONBLOCK: a FIFO in place of the key must not hang the service.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            # The mode of the open file, not of the path: nothing can be swapped in between.
            _check_mode(path, os.fstat(descriptor).st_mode)
            return os.read(descriptor, MAX_KEY_FILE_BYTES)
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise KeyFileError(
            "there is no key file", where=str(path), todo="Make one with `campus-agent keys create`"
        ) from error
    except OSError as error:
        raise KeyFileError(
            "the key file cannot be read: {why}",
            where=str(path),
            todo="Check that it is a file that belongs to the service's user",
            why=error.strerror or str(error),
        ) from error


def _check_mode(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise KeyFileError(
            "the key file is not a regular file", where=str(path), todo="Name the file that holds the private key"
        )
    if mode & 0o077:
        raise KeyFileError(
            "the private key is open to other users (mode {mode})",
            where=str(path),
            todo="Run `chmod 600 {path}`; if others had access, make a new key",
            mode=f"{stat.S_IMODE(mode):04o}",
            path=path,
        )
