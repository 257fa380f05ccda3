"""What firewalls and their relatives tell by SNMP, per vendor: facts of their MIBs as data.

Sources: FORTINET-FORTIGATE-MIB; PAN-COMMON-MIB; CHECKPOINT-MIB; SFOS-FIREWALL-MIB;
SONICWALL-FIREWALL-IP-STATISTICS-MIB; WATCHGUARD-INFO-SYSTEM-MIB, WATCHGUARD-SYSTEM-STATISTICS-MIB;
ZYXEL-ZYWALL-MIB, ZYXEL-ZYWALL-ZLD-COMMON-MIB; HUAWEI-SECURITY-STAT-MIB, HUAWEI-SECSTAT-MIB;
HH3C-SESSION-MIB, HH3C-FIREWALL-MIB, HH3C-LICENSE-MIB; HILLSTONE-SYSTEM-MIB;
JUNIPER-SRX5000-SPU-MONITORING-MIB, JUNIPER-JS-IDP-MIB, JUNIPER-JS-UTM-AV-MIB;
CISCO-FIREWALL-MIB, CISCO-UNIFIED-FIREWALL-MIB. Of Sangfor's AC only what public projects that read it agree about: no
MIB was found.

Huawei, H3C, Hillstone and SonicWall give no version or date of signatures in any MIB that was found, and nobody counts
viruses or intrusions there: those functions are `not-measurable` on them, and their command lines say more. The IPS
counters of HILLSTONE-STATISTICS-MIB are of "the last period", which has no length: they are not read. Topsec's objects
contradict each other by model and are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.collectors.security.words import Amount, Cell, Duty, Licence, Licences, Mib, State, Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.collectors.security.words import LicenceState
    from agent.model.asset import SecurityFunction

__all__ = ["MIBS"]

_E = "1.3.6.1.4.1"


def _scalars(*oids: str) -> Amount:
    """Return the sum of instances."""
    return Amount((tuple(Cell(f"{_E}.{oid}") for oid in oids),))


def _columns(*oids: str) -> Amount:
    """Return the sum of all rows of columns."""
    return Amount((tuple(Cell(f"{_E}.{oid}", column=True) for oid in oids),))


def _either(*amounts: Amount) -> Amount:
    return Amount(tuple(alternative for amount in amounts for alternative in amount.alternatives))


def _words(oid: str, *none: str) -> Words:
    return Words(Cell(f"{_E}.{oid}"), none=frozenset(none))


def _state(oid: str, runs: str, rests: str, *, column: bool = False) -> State:
    return State(Cell(f"{_E}.{oid}", column=column), frozenset(runs.split()), frozenset(rests.split()))


# --- Fortinet -------------------------------------------------------------------------------------------------------

_FG = "12356.101"
_WEB = f"{_FG}.10.1.2.1.1"
_GUARD = f"{_FG}.10.1.2.2.1"
_FORTINET_NAMES: tuple[tuple[str, SecurityFunction], ...] = (
    (r"virus|\bav\b", "antivirus"),
    (r"\bips\b|intrusion|attack def|\bnids\b", "intrusion-prevention"),
    (r"web ?filter|url|\bfurl\b", "content-filter"),
    (r"application", "behaviour-management"),
)
FORTIGATE = Mib(
    name="FORTINET-FORTIGATE-MIB",
    anchors=(f"{_E}.{_FG}.4.1.8.0",),
    sessions=_scalars(f"{_FG}.4.1.8.0", f"{_FG}.4.1.15.0"),
    duties=(
        Duty("firewall", by="sessions"),
        Duty(
            "antivirus",
            detected=_columns(f"{_FG}.8.2.1.1.1"),
            blocked=_columns(f"{_FG}.8.2.1.1.2"),
            version=_words(f"{_FG}.4.2.1.0"),
            dated=True,
        ),
        Duty(
            "intrusion-prevention",
            detected=_columns(f"{_FG}.9.2.1.1.1"),
            blocked=_columns(f"{_FG}.9.2.1.1.2"),
            version=_words(f"{_FG}.4.2.2.0"),
            dated=True,
        ),
        Duty(
            "content-filter",
            examined=_columns(f"{_GUARD}.1", f"{_GUARD}.2"),
            blocked=_columns(*(f"{_WEB}.{n}" for n in range(1, 5))),
        ),
    ),
    licences=(
        Licences(
            name=f"{_E}.{_FG}.4.6.3.2.2.1.1",
            functions=_FORTINET_NAMES,
            expiry=f"{_E}.{_FG}.4.6.3.2.2.1.2",
        ),
        Licences(
            name=f"{_E}.{_FG}.4.6.3.1.2.1.1",
            functions=_FORTINET_NAMES,
            expiry=f"{_E}.{_FG}.4.6.3.1.2.1.2",
        ),
    ),
)

# --- Palo Alto ------------------------------------------------------------------------------------------------------

_PAN = "25461.2.1.2"
_NO_CONTENT = ("0", "0.0.0", "000.00.00.000", "0000.00.00.000")
PALO_ALTO = Mib(
    name="PAN-COMMON-MIB",
    anchors=(f"{_E}.{_PAN}.3.3.0",),
    sessions=_scalars(f"{_PAN}.3.3.0"),
    capacity=_scalars(f"{_PAN}.3.2.0"),
    duties=(
        Duty("firewall", by="sessions", blocked=_scalars(f"{_PAN}.1.19.9.7.0")),
        Duty("antivirus", version=_words(f"{_PAN}.1.8.0", *_NO_CONTENT), date=_words(f"{_PAN}.1.22.0")),
        Duty("intrusion-prevention", version=_words(f"{_PAN}.1.9.0", *_NO_CONTENT), date=_words(f"{_PAN}.1.21.0")),
        Duty("behaviour-management", version=_words(f"{_PAN}.1.7.0", *_NO_CONTENT), date=_words(f"{_PAN}.1.20.0")),
    ),
)

# --- Check Point ----------------------------------------------------------------------------------------------------

_CP = "2620.1"
_SUBSCRIPTION: Mapping[str, LicenceState] = {
    "valid": "valid",
    "expired": "expired",
    "about-to-expire": "expiring",
    "not-associated": "none",
}
CHECK_POINT = Mib(
    name="CHECKPOINT-MIB",
    anchors=(f"{_E}.{_CP}.1.25.3.0",),
    sessions=_scalars(f"{_CP}.1.25.3.0"),
    duties=(
        Duty(
            "firewall",
            by="sessions",
            examined=_either(_scalars(f"{_CP}.1.25.6.0"), _scalars(f"{_CP}.1.4.0")),
            blocked=_either(_scalars(f"{_CP}.1.25.16.0", f"{_CP}.1.25.14.0"), _scalars(f"{_CP}.1.6.0", f"{_CP}.1.5.0")),
        ),
        Duty(
            "antivirus",
            version=_words(f"{_CP}.46.5.4.0"),
            licence=Licence(_SUBSCRIPTION, Cell(f"{_E}.{_CP}.46.3.1.0"), Cell(f"{_E}.{_CP}.46.3.2.0")),
            update=Cell(f"{_E}.{_CP}.46.5.1.0"),
        ),
        Duty(
            "intrusion-prevention",
            state=_state(f"{_CP}.53.1.0", "running", "stopped"),
            version=_words(f"{_CP}.53.11.4.0"),
            update=Cell(f"{_E}.{_CP}.53.11.1.0"),
        ),
        Duty(
            "content-filter",
            version=_words(f"{_CP}.43.2.4.0"),
            licence=Licence(_SUBSCRIPTION, Cell(f"{_E}.{_CP}.43.1.1.0"), Cell(f"{_E}.{_CP}.43.1.2.0")),
            update=Cell(f"{_E}.{_CP}.43.2.1.0"),
        ),
        Duty(
            "behaviour-management",
            version=_words(f"{_CP}.39.2.4.0"),
            licence=Licence(_SUBSCRIPTION, Cell(f"{_E}.{_CP}.39.1.1.0"), Cell(f"{_E}.{_CP}.39.1.2.0")),
            update=Cell(f"{_E}.{_CP}.39.2.1.0"),
        ),
    ),
)

# --- Sophos ---------------------------------------------------------------------------------------------------------

_XG = "2604.5.1"
_MODULE: Mapping[str, LicenceState] = {"1": "trial", "2": "none", "3": "valid", "4": "expired", "5": "none"}


def _module(number: int) -> Licence:
    return Licence(_MODULE, Cell(f"{_E}.{_XG}.5.{number}.1.0"), Cell(f"{_E}.{_XG}.5.{number}.2.0"))


SOPHOS = Mib(
    name="SFOS-FIREWALL-MIB",
    anchors=(f"{_E}.{_XG}.1.3.0",),
    users=_scalars(f"{_XG}.2.6.0"),
    duties=(
        Duty("firewall", licence=_module(1)),
        Duty("antivirus", state=_state(f"{_XG}.3.6.0", "3", "1 4 5 6 7"), licence=_module(3)),
        Duty(
            "intrusion-prevention",
            state=_state(f"{_XG}.3.10.0", "3", "1 4 5 6 7"),
            version=_words(f"{_XG}.1.6.0"),
            licence=_module(2),
        ),
        Duty("content-filter", version=_words(f"{_XG}.1.5.0"), licence=_module(3)),
        Duty("waf", licence=_module(5)),
    ),
)

# --- SonicWall, WatchGuard, Zyxel -----------------------------------------------------------------------------------

_ZONE = "8741.1.3.7.1.1.1"
SONICWALL = Mib(
    name="SONICWALL-FIREWALL-IP-STATISTICS-MIB",
    anchors=(f"{_E}.8741.1.3.1.2.0",),
    sessions=_scalars("8741.1.3.1.2.0"),
    capacity=_scalars("8741.1.3.1.1.0"),
    duties=(
        Duty("firewall", by="sessions"),
        Duty("antivirus", state=_state(f"{_ZONE}.8", "2", "1", column=True)),
        Duty("intrusion-prevention", state=_state(f"{_ZONE}.10", "2", "1", column=True)),
        Duty("behaviour-management", state=_state(f"{_ZONE}.11", "2", "1", column=True)),
        Duty("content-filter", state=_state(f"{_ZONE}.5", "2", "1", column=True)),
    ),
)
WATCHGUARD = Mib(
    name="WATCHGUARD-INFO-SYSTEM-MIB",
    anchors=(f"{_E}.3097.6.3.80.0", f"{_E}.3097.6.1.3.0"),
    sessions=_scalars("3097.6.3.80.0"),
    duties=(
        Duty("firewall", by="sessions"),
        Duty("antivirus", version=_words("3097.6.1.3.0"), date=_words("3097.6.1.3.0")),
        Duty("intrusion-prevention", version=_words("3097.6.1.4.0"), date=_words("3097.6.1.4.0")),
    ),
)
ZYWALL = Mib(
    name="ZYXEL-ZYWALL-MIB",
    anchors=(f"{_E}.890.1.6.22.1.6.0", f"{_E}.890.1.15.3.1.19.0"),
    sessions=_either(_scalars("890.1.6.22.1.6.0"), _scalars("890.1.15.3.1.19.0")),
    duties=(
        Duty("firewall", by="sessions"),
        Duty("antivirus", version=_words("890.1.6.1.5.1.0"), date=_words("890.1.6.1.5.2.0")),
        Duty("intrusion-prevention", version=_words("890.1.6.1.4.1.0"), date=_words("890.1.6.1.4.2.0")),
    ),
)

# --- Huawei, H3C, Hillstone, Sangfor --------------------------------------------------------------------------------


def _huawei(name: str, tree: str) -> Mib:
    drops = f"{tree}.1.2.3"
    return Mib(
        name=name,
        anchors=(f"{_E}.{tree}.1.2.1.4.0",),
        sessions=_scalars(f"{tree}.1.2.1.4.0"),
        duties=(
            Duty("firewall", by="sessions", blocked=_scalars(f"{drops}.5.0", f"{drops}.7.0", f"{drops}.9.0")),
            Duty("antivirus"),
            Duty("intrusion-prevention"),
        ),
    )


_HH3C = "25506.2"
_SESSIONS = f"{_HH3C}.149.1.1.1"
_LICENCE = f"{_E}.{_HH3C}.145.2.2.1"
H3C = Mib(
    name="HH3C-SESSION-MIB",
    maker=f"{_E}.25506.",
    sessions=_either(_columns(f"{_SESSIONS}.4"), _scalars(f"{_HH3C}.88.1.2.1.0")),
    duties=(
        Duty("firewall", by="sessions", examined=_columns(f"{_SESSIONS}.12", f"{_SESSIONS}.13", f"{_SESSIONS}.14")),
        Duty("antivirus"),
        Duty("intrusion-prevention"),
    ),
    licences=(
        Licences(
            name=f"{_LICENCE}.2",
            functions=(
                (r"\bav\b|virus", "antivirus"),
                (r"\bips\b", "intrusion-prevention"),
                (r"\bacg\b|\bapr?p?\b", "behaviour-management"),
                (r"\bwaf\b", "waf"),
                (r"\burl\b|\bufl?t?\b", "content-filter"),
            ),
            state=f"{_LICENCE}.5",
            states={"1": "none", "2": "valid", "4": "expired", "5": "none", "6": "none"},
            expiry=f"{_LICENCE}.16",
            days=f"{_LICENCE}.14",
        ),
    ),
)
HILLSTONE = Mib(
    name="HILLSTONE-SYSTEM-MIB",
    anchors=(f"{_E}.28557.2.2.1.7.0", f"{_E}.28557.2.2.1.2.0"),
    sessions=_scalars("28557.2.2.1.7.0"),
    duties=(
        Duty("firewall", by="sessions", examined=_scalars("28557.2.2.1.6.0")),
        Duty("antivirus"),
        Duty("intrusion-prevention"),
    ),
)
SANGFOR_AC = Mib(
    name="Sangfor AC",
    anchors=(f"{_E}.35047.2.1.1.1.0",),
    sessions=_scalars("35047.2.1.1.6.0"),
    users=_scalars("35047.2.1.1.1.0"),
    duties=(Duty("behaviour-management", by="users"), Duty("traffic-management")),
)

# --- Juniper, Cisco -------------------------------------------------------------------------------------------------

_JS = "2636.3.39.1"
JUNIPER_SRX = Mib(
    name="JUNIPER-SRX5000-SPU-MONITORING-MIB",
    maker=f"{_E}.2636.",
    sessions=_columns(f"{_JS}.12.1.1.1.6"),
    capacity=_columns(f"{_JS}.12.1.1.1.7"),
    duties=(
        Duty("firewall", by="sessions"),
        Duty(
            "antivirus",
            examined=_scalars(f"{_JS}.13.1.1.2.1.0"),
            detected=_scalars(f"{_JS}.13.1.1.2.2.0"),
            version=_words(f"{_JS}.13.1.1.1.2.0"),
        ),
        Duty(
            "intrusion-prevention",
            detected=_columns(f"{_JS}.11.1.1.7.1.3"),
            version=_words(f"{_JS}.11.1.1.9.0", "N/A"),
        ),
    ),
)
_ASA = "9.9.147.1.2.2.2.1.5.40"
CISCO_ASA = Mib(
    name="CISCO-FIREWALL-MIB",
    anchors=(f"{_E}.{_ASA}.6",),
    sessions=_scalars(f"{_ASA}.6"),
    duties=(Duty("firewall", by="sessions"), Duty("intrusion-prevention"), Duty("antivirus")),
)
_CUFW = "9.9.491.1"
CISCO_UNIFIED = Mib(
    name="CISCO-UNIFIED-FIREWALL-MIB",
    anchors=(f"{_E}.{_CUFW}.1.1.6.0",),
    sessions=_scalars(f"{_CUFW}.1.1.6.0"),
    duties=(
        Duty("firewall", by="sessions", examined=_scalars(f"{_CUFW}.1.1.1.0"), blocked=_scalars(f"{_CUFW}.1.1.3.0")),
        Duty(
            "content-filter",
            state=_state(f"{_CUFW}.3.1.1.0", "1", "2"),
            examined=_scalars(f"{_CUFW}.3.1.2.0"),
            blocked=_scalars(f"{_CUFW}.3.1.6.0"),
        ),
    ),
)

MIBS = (
    FORTIGATE,
    PALO_ALTO,
    CHECK_POINT,
    SOPHOS,
    SONICWALL,
    WATCHGUARD,
    ZYWALL,
    _huawei("HUAWEI-SECURITY-STAT-MIB", "2011.6.122.15"),
    _huawei("HUAWEI-SECSTAT-MIB", "2011.5.25.11"),
    H3C,
    HILLSTONE,
    SANGFOR_AC,
    JUNIPER_SRX,
    CISCO_ASA,
    CISCO_UNIFIED,
)
"""In order of preference: where a device has several, each fact comes from the first that knows it."""
