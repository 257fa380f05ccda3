"""What a campus file must hold beyond its shape: everything that it names exists, nothing stands twice.

Rooms may come from a table (`agent.packs.rooms`); their faults then name its cells.
"""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agent.clock import parse_time
from agent.language import N_
from agent.model.calendar import parse_day
from agent.model.logs import LogStore
from agent.packs.faults import fault, known, twice

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from agent.errors import ConfigError
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.packs.yaml_source import Path, Source

__all__ = ["campus", "is_host"]

_ONCE: Final = (
    *(("assets", "id"), ("links", "id"), ("buildings", "id"), ("rooms", "id"), ("platforms", "id"), ("cameras", "id")),
    *(("log_sources", "id"), ("headcounts", "stage"), ("plan", "collector"), ("applications", "standard")),
)
"""Lists, and what tells their items apart."""
_SATURDAY: Final = 5
_NO_PLACES: Final = ("localtime", "posixrules", "Factory")
"""Names in the zone table that mean what the machine they are read on says: a reviewer's is another."""
_LABEL: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
"""A part of a host name (RFC 1123 section 2.1); names that Windows gives may hold underscores too."""
_ZONE: Final = re.compile(r"[A-Za-z0-9._-]{1,15}")
"""A network interface of this machine, as Linux names them (IFNAMSIZ)."""
_LONGEST_NAME: Final = 253


def campus(
    pack: Campus,
    source: Source,
    families: Collection[str] | None = None,
    collectors: Collection[str] | None = None,
) -> list[ConfigError]:
    """Check a campus file: every id once, what it names exists, people and days are sane, its rooms are read in."""
    faults = [
        one for name, key in _ONCE for one in twice(source, [(name, n, key) for n in range(len(getattr(pack, name)))])
    ]
    for kind, names in _lists(pack, families, collectors).items():
        for place, name in _named(pack, kind):
            faults += known(source, place, name, names, kind)
    faults += _assets(pack, source)
    faults += _declared(pack, source)
    faults += _stages(pack, source)
    faults += _days(pack, source)
    if bool(pack.rooms_file) != (pack.rooms_digest is not None):
        missing, alone = N_("the table of rooms is not read in here"), N_("rooms_digest goes with rooms_file")
        what = missing if pack.rooms_file else alone
        key = "rooms_file" if pack.rooms_file else "rooms_digest"
        faults.append(fault(source, (key,), what, "Leave rooms_digest out: it is written when the table is read"))
    return faults + _timezone(source, pack.timezone)


def _lists(
    pack: Campus, families: Collection[str] | None, collectors: Collection[str] | None
) -> dict[str, Collection[str] | None]:
    """Return what may be named, by kind; None: anything."""
    return {
        N_("family"): families,
        N_("collector"): collectors,
        N_("asset"): frozenset(asset.id for asset in pack.assets),
        N_("room"): frozenset(room.id for room in pack.rooms),
        N_("building"): frozenset(building.id for building in pack.buildings),
    }


def _named(pack: Campus, kind: str) -> Iterator[tuple[Path, str]]:
    """Yield every place that names something of a kind, and the name."""
    if kind == "collector":
        yield from ((("plan", n, "collector"), poll.collector) for n, poll in enumerate(pack.plan))
    elif kind == "family":
        yield from ((("assets", n, "family"), asset.family) for n, asset in enumerate(pack.assets))
    elif kind == "building":
        yield from ((("rooms", n, "building"), room.building) for n, room in enumerate(pack.rooms) if room.building)
    elif kind == "room":
        yield from _named_rooms(pack)
    else:
        yield from _named_assets(pack)
        yield from _named_in_rooms(pack)


def _named_rooms(pack: Campus) -> Iterator[tuple[Path, str]]:
    for name in ("assets", "links", "cameras"):
        for n, item in enumerate(getattr(pack, name)):
            if item.room is not None:
                yield (name, n, "room"), item.room
    for n, placed in enumerate(pack.wifi.aps if pack.wifi is not None else ()):
        yield ("wifi", "aps", n, "room"), placed.room


def _named_assets(pack: Campus) -> Iterator[tuple[Path, str]]:
    for n, asset in enumerate(pack.assets):
        yield from ((("assets", n, "feeds", m), fed) for m, fed in enumerate(asset.feeds))
        if asset.logs is not None and asset.logs.canary_of:
            yield ("assets", n, "logs", "canary_of"), asset.logs.canary_of
    yield from ((("links", n, "asset"), link.asset) for n, link in enumerate(pack.links))
    for n, system in enumerate(pack.systems):
        yield from ((("systems", n, "assets", m), asset) for m, asset in enumerate(system.assets))
    for n, platform in enumerate(pack.platforms):
        yield from ((("platforms", n, "assets", m), asset) for m, asset in enumerate(platform.assets))
    for n, camera in enumerate(pack.cameras):
        yield from ((("cameras", n, "recorded", m, "recorder"), on.recorder) for m, on in enumerate(camera.recorded))
        if camera.switch is not None:
            yield ("cameras", n, "switch"), camera.switch
    for n, kept in enumerate(pack.log_sources):
        yield from ((("log_sources", n, "stored", m, "store"), on.store) for m, on in enumerate(kept.stored))
        if kept.asset is not None:
            yield ("log_sources", n, "asset"), kept.asset


def _named_in_rooms(pack: Campus) -> Iterator[tuple[Path, str]]:
    for n, room in enumerate(pack.rooms):
        for m, piece in enumerate(room.equipment):
            for key, name in (("asset", piece.asset), ("switch", piece.switch)):
                if name is not None:
                    yield ("rooms", n, "equipment", m, key), name


def _assets(pack: Campus, source: Source) -> list[ConfigError]:
    """Check addresses, what only a family or a challenge may say, and what an asset feeds: each once, not itself."""
    faults = []
    for n, asset in enumerate(pack.assets):
        if not is_host(asset.address):
            # The address is not repeated: somebody may have put a password into a URL.
            what = N_("this is neither an IP address nor a host name")
            todo = N_("Write only the address, in half-width characters: 192.0.2.1, 2001:db8::1 or nvr.school.example")
            faults.append(fault(source, ("assets", n, "address"), what, todo))
        if asset.draw:
            faults.append(fault(source, ("assets", n, "draw"), "the challenge says what is drawn, not a file"))
        if asset.rtsp_port is not None and asset.playback is None:
            what = N_("this port is for playing recordings, and nothing of this asset is played")
            faults.append(fault(source, ("assets", n, "rtsp_port"), what, "Write  playback: 2  too, or leave it out"))
        if asset.wifi is not None:
            faults.append(fault(source, ("assets", n, "wifi"), "wifi tables belong into the family"))
        faults += _logs(n, asset, source)
        places: list[Path] = [("assets", n, "feeds", m) for m in range(len(asset.feeds))]
        faults += twice(source, places)
        faults += [
            fault(source, place, "{name} cannot feed itself", name=fed)
            for place, fed in zip(places, asset.feeds, strict=True)
            if fed == asset.id
        ]
    return faults


def is_host(text: str) -> bool:
    """Tell whether a text is an IPv4 or IPv6 address (with a zone, RFC 4007) or can be a host name (RFC 1123).

    A name whose last part is a number is none: it is an address that was mistyped.
    """
    address, percent, zone = text.partition("%")
    try:
        ipaddress.ip_address(f"{address}%0" if percent else address)
    except ValueError:
        labels = text.removesuffix(".").split(".")
        named = len(text) <= _LONGEST_NAME and all(_LABEL.fullmatch(label) for label in labels)
        return named and not labels[-1].isdigit()
    return not percent or _ZONE.fullmatch(zone) is not None


def _logs(n: int, asset: Asset, source: Source) -> list[ConfigError]:
    """Check that logs in files have a directory, and a canary a store."""
    logs, place = asset.logs or LogStore(), ("assets", n, "logs")
    if asset.family in ("log-files", "journal-files") and not logs.where.startswith("/"):
        what = N_("logs in files need the directory in which they are")
        return [
            fault(source, place, what, "Write the directory into logs.where of this asset, for example /var/log/remote")
        ]
    if asset.family == "syslog-canary" and not logs.canary_of:
        what = N_("a canary needs the log store that keeps it")
        return [fault(source, place, what, "Write the id of the log store into logs.canary_of of this asset")]
    return []


def _declared(pack: Campus, source: Source) -> list[ConfigError]:
    """Check declared values: no bandwidth below zero, nothing that ends before it was stated."""
    stated = [
        *((("links", n, "contract_mbps"), link.contract_mbps) for n, link in enumerate(pack.links)),
        *((("headcounts", n), count) for n, count in enumerate(pack.headcounts)),
        *((("declarations", name), value) for name, value in pack.declarations.items()),
    ]
    faults = [
        fault(source, (*place, "expires"), "it expires before it was stated", "Correct at or expires")
        for place, value in stated
        if value is not None and value.expires is not None and parse_time(value.expires) < parse_time(value.at)
    ]
    for n, link in enumerate(pack.links):
        if link.contract_mbps is not None and link.contract_mbps.value.startswith("-"):
            faults.append(fault(source, ("links", n, "contract_mbps", "value"), "a bandwidth cannot be negative"))
    return faults


def _stages(pack: Campus, source: Source) -> list[ConfigError]:
    """Check that people and rooms are of stages that the school has; without any stage stated, all will do."""
    stages = pack.school.stages or None
    faults = []
    for n, count in enumerate(pack.headcounts):
        faults += known(source, ("headcounts", n, "stage"), count.stage, stages, N_("stage of this school"))
        upper = count.classes_from_grade_three
        if upper is not None and upper > count.classes:
            what = N_("there cannot be more classes from grade three up than classes")
            faults.append(fault(source, ("headcounts", n, "classes_from_grade_three"), what))
    for n, room in enumerate(pack.rooms):
        if room.stage is not None:
            faults += known(source, ("rooms", n, "stage"), room.stage, stages, N_("stage of this school"))
    return faults


def _days(pack: Campus, source: Source) -> list[ConfigError]:
    """Check the calendar: terms in order and apart, make-up days at weekends, no day given twice."""
    calendar = pack.calendar
    if calendar is None:
        return []
    faults = [
        fault(source, ("calendar", "terms", n, "since"), "this term begins before the one above it ends")
        for n in range(1, len(calendar.terms))
        if calendar.terms[n].since <= calendar.terms[n - 1].until
    ]
    for name, days in (("holidays", calendar.holidays), ("make_up_days", calendar.make_up_days)):
        faults += twice(source, [("calendar", name, n) for n in range(len(days))])
    return faults + [
        fault(source, ("calendar", "make_up_days", n), "a make-up day is a Saturday or Sunday; this is neither")
        for n, day in enumerate(calendar.make_up_days)
        if parse_day(day).weekday() < _SATURDAY
    ]


def _timezone(source: Source, name: str) -> list[ConfigError]:
    if name not in _NO_PLACES:
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            ZoneInfo(name)
            return []
    return [fault(source, ("timezone",), "{name!r} is not a time zone", "Write Asia/Shanghai", name=name[:60])]
