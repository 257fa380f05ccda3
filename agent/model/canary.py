"""Canaries: harmless events of our own that are sent through syslog (`CanarySend`) and looked up again later.

Content never leaves a store: what is looked up are nonces that the agent made.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agent.model.base import Day, Identifier, Word

__all__ = [
    "CANARY_HOST",
    "CANARY_TAG",
    "CanaryDays",
    "CanaryFound",
    "CanaryList",
    "CanaryNonces",
    "CanarySeek",
    "CanarySend",
    "CanarySent",
    "SourceNonces",
]

CANARY_HOST = "campus-canary"
"""The host that a canary names: a source of its own, so that no other source seems to have written."""
CANARY_TAG = "campus-agent"
"""The program that it names."""


class CanaryDays(Word):
    """Days of a source's canaries."""

    source: Identifier
    days: tuple[str, ...] = ()
    """In order."""


class CanarySend(Word):
    """Send today's harmless event for each source to a log collector through syslog.

    Its nonce follows from the campus's key, store, source and day: nothing that is recorded helps to make one.
    """

    op: Literal["canary.send"] = "canary.send"
    store: Identifier
    sources: tuple[Identifier, ...]
    protocol: Literal["udp", "tcp"] = "udp"
    timezone: str


class CanarySent(Word):
    """What was sent; whether it arrived, a later look shows."""

    op: Literal["canary.sent"] = "canary.sent"
    day: Day
    sources: tuple[CanaryDays, ...]
    """Of each source all days on which one was sent, today included, as far back as they are remembered."""
    elapsed_ms: int


class CanarySeek(Word):
    """Look in the files of a store which canaries are still there."""

    op: Literal["canary.seek"] = "canary.seek"
    store: Identifier
    where: str
    layout: Literal["syslog", "journal"]
    sources: tuple[Identifier, ...]
    timezone: str


class CanaryFound(Word):
    """Which canaries are there."""

    op: Literal["canary.found"] = "canary.found"
    sources: tuple[CanaryDays, ...]
    unreadable: int = 0
    """Files that could not be read to their end."""
    unread: int = 0
    """Files that were not looked at because time ran out."""
    elapsed_ms: int


class CanaryList(Word):
    """Ask the agent itself which canaries it sent to a store: a store over HTTP is asked for them by their nonces.

    Those that are told are of days that are over, or of today, and none of them helps to make another.
    """

    op: Literal["canary.list"] = "canary.list"
    store: Identifier
    sources: tuple[Identifier, ...]
    days: int = Field(ge=1, le=400)
    """How many days back."""


_Nonce = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class SourceNonces(Word):
    """The canaries that were sent for a source."""

    source: Identifier
    nonces: dict[Day, _Nonce] = Field(default_factory=dict)
    """By day, as far back as they are remembered."""


class CanaryNonces(Word):
    """The canaries that the agent remembers."""

    op: Literal["canary.nonces"] = "canary.nonces"
    sources: tuple[SourceNonces, ...]
    """One for every source that was asked for."""
    elapsed_ms: int
