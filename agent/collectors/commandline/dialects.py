"""Which commands each dialect is asked, on which topic, and who reads the answer.

The clock is asked last: of the commands, every device knows that one best.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.collectors.commandline import clocks, logs, ntp, signatures, versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.collectors.commandline.clocks import DeviceTime
    from agent.collectors.commandline.fact import Fact, Lines

__all__ = ["DIALECTS", "Topic", "dialect_of"]


@dataclass(frozen=True, slots=True)
class Topic:
    """What is asked, how, and how the answers are read."""

    name: str
    commands: tuple[str, ...]
    read: Callable[..., list[Fact]] | None = None
    """Takes the lines of each command, in order."""
    clock: Callable[[Lines], DeviceTime] | None = None
    """For the topic `clock` instead."""


DIALECTS: dict[str, tuple[Topic, ...]] = {
    "huawei-vrp": (
        Topic("firmware", ("display version",), versions.vrp),
        Topic("log", ("display info-center",), logs.info_center),
        Topic("ntp", ("display ntp-service status",), ntp.vrp),
        Topic("clock", ("display clock",), clock=clocks.vrp),
    ),
    "huawei-usg": (
        Topic("firmware", ("display version",), versions.vrp),
        Topic("log", ("display info-center",), logs.info_center),
        Topic("antivirus", ("display version av-sdb",), signatures.huawei_sdb),
        Topic("intrusion-prevention", ("display version ips-sdb",), signatures.huawei_sdb),
        Topic("applications", ("display version sa-sdb",), signatures.huawei_sdb),
        Topic("ntp", ("display ntp-service status",), ntp.vrp),
        Topic("clock", ("display clock",), clock=clocks.vrp),
    ),
    "h3c-comware": (
        Topic("firmware", ("display version",), versions.comware),
        Topic("log", ("display info-center",), logs.info_center),
        Topic("log-file", ("display logfile summary",), logs.h3c_file),
        Topic("ntp", ("display ntp-service status",), ntp.vrp),
        Topic("clock", ("display clock",), clock=clocks.comware),
    ),
    "h3c-secpath": (
        Topic("firmware", ("display version",), versions.comware),
        Topic("log", ("display info-center",), logs.info_center),
        Topic("antivirus", ("display anti-virus signature library",), signatures.h3c_library),
        Topic("intrusion-prevention", ("display ips signature library",), signatures.h3c_library),
        Topic("ntp", ("display ntp-service status",), ntp.vrp),
        Topic("clock", ("display clock",), clock=clocks.comware),
    ),
    "ruijie-rgos": (
        Topic("firmware", ("show version",), versions.labelled),
        Topic("log", ("show logging | include ogging|Log Buffer",), logs.ios),
        Topic("ntp", ("show ntp status",), ntp.ios),
        Topic("clock", ("show clock",), clock=clocks.ios),
    ),
    "zte-zxros": (
        Topic("firmware", ("show version",), versions.labelled),
        Topic("ntp", ("show ntp status",), ntp.ios),
        Topic("clock", ("show clock",), clock=clocks.ios),
    ),
    "maipu": (
        Topic("firmware", ("show version",), versions.labelled),
        Topic("ntp", ("show ntp status",), ntp.ios),
        Topic("clock", ("show clock",), clock=clocks.ios),
    ),
    "hillstone": (
        Topic("firmware", ("show version",), versions.hillstone),
        Topic("log", ("show logging",), logs.hillstone),
        Topic("log-storage", ("show configuration | include storage-time",), logs.hillstone_storage),
        Topic("ntp", ("show ntp status",), ntp.ios),
        Topic("clock", ("show clock",), clock=clocks.ios),
    ),
    "cisco-ios": (
        Topic("firmware", ("show version | include Version",), versions.ios),
        Topic("log", ("show logging | include logging:|Logging to|Log Buffer",), logs.ios),
        Topic("ntp", ("show ntp status",), ntp.ios),
        Topic("clock", ("show clock detail",), clock=clocks.ios),
    ),
    "fortinet": (
        Topic(
            "log",
            ("get log syslogd setting", "get log syslogd2 setting", "get log fortianalyzer setting"),
            logs.fortinet,
        ),
        Topic("log-disk", ("get log disk setting",), logs.fortinet_disk),
        Topic("ntp", ("diagnose sys ntp status",), ntp.fortinet),
        Topic("firmware", ("get system status",), versions.fortinet),
        Topic("signatures", ("get system status",), versions.fortinet_signatures),
        Topic("licences", ("diagnose autoupdate versions",), signatures.fortinet_contracts),
        Topic("shaping", ("get firewall shaping-policy",), signatures.fortinet_shaping),
        Topic("clock", ("get system status",), clock=clocks.ctime),
    ),
    "linux": (
        Topic("firmware", ("cat /etc/os-release",), versions.os_release),
        Topic("ntp", ("timedatectl show",), ntp.timedatectl),
        Topic("clock", ("date --iso-8601=seconds",), clock=clocks.iso),
    ),
}


def dialect_of(family: str) -> tuple[Topic, ...] | None:
    """Return the topics of a family, which is named `<dialect>-cli` or `<dialect>-cli-...`; None for another one."""
    found = [name for name in DIALECTS if f"{family}-".startswith(f"{name}-cli-")]
    return DIALECTS[max(found, key=len)] if found else None
