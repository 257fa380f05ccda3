"""The device's host key: it is the pinned one, or nothing is sent.

The pin is the fingerprint in the campus file (`host_key`). There is no trust on first use: a machine in the middle of
the first connection would get the password. The key is checked after the key exchange and before authentication.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

import paramiko  # type: ignore[import-untyped]  # it ships no types

from agent.model.exchange import GapReason

if TYPE_CHECKING:
    from agent.errors import GapError
    from agent.transports.ssh.device import Device

__all__ = ["PinnedKey", "fingerprint"]


def fingerprint(key: bytes) -> str:
    """Return `SHA256:<base64 without padding>` of a public key blob, as OpenSSH shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


class PinnedKey(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]  # the library's interface
    """What the SSH libraries ask about the key; keeps the gap for which it refused.

    Args:
        device: for the gap.
        pinned: the fingerprint; None where none is pinned yet.
    """

    def __init__(self, device: Device, pinned: str | None) -> None:
        self._device = device
        self._pinned = pinned
        self.refused: GapError | None = None

    def missing_host_key(self, client: object, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002 - interface
        """Return if the key is the pinned one.

        Raises:
            paramiko.SSHException: it is not, or none is pinned.
        """
        if not self.admits(key.get_name(), key.asbytes()):
            raise paramiko.SSHException("host key")

    def admits(self, kind: str, key: bytes) -> bool:
        """Tell whether the key is the pinned one; if not, keep the gap that says so.

        Args:
            kind: its algorithm, to be shown.
            key: the public key blob (RFC 4253 section 6.6).
        """
        shown = fingerprint(key)
        if self._pinned is not None and hmac.compare_digest(shown, self._pinned):
            return True
        self.refused = self._first(kind, shown) if self._pinned is None else self._other(kind, shown)
        return False

    def _first(self, kind: str, shown: str) -> GapError:
        return self._device.gap(
            GapReason.REFUSED,
            "host key",
            "no host key is pinned for this device; it showed {kind} {shown}; nothing was sent to it",
            todo="Compare with the device's console, then write  host_key: {shown}  under this asset",
            kind=kind,
            shown=shown,
        )

    def _other(self, kind: str, shown: str) -> GapError:
        return self._device.gap(
            GapReason.REFUSED,
            "host key",
            "the device showed another host key ({kind} {shown}) than the pinned {pinned}; nothing was sent to it",
            todo="If the device or its keys were replaced, compare with its console and correct host_key; "
            "otherwise somebody stands in between",
            kind=kind,
            shown=shown,
            pinned=self._pinned,
        )
