"""Signature databases, contracts and policies of security devices: which version, of which day, until when.

Sources: Huawei USG6000 command reference (display version av-sdb and its siblings), H3C SecPath DPI command reference
(display ips signature library, display anti-virus signature library), FortiOS administration guide (diagnose autoupdate
versions) and CLI reference (get firewall shaping-policy).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent.collectors.commandline.fact import Fact, UnrecognisedError, need
from agent.collectors.dates import date_in

if TYPE_CHECKING:
    from agent.collectors.commandline.fact import Lines

__all__ = ["fortinet_contracts", "fortinet_shaping", "h3c_library", "huawei_sdb"]

_TITLE = re.compile(r"[A-Z][A-Za-z0-9 /()._-]{1,60}")
_RULE = re.compile(r"-{3,}")
_ENTRY = re.compile(r"== \[ \S.* \]")
_ATTRIBUTE = re.compile(r"[a-z][a-z0-9-]* *:.*")


def huawei_sdb(lines: Lines) -> list[Fact]:
    """Read the current version of one database; the backup version that follows it does not count."""
    name = need(r"([A-Z]{2,12})[ -]SDB Update Information List ?:", lines)[1]
    backup = next((n for n, line in enumerate(lines) if re.match(r"\s*Backup Version ?:", line)), len(lines))
    current = lines[:backup]
    need(r"Current Version ?:", current)
    version = need(r"Signature Database Version *: *(\S+)", current)[1]
    issued = need(r"Issue Time of the Update File *: *(\S.*)", current)[1]
    return _database(f"{name}-SDB", version, issued)


def h3c_library(lines: Lines) -> list[Fact]:
    """Read the line `Current` of a signature library's table; one without a library is a device without one."""
    name = need(r"(?i)(IPS|Anti-virus|URL filter|APR) signature library information:?", lines)[1]
    need(r"Type +SigVersion +ReleaseTime +Size\b.*", lines)
    current = need(r"Current +(\S+) +(.*\S)", lines)
    return _database(name, current[1], current[2])


def fortinet_contracts(lines: Lines) -> list[Fact]:
    """Read until when the contract of each database runs; `n/a` is no contract, and no fact."""
    facts, title, ends = [], "", 0
    for before, line in zip(["", *lines], lines, strict=False):
        if _RULE.fullmatch(line.strip()):
            title = before.strip()
            if not _TITLE.fullmatch(title):
                raise UnrecognisedError(before)
        elif match := re.fullmatch(r"Contract Expiry Date: (\S.*)", line.strip()):
            ends += 1
            if title and match[1].lower() != "n/a":
                facts.append(Fact("licence.expiry", _day(match[1]), of=_name(title)))
    if not ends:
        raise UnrecognisedError("contracts")
    return facts


def fortinet_shaping(lines: Lines) -> list[Fact]:
    """Count the policies that shape traffic. An empty answer is none; anything else than a list is not understood."""
    entries = sum(_ENTRY.fullmatch(line.strip()) is not None for line in lines)
    if any(not _ENTRY.fullmatch(line.strip()) and not _ATTRIBUTE.fullmatch(line.strip()) for line in lines):
        raise UnrecognisedError("shaping policies")
    return [Fact("policies", str(entries), "1", of="traffic-management")]


def _database(name: str, version: str, issued: str) -> list[Fact]:
    of = _name(name)
    return [Fact("signature.version", version, of=of), Fact("signature.date", _day(issued), of=of)]


def _day(text: str) -> str:
    day = date_in(text)
    if day is None:
        raise UnrecognisedError(text)
    return day


def _name(title: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", title).strip("-")
