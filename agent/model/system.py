"""Systems and platforms that clauses ask for by what they do, and the assets that show them."""

from __future__ import annotations

from typing import Final, Literal, get_args

from pydantic import Field

from agent.model.base import Identifier, Word

__all__ = ["PLATFORMS", "SYSTEMS", "Platform", "PlatformKind", "System", "SystemKind"]

SystemKind = Literal[
    "broadcast",
    "tv",
    "conference",
    "surveillance",
    "gate",
    "visitor",
    "attendance",
    "card-access",
    "card-payment",
    "card-locker",
    "card-library",
    "canteen",
    "shop",
    "calls",
    "fire",
    "emergency-broadcast",
    "intrusion-alarm",
    "video-analysis",
    "class-board",
    "information-display",
    "electronic-library",
    "environment-control",
    "iot-platform",
    "recording",
    "data-centre",
    "backup",
    "authentication",
    "log-analysis",
    "website",
    "other",
]
"""What a system does, as far as the clauses tell systems apart.

`gate` is access control of doors and gates; `card-*` are the parts of a one-card system; `calls` telephones for
students; `authentication` lets terminals into the network by name; `information-display` publishes to screens.
"""
SYSTEMS: Final[tuple[SystemKind, ...]] = get_args(SystemKind)

PlatformKind = Literal[
    "national", "province", "city", "county", "education-network", "internet", "cloud-lesson", "school", "other"
]
"""Whose platform it is. `education-network` is a private network of education, `internet` any service outside."""
PLATFORMS: Final[tuple[PlatformKind, ...]] = get_args(PlatformKind)


class System(Word):
    """A system of the school, and the assets whose answers show that it works: all of them."""

    kind: SystemKind
    name: str = ""
    assets: tuple[Identifier, ...] = Field(min_length=1)


class Platform(Word):
    """A platform outside the school, or a site of its own, that lessons and offices must reach."""

    id: Identifier
    kind: PlatformKind
    url: str = Field(default="", pattern=r"^(https?://[^\s/@]+(/\S*)?)?$")
    """Its page, without user or password; empty where its assets say all."""
    assets: tuple[Identifier, ...] = ()
    """The assets that are asked for it."""
