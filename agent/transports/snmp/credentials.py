"""`Community` and `User`: what a device asks for before it answers. Secrets never appear in a repr or an error."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from agent.errors import ConfigError

__all__ = ["AUTH_PROTOCOLS", "PRIV_PROTOCOLS", "Community", "User"]

AUTH_PROTOCOLS = ("MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512")
"""RFC 3414 (MD5, SHA-1), RFC 7860 (SHA-2); net-snmp's spellings."""
PRIV_PROTOCOLS = ("DES", "AES", "AES-192", "AES-256", "AES-192-C", "AES-256-C")
"""RFC 3414, RFC 3826; AES-192/256 after draft-blumenthal-aes-usm-04, -C with the key extension that Cisco uses."""


@dataclass(frozen=True, slots=True)
class Community:
    """SNMPv1 or v2c."""

    version: Literal["1", "2c"]
    community: bytes = field(repr=False)

    def in_vlan(self, vlan: int) -> Community:
        """Return the credentials of a VLAN's copy of the tables, as Cisco indexes communities."""
        return replace(self, community=b"%s@%d" % (self.community, vlan))


@dataclass(frozen=True, slots=True)
class User:
    """SNMPv3, user-based security (RFC 3414).

    Attributes:
        name: the user's name on the device.
        auth: one of `AUTH_PROTOCOLS`, or empty for noAuthNoPriv.
        auth_key: passphrase, at least eight octets.
        priv: one of `PRIV_PROTOCOLS`, or empty for no privacy; needs `auth`.
        priv_key: passphrase, at least eight octets.
        context: contextName, mostly empty.

    Raises:
        ConfigError: an unknown protocol, a passphrase that is too short, or privacy without authentication.
    """

    name: str
    auth: str = ""
    auth_key: bytes = field(default=b"", repr=False)
    priv: str = ""
    priv_key: bytes = field(default=b"", repr=False)
    context: str = ""

    def __post_init__(self) -> None:
        if not 1 <= len(self.name.encode()) <= 32:
            raise ConfigError("an SNMPv3 user name has 1 to 32 octets", todo="Correct user in the credential file")
        self._check(self.auth, self.auth_key, AUTH_PROTOCOLS)
        self._check(self.priv, self.priv_key, PRIV_PROTOCOLS)
        if self.priv and not self.auth:
            raise ConfigError(
                "SNMPv3 user {user}: privacy needs authentication",
                todo="Add auth and its passphrase to the credential file, as the device has them",
                user=self.name,
            )

    def in_vlan(self, vlan: int) -> User:
        """Return the credentials of a VLAN's copy of the tables, as Cisco names contexts."""
        return replace(self, context=f"vlan-{vlan}")

    def _check(self, protocol: str, key: bytes, known: tuple[str, ...]) -> None:
        if protocol and protocol not in known:
            raise ConfigError(
                "SNMPv3 user {user}: {protocol!r} is not known",
                todo="use one of {known}",
                user=self.name,
                protocol=protocol,
                known=", ".join(known),
            )
        if protocol and len(key) < 8:
            raise ConfigError(
                "SNMPv3 user {user}: a passphrase has at least 8 octets",
                todo="Set a longer one on the device and in the credential file (RFC 3414, section 11.2)",
                user=self.name,
            )
