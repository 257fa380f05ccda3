"""Key files: made once, private, durable, and refused when they are not."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.errors import KeyFileError, MalformedError
from agent.evidence import keys

if TYPE_CHECKING:
    from pathlib import Path


_PEMS = [keys.public_pem_of(ec.generate_private_key(ec.SECP256R1()).public_key()) for _ in range(3)]


def write_key(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_created_key_loads_and_signs(tmp_path: Path) -> None:
    """A created key is the key that loads, and its signature verifies under its public PEM."""
    made = keys.create(tmp_path / "agent.pem")
    loaded = keys.load(tmp_path / "agent.pem")
    assert (loaded.keyid, loaded.public_pem) == (made.keyid, made.public_pem)
    public = keys.public_from_pem(made.public_pem)
    public.verify(loaded.sign(b"message"), b"message", ec.ECDSA(SHA256()))


def test_openssl_names_the_key_the_same(tmp_path: Path) -> None:
    """The keyid is what `openssl pkey -pubin -outform DER | sha256sum` prints, and openssl reads the file."""
    made = keys.create(tmp_path / "agent.pem")
    der = subprocess.run(
        ["openssl", "pkey", "-in", tmp_path / "agent.pem", "-pubout", "-outform", "DER"],
        capture_output=True,
        check=True,
    ).stdout
    printed = subprocess.run(["sha256sum"], input=der, capture_output=True, check=True).stdout.decode()
    assert printed.split()[0] == made.keyid


def test_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    """The file has mode 0600 and a directory made for it 0700, with an open and with a closed umask."""
    for umask in (0o000, 0o277):
        path = tmp_path / f"{umask:o}" / "agent.pem"
        if umask:
            path.parent.mkdir()
        old = os.umask(umask)
        try:
            keys.create(path)
        finally:
            os.umask(old)
        assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "0").stat().st_mode & 0o777 == 0o700


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """Creating over an existing file, or over a dangling link, fails and leaves it as it was."""
    path = write_key(tmp_path / "agent.pem", b"precious")
    with pytest.raises(KeyFileError, match="never overwritten"):
        keys.create(path)
    assert path.read_bytes() == b"precious"
    link = tmp_path / "link.pem"
    link.symlink_to(tmp_path / "elsewhere.pem")
    with pytest.raises(KeyFileError):
        keys.create_log_key(link)
    assert not (tmp_path / "elsewhere.pem").exists()


def test_unwritable_place(tmp_path: Path) -> None:
    """A place where no key can be written is our error, with what to do."""
    write_key(tmp_path / "file", b"")
    with pytest.raises(KeyFileError, match="cannot be written") as caught:
        keys.create(tmp_path / "file" / "agent.pem")
    assert caught.value.todo


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o601])
def test_open_file_is_refused(tmp_path: Path, mode: int) -> None:
    """A private key that group or others can touch is refused, saying which command closes it."""
    path = tmp_path / "{agent}.pem"
    keys.create(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="open to other users") as caught:
        keys.load(path)
    assert f"chmod 600 {path}" in str(caught.value)


def pem_of(private: ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    return private.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password) if password else NoEncryption()
    )


def test_wrong_kinds_of_key(tmp_path: Path) -> None:
    """Another curve, another algorithm or an encrypted key is refused by both loaders."""
    curve = write_key(tmp_path / "p384.pem", pem_of(ec.generate_private_key(ec.SECP384R1())))
    with pytest.raises(KeyFileError, match="ECDSA P-256"):
        keys.load(curve)
    with pytest.raises(KeyFileError, match="Ed25519"):
        keys.load_log_key(curve)
    keys.create_log_key(tmp_path / "log.pem")
    with pytest.raises(KeyFileError, match="ECDSA P-256"):
        keys.load(tmp_path / "log.pem")
    locked = write_key(tmp_path / "locked.pem", pem_of(ec.generate_private_key(ec.SECP256R1()), b"password"))
    with pytest.raises(KeyFileError, match="unencrypted"):
        keys.load(locked)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\n", b"\x00\xff" * 20_000])
def test_not_a_key(tmp_path: Path, content: bytes) -> None:
    """A damaged, empty or huge file is our error."""
    with pytest.raises(KeyFileError):
        keys.load(write_key(tmp_path / "agent.pem", content))


def test_no_file_directory_or_pipe(tmp_path: Path) -> None:
    """A missing file, a directory and a pipe are our errors, and a pipe does not hang."""
    with pytest.raises(KeyFileError, match="there is no key file"):
        keys.load(tmp_path / "none.pem")
    with pytest.raises(KeyFileError, match="not a regular file"):
        keys.load(tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(KeyFileError, match="not a regular file"):
        keys.load(tmp_path / "pipe")


def test_log_key(tmp_path: Path) -> None:
    """A created Ed25519 key loads as itself and its signature verifies."""
    made = keys.create_log_key(tmp_path / "log.pem")
    loaded = keys.load_log_key(tmp_path / "log.pem")
    assert (loaded.keyid, loaded.public) == (made.keyid, made.public)
    Ed25519PublicKey.from_public_bytes(made.public).verify(loaded.sign(b"message"), b"message")


def test_no_secret_is_shown(tmp_path: Path) -> None:
    """Neither repr nor errors show anything of a private key."""
    for create, name in ((keys.create, "agent.pem"), (keys.create_log_key, "log.pem")):
        signer = create(tmp_path / name)
        body = "".join((tmp_path / name).read_text().split("\n")[1:-2])
        assert "rivate" not in repr(signer)
        assert body[10:40] not in repr(signer)


def test_public_keys_are_strict() -> None:
    """A public key of another curve, or no key, is malformed."""
    other = keys.public_pem_of(ec.generate_private_key(ec.SECP384R1()).public_key())
    for pem in (other, b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"):
        with pytest.raises(MalformedError):
            keys.public_from_pem(pem)


@given(
    st.lists(st.sampled_from(range(3)), min_size=1, max_size=5),
    st.sampled_from([b"\n", b"\r\n"]),
    st.binary(max_size=40),
)
def test_keys_one_behind_another(order: list[int], line_end: bytes, text: bytes) -> None:
    """Every block is read, in its order, whatever text stands between; only text that begins a block is none."""
    assume(b"-" not in text)
    between = b"\n" + text + b"\n"
    data = between + between.join(_PEMS[number] for number in order)
    read = keys.publics_from_pem(data.replace(b"\n", line_end))
    assert [keys.public_pem_of(one) for one in read] == [_PEMS[number] for number in order]


@given(st.data())
def test_keys_of_a_damaged_file(data: st.DataObject) -> None:
    """A file that is cut short anywhere gives all of the keys that it began, or an error of ours."""
    whole = b"".join(_PEMS)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    try:
        read = keys.publics_from_pem(cut)
    except MalformedError:
        return
    assert len(read) == cut.count(b"-----BEGIN ") > 0
