"""Content-addressed files on disk: written once, durable before they are acknowledged, never changed.

A blob is streamed into `tmp/`, synced, linked under its digest, and its directory is synced; only then does it exist.
What a crash leaves in `tmp/` has no name and is swept at the next start.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Self

from agent import canonical
from agent.backend.problems import ProblemError
from agent.model.upload import MAX_BLOB_BYTES, ProblemType

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["BlobStore", "BlobWriter", "disk_problems"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def disk_problems() -> Iterator[None]:
    """Turn what the file system refuses into the problem that the sender is told."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise ProblemError(ProblemType.STORAGE_FULL, "there is no space left; nothing was stored") from error
        raise ProblemError(
            ProblemType.BUSY, "the store cannot be written: {why}", why=error.strerror or "input/output error"
        ) from error


class BlobStore:
    """Blobs below one directory, 256 subdirectories by the first byte of the digest.

    Args:
        root: the directory; made if absent.
        reserve_bytes: free space that blobs may not take, so that statements and receipts can still be written.
    """

    def __init__(self, root: Path, *, reserve_bytes: int) -> None:
        self._root = root
        self._tmp = root / "tmp"
        self._reserve = reserve_bytes
        with disk_problems():
            self._tmp.mkdir(mode=0o700, parents=True, exist_ok=True)
            for first in range(256):
                (root / f"{first:02x}").mkdir(mode=0o700, exist_ok=True)
            sync_directory(root)

    def path(self, digest: str) -> Path:
        """Return where the blob of that digest is or would be."""
        name = canonical.hex_of(digest)
        return self._root / name[:2] / name

    def size(self, digest: str) -> int | None:
        """Return the size in bytes; None if the blob is not here."""
        with disk_problems():
            try:
                return self.path(digest).stat().st_size
            except FileNotFoundError:
                return None

    def read(self, digest: str) -> bytes | None:
        """Return the bytes as stored (`fsck` re-hashes them); None if the blob is not here."""
        with disk_problems():
            try:
                return self.path(digest).read_bytes()
            except FileNotFoundError:
                return None

    def digests(self) -> Iterator[str]:
        """Yield the digests of all blobs, sorted."""
        for directory in sorted(self._root.glob("[0-9a-f][0-9a-f]")):
            for path in sorted(directory.iterdir()):
                if canonical.is_digest("sha256:" + path.name):
                    yield "sha256:" + path.name

    def sweep(self) -> int:
        """Remove what interrupted uploads left; only for the process that owns the store. Return how many."""
        found = list(self._tmp.iterdir())
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)

    def writer(self, digest: str) -> BlobWriter:
        """Start to receive a blob.

        Raises:
            ProblemError: the disk is full or fails.
        """
        with disk_problems():
            space = os.statvfs(self._root)
            if space.f_bavail * space.f_frsize < self._reserve + MAX_BLOB_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            # Closed by BlobWriter; a with block cannot span the chunks of a request.
            file = tempfile.NamedTemporaryFile(dir=self._tmp, prefix="blob-", delete=False)  # noqa: SIM115
        return BlobWriter(self.path(digest), digest, file)


class BlobWriter:
    """One blob on its way in. Use as a context manager; without `commit` nothing stays."""

    def __init__(self, target: Path, digest: str, file: IO[bytes]) -> None:
        self._target = target
        self._digest = digest
        self._file = file
        self._hash = hashlib.sha256()
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # What was not flushed is of no interest; the disk may be full.
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            os.unlink(self._file.name)  # noqa: PTH108 - the name comes from tempfile, as a str

    def write(self, chunk: bytes) -> None:
        """Add bytes.

        Raises:
            ProblemError: more than `MAX_BLOB_BYTES`, or the disk is full.
        """
        self._size += len(chunk)
        if self._size > MAX_BLOB_BYTES:
            raise ProblemError(
                ProblemType.TOO_LARGE, "a blob has at most {limit} bytes", extra={"limit": MAX_BLOB_BYTES},
                limit=MAX_BLOB_BYTES,
            )  # fmt: skip
        self._hash.update(chunk)
        with disk_problems():
            self._file.write(chunk)

    def commit(self) -> bool:
        """Make the blob durable under its digest; return False if it was there already.

        Raises:
            ProblemError: the content has another digest, or the disk is full.
        """
        found = "sha256:" + self._hash.hexdigest()
        if found != self._digest:
            raise ProblemError(ProblemType.DIGEST_MISMATCH, "the content has the digest {found}", found=found)
        with disk_problems():
            self._file.flush()
            os.fsync(self._file.fileno())
            try:
                os.link(self._file.name, self._target)
            except FileExistsError:
                created = hashlib.sha256(self._target.read_bytes()).digest() != self._hash.digest()
                if created:
                    # The disk has damaged what was here; what just came has the right digest.
                    os.replace(self._file.name, self._target)  # noqa: PTH105 - the name comes from tempfile, as a str
            else:
                created = True
            # Also for one that was here: its first writer may not have synced the directory yet, and this answer
            # promises that the blob is durable.
            sync_directory(self._target.parent)
        return created


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
