"""In which room an access point hangs, and the rule that says so; pure.

The rules, first match wins; a room that the campus file does not list is no room:

    table    the campus file names the access point
    name     its name matches the campus file's pattern, whose group `room` is the room
    asset    the device is itself the access point, and the campus file says where it stands

What stays unplaced has no reading. The port of the switch that it hangs on is another device's word: `agent.assess`
joins that.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.collectors.wifi.inventory import AccessPoint
    from agent.model.asset import Asset
    from agent.model.campus import Campus

__all__ = ["LONGEST_NAME", "placed"]

LONGEST_NAME = 64
"""Characters of a name that is matched; controllers allow 31 to 64."""


def placed(aps: Iterable[AccessPoint], asset: Asset, campus: Campus) -> dict[str, tuple[str, str]]:
    """Return room and rule by the key of the access point."""
    every = list(aps)
    rooms = {room.id for room in campus.rooms}
    taken = Counter(ap.name for ap in every)
    stated = {each.ap: each.room for each in campus.wifi.aps} if campus.wifi is not None else {}
    found = {}
    for ap in every:
        # a list that names one of two equal names says nothing about which
        listed = stated.get(ap.name, "") if taken[ap.name] == 1 else ""
        for rule, room in (("table", listed), ("name", _by_name(ap, campus)), ("asset", _by_asset(ap, asset))):
            if room and room in rooms:
                found[ap.key] = (room, rule)
                break
    return found


def _by_name(ap: AccessPoint, campus: Campus) -> str:
    pattern = campus.wifi.room_pattern if campus.wifi is not None else None
    if pattern is None or not ap.name or len(ap.name) > LONGEST_NAME:
        return ""
    match = re.fullmatch(pattern, ap.name)
    return (match["room"] or "") if match is not None else ""


def _by_asset(ap: AccessPoint, asset: Asset) -> str:
    return asset.room or "" if not ap.index else ""
