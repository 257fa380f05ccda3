"""Whether a device's clock follows a time server.

Sources: Huawei and H3C command references (display ntp-service status), Cisco IOS command reference (show ntp status),
FortiOS administration guide (diagnose sys ntp status), systemd timedatectl(1).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent.collectors.commandline.fact import Fact, UnrecognisedError, need

if TYPE_CHECKING:
    from agent.collectors.commandline.fact import Lines

__all__ = ["fortinet", "ios", "timedatectl", "vrp"]

_OWN = re.compile(r"(?i)LOCAL\(\d+\)|\.?LOCL\.?|127\.127\.\d+\.\d+")
_SERVER = re.compile(r"ipv[46] server\([^)]*\).* -- (reachable|unreachable)\(0x[0-9a-f]+\).*")


def vrp(lines: Lines) -> list[Fact]:
    """Read Huawei's and H3C's `display ntp-service status`."""
    status = need(r"(?i)clock status ?: ?(synchronized|unsynchronized)", lines)[1].lower()
    stratum = need(r"(?i)clock stratum ?: ?(\d{1,2})", lines)[1]
    reference = need(r"(?i)reference clock ID ?: ?(\S+)", lines)[1]
    offset = need(r"(?i)clock offset ?: ?(-?\d+(?:\.\d+)?) ms", lines)[1]
    return _facts(status == "synchronized", reference, stratum, offset)


def ios(lines: Lines) -> list[Fact]:
    """Read Cisco's and its relatives' `show ntp status`."""
    if any(re.fullmatch(r"%? ?NTP is not (?:enabled|active|running)\.?", line.strip()) for line in lines):
        return [Fact("ntp.state", "disabled")]
    match = need(
        r"Clock is (synchronized|unsynchronized), stratum (\d{1,2}), (?:reference is (\S+)|no reference clock)", lines
    )
    synchronised = match[1] == "synchronized"
    if synchronised and match[3] is None:
        raise UnrecognisedError("synchronized to nothing")
    offset = re.search(r"clock offset is (-?\d+(?:\.\d+)?) msec", "\n".join(lines))
    return _facts(synchronised, match[3] or "", match[2], offset[1] if offset else None)


def fortinet(lines: Lines) -> list[Fact]:
    """Read FortiOS `diagnose sys ntp status`: synchronised or not, and each server reachable or not."""
    match = need(r"synchronized: (yes|no), ntpsync: (enabled|disabled), server-mode: (?:enabled|disabled)", lines)
    if match[2] == "disabled":
        return [Fact("ntp.state", "disabled")]
    named = [line.strip() for line in lines if re.match(r"\s*ipv[46] server\(", line)]
    servers = [_SERVER.fullmatch(line) for line in named]
    reachable = 0
    for server in servers:
        if server is None:
            raise UnrecognisedError("ntp server")
        reachable += server[1] == "reachable"
    return [
        Fact("ntp.state", "synchronised" if match[1] == "yes" else "unsynchronised"),
        Fact("ntp.servers", str(len(servers)), "1"),
        Fact("ntp.servers.reachable", str(reachable), "1"),
    ]


def timedatectl(lines: Lines) -> list[Fact]:
    """Read `timedatectl show`: NTP=yes|no, NTPSynchronized=yes|no."""
    synchronised = need(r"NTPSynchronized=(yes|no)", lines)[1] == "yes"
    if synchronised:
        return [Fact("ntp.state", "synchronised")]
    return [Fact("ntp.state", "unsynchronised" if need(r"NTP=(yes|no)", lines)[1] == "yes" else "disabled")]


def _facts(synchronised: bool, reference: str, stratum: str, offset_ms: str | None) -> list[Fact]:  # noqa: FBT001 - parsed
    """Return the facts; a device that follows its own clock is in step with nobody."""
    state = "unsynchronised"
    if synchronised:
        state = "local" if _OWN.fullmatch(reference) else "synchronised"
    facts = [Fact("ntp.state", state), Fact("ntp.stratum", str(int(stratum)), "1")]
    if offset_ms is not None and state == "synchronised":
        facts.append(Fact("ntp.offset", offset_ms, "ms"))
    return facts
