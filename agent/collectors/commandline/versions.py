"""Firmware and signatures: which version, and of which date where the device says so.

Sources: the vendors' command references (display version, show version, get system status), os-release(5).
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from agent.collectors.commandline.fact import Fact, UnrecognisedError, need

if TYPE_CHECKING:
    from agent.collectors.commandline.fact import Lines

__all__ = ["comware", "fortinet", "fortinet_signatures", "hillstone", "ios", "labelled", "os_release", "vrp"]

_DATABASE = re.compile(r"([A-Z][A-Za-z0-9 /-]{0,30}DB): (\d+\.\d+)\((\d{4}-\d\d-\d\d) \d\d:\d\d\)")


def vrp(lines: Lines) -> list[Fact]:
    """Read `VRP (R) software, Version 5.170 (S5720 V200R011C10SPC600)`."""
    return _firmware(need(r"VRP \(R\) [Ss]oftware, Version (\S+ \([^()]+\))", lines)[1])


def comware(lines: Lines) -> list[Fact]:
    """Read `H3C Comware Software, Version 7.1.070, Release 6126P20`."""
    return _firmware(need(r"(?:\S+ )?Comware (?:Platform )?Software, Version (\d[\w., ()/-]*)", lines)[1])


def ios(lines: Lines) -> list[Fact]:
    """Read `Cisco IOS Software, C2960S Software (...), Version 15.0(2)SE10a, RELEASE SOFTWARE (fc3)`."""
    return _firmware(need(r"Cisco IOS.*, Version ([^, ]+).*", lines)[1])


def labelled(lines: Lines) -> list[Fact]:
    """Read `System software version : ...` (Ruijie) and `Software Version: ...` (ZTE, Maipu)."""
    return _firmware(need(r"(?i)(?:system )?software version *:? +(\S.*)", lines)[1])


def hillstone(lines: Lines) -> list[Fact]:
    """Read `Hillstone StoneOS software, Version 5.5` and the file it was started from."""
    version = need(r"Hillstone StoneOS software, Version (\S+)", lines)[1]
    file = need(r"Boot file is (\S+).*", lines)[1]
    return _firmware(f"{version} ({file})")


def fortinet(lines: Lines) -> list[Fact]:
    """Read `Version: FortiGate-100E v7.2.9,build1688,240813 (GA.M)`."""
    version, build, day = need(r"Version: \S+ v([\d.]+),build(\d+),(\d{6})\b.*", lines).groups()
    built = _date(f"20{day[:2]}-{day[2:4]}-{day[4:]}")
    return [*_firmware(f"{version} build {build}"), Fact("firmware.date", built)]


def fortinet_signatures(lines: Lines) -> list[Fact]:
    """Read the databases of `get system status`: `IPS-DB: 6.00741(2015-12-01 02:30)`."""
    facts = []
    for line in lines:
        if not re.match(r"[A-Z][A-Za-z0-9 /-]*DB: ", line.strip()):
            continue
        match = _DATABASE.fullmatch(line.strip())
        if match is None:
            raise UnrecognisedError(line)
        name = match[1].replace(" ", "-").replace("/", "-")
        facts += [Fact("signature.version", match[2], of=name), Fact("signature.date", _date(match[3]), of=name)]
    if not facts:
        raise UnrecognisedError("signature databases")
    return facts


def os_release(lines: Lines) -> list[Fact]:
    """Read PRETTY_NAME of os-release."""
    return _firmware(need(r'PRETTY_NAME="?([^"]+)"?', lines)[1])


def _firmware(version: str) -> list[Fact]:
    return [Fact("firmware", version.strip()[:200])]


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise UnrecognisedError(text) from error
