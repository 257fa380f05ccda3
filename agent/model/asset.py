"""`Asset` and `Campus`: what is on campus and gets asked; what the school declares about itself."""

from __future__ import annotations

from pydantic import Field

from agent.model.base import Decimal, Identifier, Timestamp, Word
from agent.model.exchange import Topic
from agent.model.wifi import WifiRooms, WifiTables

__all__ = ["Asset", "Campus", "Declaration", "Link", "Poll", "Room", "School"]


class Declaration(Word):
    """A value that a person states: who, when, why, and the digest of the document that shows it."""

    value: Decimal
    by: str
    at: Timestamp
    why: str
    document: str | None = None
    """`sha256:<hex>` of a contract or bill."""
    expires: Timestamp | None = None


class Asset(Word):
    """A thing on campus that is asked. `credentials` names a secret; the secret itself is never in a campus file."""

    id: Identifier
    family: Identifier
    address: str
    """Host name, IPv4 or IPv6 address."""
    port: int | None = Field(default=None, ge=1, le=65535)
    credentials: Identifier | None = None
    room: str | None = None
    host_key: str | None = Field(default=None, pattern=r"^SHA256:[A-Za-z0-9+/]{43}$")
    """For SSH: the fingerprint of the device's host key, as `ssh-keygen -lf` and OpenSSH show it. Without it, nothing
    is sent to the device; the gap names the key that it showed."""
    topics: tuple[Topic, ...] = ()
    """For brokers: what to listen to."""
    feeds: tuple[Identifier, ...] = ()
    """For power supplies: ids of the assets that get their power from here. Declared: no device tells it."""
    wifi: WifiTables | None = None
    """Filled in from the family when the asset is asked; a campus file may not hold it."""


class Link(Word):
    """A watched port: which asset, which port (ifName, ifAlias or ifDescr), and what it is for."""

    id: Identifier
    role: str = Field(pattern="^(egress|backbone|uplink|classroom|office|access)$")
    asset: Identifier
    port: str
    room: str | None = None
    contract_mbps: Declaration | None = None
    """Bought bandwidth in Mbit/s; declared, never shown as measured."""


class Room(Word):
    """A room of the school and what kind of place it is."""

    id: str
    kind: str = Field(pattern="^(classroom|office|laboratory|library|activity|living|other)$")


class School(Word):
    """The school itself."""

    id: Identifier
    name: str
    stages: tuple[str, ...] = ()


class Poll(Word):
    """The sampling plan of one collector: how often, with what total time per asset."""

    collector: str
    every_seconds: int = Field(ge=1)
    deadline_seconds: int = Field(default=60, ge=1, le=3600)


_DAILY = frozenset({"census", "ipv6"})
"""Collectors that walk whole tables of addresses."""


class Campus(Word):
    """The campus file."""

    version: str
    school: School
    timezone: str = "Asia/Shanghai"
    assets: tuple[Asset, ...] = ()
    links: tuple[Link, ...] = ()
    rooms: tuple[Room, ...] = ()
    plan: tuple[Poll, ...] = ()
    wifi: WifiRooms | None = None
    """How access points are placed in rooms."""

    def asset(self, name: str) -> Asset | None:
        """Return the asset of that id, or None."""
        return next((asset for asset in self.assets if asset.id == name), None)

    def links_of(self, asset: str) -> tuple[Link, ...]:
        """Return the links whose near end is on the asset."""
        return tuple(link for link in self.links if link.asset == asset)

    def poll(self, collector: str) -> Poll:
        """Return the plan of a collector; where the file says nothing every five minutes, large tables once a day."""
        found = next((poll for poll in self.plan if poll.collector == collector), None)
        if found is None and collector in _DAILY:
            return Poll(collector=collector, every_seconds=86_400, deadline_seconds=600)
        return found or Poll(collector=collector, every_seconds=300)
