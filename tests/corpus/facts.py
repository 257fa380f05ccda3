"""Facts that another system computed of recordings, and what our readings say of the same thing.

A fact is derivable if the recording alone holds it; the corpus says so, with its reasons (`derivable`,
`truth_caveats`). Of the others nothing is compared, and the reason is kept.
"""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agent.model.reading import Reading
    from agent.sessions.redact import Redactor

__all__ = ["REASONS", "Fact", "compare"]

GARBAGE = "the interface table of this card is garbage (truth_caveats)"
WRONG = {
    ("mypoweros", "IPv6 address"): "upstream read the length octet as part of the address (truth_caveats)",
    ("netagent2", "UPS runtime"): "9999 s is where four digits end, so the time is unknown (truth_caveats)",
    ("huaweiups_ups2000", "UPS runtime"): "4294967295 is all ones, so the time is unknown (truth_caveats)",
    (
        "aruba-instant_105",
        "Wi-Fi clients",
    ): "AI-AP-MIB has no count; the table of clients, by their MACs, is never asked",
    ("cyberpower_pr2200rt2uc", "port"): GARBAGE,
    ("powerwalker-vfi_500r1u", "port"): GARBAGE,
    ("cyberpower_pr2200rt2uc", "port alias"): GARBAGE,
    ("powerwalker-vfi_500r1u", "port alias"): GARBAGE,
}
"""By recording and kind: why the other system's value is none to agree with."""
REASONS = {
    (
        "aruba-instant_105",
        "chassis serial",
    ): "the other system makes up a chassis; its serial number is the key of the virtual controller",
    ("hikvision-cam", "hardware"): "the recording has no sysObjectID, which chooses the objects of the maker",
    ("hikvision-cam", "version"): "the recording has no sysObjectID, which chooses the objects of the maker",
    ("netagent2", "version"): "upsIdentAgentSoftwareVersion is the version of the card, not of the UPS",
    ("ruckuswireless-sz", "hardware"): "the model stands in a table that is indexed by the serial number, never asked",
}
"""By recording and fact: why ours is something else, where that is known and meant."""
STATES = frozenset({"up", "down", "testing", "unknown", "dormant", "notPresent", "lowerLayerDown"})
"""Of IF-MIB; a device that sends another number has none."""
SATURATED = 4_294_967_295
"""ifSpeed that the other system takes for a speed."""


@dataclass(frozen=True)
class Fact:
    """One value of the other system, and ours."""

    kind: str
    what: str
    wanted: str
    ours: str
    agrees: bool
    excluded: str = ""
    """Why it is not compared; empty if it is."""


class _Ours:
    """Our readings of one recording."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self.of: dict[str, dict[str, str]] = defaultdict(dict)
        for one in readings:
            self.of[one.metric][one.subject] = one.value

    def values(self, *metrics: str) -> list[str]:
        return [value for metric in metrics for value in self.of[metric].values()]

    def asset(self, metric: str) -> str:
        return next((value for subject, value in self.of[metric].items() if subject.startswith("asset:")), "")


def compare(name: str, truth: dict[str, Any], readings: Sequence[Reading], redactor: Redactor) -> list[Fact]:
    """Return every fact of a recording with what we say.

    Args:
        name: of the recording.
        truth: its entry in EXPECTED.json.
        readings: ours.
        redactor: under the key of the readings: serial numbers are compared as pseudonyms.
    """
    ours = _Ours(readings)
    found = [
        *_identity(truth, ours, redactor),
        *_ports(truth, ours),
        *_addresses(truth, ours),
        *_links(truth, ours),
        *_wifi(truth, ours),
        *_ups(truth, ours),
    ]
    return [
        Fact(one.kind, one.what, one.wanted, one.ours, one.agrees, WRONG.get((name, one.kind), one.excluded))
        for one in found
    ]


def _identity(truth: dict[str, Any], ours: _Ours, redactor: Redactor) -> Iterator[Fact]:
    told = truth["identity"]
    if (wanted := (told.get("sysObjectID") or "").lstrip(".")) and truth["derivable"]["identity"][
        "sysObjectID"
    ] == "yes":
        found = ours.asset("identity.object_id")
        yield Fact("identity", "sysObjectID", wanted, found, wanted == found)
    texts = ours.values(
        *("identity.description", "identity.firmware", "identity.model", "chassis.description", "chassis.name"),
        *("chassis.software", "chassis.firmware", "chassis.hardware", "chassis.model", "ups.model", "ups.firmware"),
        *("wifi.ap.model", "wifi.ap.version", "wifi.ap.name"),
    )
    for key in ("hardware", "version"):
        if not (wanted := told.get(key)):
            continue
        derivable = truth["derivable"]["identity"].get(key, "")
        hits = [text for text in texts if wanted in text]
        excluded = "" if derivable.startswith("yes") else f"not in the recording as it stands: {derivable}"
        yield Fact("identity", key, wanted, hits[0] if hits else "", bool(hits), excluded)
    serials = {(fact.get("serial") or "", "chassis serial") for fact in truth.get("chassis") or []}
    serials |= {(told.get("serial") or "", "serial")}
    pseudonyms = [one for metric in list(ours.of) if "serial" in metric for one in ours.of[metric].values()]
    for wanted, what in sorted(serials):
        if wanted:
            masked = redactor.pseudonym("serial", wanted.encode()).decode()
            yield Fact("identity", what, masked, masked if masked in pseudonyms else "", masked in pseudonyms)


def _ports(truth: dict[str, Any], ours: _Ours) -> Iterator[Fact]:
    rows = (truth.get("ports") or {}).get("rows", [])
    by_index = {value.split("|")[0]: subject for subject, value in ours.of["interface.identity"].items()}
    for row in rows:
        index = str(row["ifIndex"])
        subject = by_index.get(index, "")

        def of(metric: str, at: str = subject) -> str:
            return ours.of[metric].get(at, "")

        name = of("interface.name")
        wanted = (row.get("ifName") or row.get("ifDescr") or "").strip()
        yield Fact("port", f"{index} name", wanted, name, name == wanted)
        for metric, key in (("interface.oper_status", "ifOperStatus"), ("interface.admin_status", "ifAdminStatus")):
            if row.get(key):
                illegal = "" if row[key] in STATES else "the device sends a number that is no state"
                yield Fact("port state", f"{index} {key}", row[key], of(metric), of(metric) == row[key], illegal)
        if row.get("ifAlias"):
            alias = of("interface.alias") or of("interface.description") or name
            yield Fact("port alias", f"{index} ifAlias", row["ifAlias"], alias, _plain(alias) == _plain(row["ifAlias"]))
        yield from _speed(row, index, of)
        for metric, key in (("interface.octets.in", "ifInOctets"), ("interface.octets.out", "ifOutOctets")):
            if row.get(key) is not None and of(metric):
                yield Fact("port octets", f"{index} {key}", str(row[key]), of(metric), of(metric) == str(row[key]))


def _speed(row: dict[str, Any], index: str, of: Callable[[str], str]) -> Iterator[Fact]:
    wanted, found = row.get("ifSpeed"), of("interface.speed")
    if not wanted:
        return
    saturated = "4294967295 is more than a Gauge32 can say, not a speed" if wanted == SATURATED else ""
    agrees = bool(found) and Fraction(found) * 1_000_000 == wanted
    yield Fact("port speed", f"{index} ifSpeed", str(wanted), found, agrees, saturated)


def _addresses(truth: dict[str, Any], ours: _Ours) -> Iterator[Fact]:
    found = [text.split("(")[0] for value in ours.values("ipv6.addresses", "ipv6.rejected") for text in value.split()]
    for row in (truth.get("ipv6_addresses") or {}).get("rows", []):
        address = str(ipaddress.ip_address(row["address"]))
        # a length of 0 is how the other system writes that no table gives one
        wanted = f"{address}/{row['prefixlen']}" if row["prefixlen"] else address
        hits = [text for text in found if text == wanted or text.split("/")[0] == wanted]
        yield Fact("IPv6 address", wanted, wanted, " ".join(hits), bool(hits))


def _links(truth: dict[str, Any], ours: _Ours) -> Iterator[Fact]:
    found = [
        (port, ours.of["neighbour.name"].get(subject, ""), ours.of["neighbour.remote_port"].get(subject, ""))
        for subject, port in ours.of["neighbour.port"].items()
    ]
    for row in (truth.get("links") or {}).get("rows", []):
        # "G1 (14a0f8cfaf39)": the address behind the port is an addition of the other system
        ports = {row["remote_port"], re.sub(r" \([0-9a-f]{12}\)$", "", row["remote_port"])}
        hits = [
            one
            for one in found
            if one[0] == row["local_ifName"] and one[1] == row["remote_hostname"] and one[2] in ports
        ]
        wanted = f"{row['local_ifName']} -> {row['remote_hostname']} {row['remote_port']}"
        yield Fact("neighbour", wanted, wanted, str(hits[0]) if hits else "", bool(hits))


def _wifi(truth: dict[str, Any], ours: _Ours) -> Iterator[Fact]:
    wireless = truth.get("wireless") or {}
    counts = wireless.get("ap_count") or []
    for fact in counts:
        metric = "wifi.aps.configured" if fact["descr"] == "Total APs" and len(counts) > 1 else "wifi.aps"
        found = ours.asset(metric)
        yield Fact("Wi-Fi access points", fact["descr"], str(fact["value"]), found, found == str(fact["value"]))
    clients = {fact["descr"]: fact["value"] for fact in wireless.get("clients") or []}
    if clients:
        totals = [count for name, count in clients.items() if "total" in name.lower()]
        bands = [count for name, count in clients.items() if name.startswith("Clients (")]
        wanted = str(totals[0] if totals else sum(bands) if bands else sum(clients.values()))
        found = ours.asset("wifi.clients")
        yield Fact("Wi-Fi clients", "total", wanted, found, found == wanted)


def _ups(truth: dict[str, Any], ours: _Ours) -> Iterator[Fact]:
    if "ups" not in truth:
        return
    for fact in truth["ups"].get("runtime_minutes") or []:
        passed = any(word in fact["descr"].lower() for word in ("time on battery", "current time")) and (
            "estimated" not in fact["descr"].lower()
        )
        # one card's "Time on battery" is the time so far, another's the time left; the object tells
        so_far = passed or fact["oids"][0].startswith("1.3.6.1.2.1.33.1.2.2")
        found = (ours.values("ups.on_battery_time" if so_far else "ups.runtime") or [""])[0]
        seconds = 60 * Fraction(str(fact["minutes"]))
        agrees = bool(found) and abs(Fraction(found) - seconds) < 1
        yield Fact(
            "UPS runtime" if not so_far else "UPS time on battery", fact["descr"], str(float(seconds)), found, agrees
        )
    charges = ours.values("ups.charge")
    for fact in truth["ups"].get("charge_percent") or []:
        wanted = str(fact["percent"])
        yield Fact("UPS charge", fact["descr"], wanted, " ".join(charges), wanted in charges)
    loads = {Fraction(load): load for load in ours.values("ups.load", "ups.line_load")}
    for sensor in truth["sensors"]["rows"]:
        if sensor["class"] == "load":
            wanted = str(sensor["value"])
            yield Fact("UPS load", sensor["descr"], wanted, " ".join(loads.values()), Fraction(wanted) in loads)


def _plain(text: str) -> str:
    return " ".join(text.split())
