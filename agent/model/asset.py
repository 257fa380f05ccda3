"""`Asset`: a thing on campus that is asked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agent.model.base import Identifier, Word
from agent.model.exchange import Topic
from agent.model.logs import LogStore
from agent.model.wifi import WifiTables

__all__ = ["Asset", "SecurityFunction"]

SecurityFunction = Literal[
    "firewall",
    "antivirus",
    "intrusion-prevention",
    "traffic-management",
    "behaviour-management",
    "waf",
    "log-audit",
    "vulnerability-scan",
    "content-filter",
]
"""A function of network security that a standard may ask for."""


class Asset(Word):
    """A thing on campus that is asked. `credentials` names a secret; the secret itself is never in a campus file."""

    id: Identifier
    family: Identifier
    address: str
    """Host name, IPv4 or IPv6 address."""
    port: int | None = Field(default=None, ge=1, le=65535)
    ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = Field(default=(), max_length=8)
    """For hosts that are asked only whether they answer: the TCP ports of all their services, instead of `port`."""
    credentials: Identifier | None = None
    room: str | None = None
    host_key: str | None = Field(default=None, pattern=r"^SHA256:[A-Za-z0-9+/]{43}$")
    """For SSH: the fingerprint of the device's host key, as `ssh-keygen -lf` and OpenSSH show it. Without it, nothing
    is sent to the device; the gap names the key that it showed."""
    legacy: bool | None = None
    """For SSH: the device knows only algorithms that are broken (SHA-1, CBC, DSA), and the school uses them all the
    same. Such a connection can be read and changed by somebody in between who spends enough on it."""
    scheme: Literal["", "http", "https"] = ""
    """For HTTP: where the asset speaks otherwise than its family's profile says."""
    certificate: str | None = Field(default=None, pattern=r"^SHA256:[A-Za-z0-9+/]{43}$")
    """For HTTPS: the fingerprint of the certificate that the device shows, usually one that it signed itself. Without
    it the certificate must be good by the system's authorities."""
    basic: bool | None = None
    """The device's password may be sent as it is (RFC 7617): only for devices that cannot do digest."""
    logs: LogStore | None = None
    """For log stores: where on it the logs are."""
    search_days: int | None = Field(default=None, ge=1, le=400)
    """For recorders: over how many days back footage is looked for; 100 where the file does not say."""
    playback: int | None = Field(default=None, ge=1, le=100)
    """For recorders: how many cameras have their oldest hour played for some seconds in a run."""
    rtsp_port: int | None = Field(default=None, ge=1, le=65535)
    """For recorders that are played: the port of RTSP, where it is not 554 and the device does not say so itself."""
    draw: str = ""
    """Filled in from the backend's challenge when the asset is asked: what chooses those cameras. A campus file may not
    hold it."""
    topics: tuple[Topic, ...] = ()
    """For brokers: what to listen to."""
    feeds: tuple[Identifier, ...] = ()
    """For power supplies: ids of the assets that get their power from here. Declared: no device tells it."""
    functions: tuple[SecurityFunction, ...] = ()
    """Security functions that the school says this device performs. Declared: what the device shows of them is
    measured apart."""
    wifi: WifiTables | None = None
    """Filled in from the family when the asset is asked; a campus file may not hold it."""

    def drawn(self, nonce: str) -> Asset:
        """Return the asset with what chooses the cameras whose footage is played, where it has any played at all."""
        return self.model_copy(update={"draw": nonce}) if self.playback and nonce else self
