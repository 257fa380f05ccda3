"""Whether a device keeps and forwards its log: never what is in it.

Sources: H3C command reference (display info-center, display logfile summary), Huawei command reference (display
info-center), Cisco IOS command reference (show logging), RGOS configuration guide (syslog), StoneOS CLI reference (show
logging), FortiOS CLI reference (log syslogd setting).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent.collectors.commandline.fact import Fact, UnrecognisedError, need

if TYPE_CHECKING:
    from agent.collectors.commandline.fact import Lines

__all__ = ["fortinet", "fortinet_disk", "h3c_file", "hillstone", "hillstone_storage", "info_center", "ios"]

_ADDRESS = r"(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+"
_HOST = re.compile(rf"(?:IP address: )?(?:{_ADDRESS}),.*")
_MORE_OF_HOST = re.compile(
    r"(?i)(?:language|port number|host facility|channel number|source-interface|VPN instance)\b.*"
)


def info_center(lines: Lines) -> list[Fact]:
    """Read Huawei's and H3C's `display info-center`: enabled, log hosts, and how full the buffer is."""
    enabled = need(r"(?i)information center ?: ?(enabled|disabled)\.?", lines)[1].lower()
    facts = [Fact("log.state", enabled)]
    hosts = _hosts(lines)
    facts += [Fact("log.collectors", str(hosts), "1"), Fact("log.forwarding", "enabled" if hosts else "disabled")]
    buffer = " ".join(_section(lines, r"(?i)log ?buffer ?: ?(.*)"))
    return facts + _buffer(buffer)


def h3c_file(lines: Lines) -> list[Fact]:
    """Read H3C's `display logfile summary`: how much the log file may hold."""
    need(r"(?i)log file ?: ?(enabled|disabled)\.?", lines)
    quota, unit = need(r"(?i)log file size quota ?: ?(\d+) (KB|MB|GB)", lines).groups()
    octets = int(quota) * 1024 ** (1 + ("KB", "MB", "GB").index(unit.upper()))
    return [Fact("log.file.quota", str(octets), "By")]


def ios(lines: Lines) -> list[Fact]:
    """Read the header of Cisco's and Ruijie's `show logging`."""
    text = "\n".join(lines)
    state = re.search(r"(?im)^ *Syslog logging: (enabled|disabled)\b(?: \((\d+) messages? dropped)?", text)
    trap = re.search(r"(?im)^ *Trap logging: *(disabled|level \w+)", text)
    if state is None or trap is None:
        raise UnrecognisedError("Syslog logging, Trap logging")
    hosts = len(re.findall(rf"(?im)^ *logging to (?:{_ADDRESS})\b", text))
    on = state[1].lower() == "enabled" and trap[1].lower() != "disabled" and hosts > 0
    facts = [
        Fact("log.state", state[1].lower()),
        Fact("log.collectors", str(hosts), "1"),
        Fact("log.forwarding", "enabled" if on else "disabled"),
    ]
    if state[2]:
        facts.append(Fact("log.dropped", state[2], "1"))
    size = re.search(r"(?im)^ *Log Buffer \((?:Total )?(\d+) bytes\)", text)
    if size:
        facts.append(Fact("log.buffer.octets", size[1], "By"))
    return facts


def hillstone(lines: Lines) -> list[Fact]:
    """Read the tables of StoneOS `show logging`: destination, on or off, size, overwrite."""
    need(r"Destination +Status +Size +Overwrite", lines)
    rows = [re.fullmatch(r"(Buffer|Syslog) +(On|Off) +(\d+|-) +(yes|no|-)", line.strip()) for line in lines]
    found = [row for row in rows if row]
    syslog = [row[2] for row in found if row[1] == "Syslog"]
    if not syslog:
        raise UnrecognisedError("Syslog row")
    facts = [Fact("log.forwarding", "enabled" if "On" in syslog else "disabled")]
    sizes = [row[3] for row in found if row[1] == "Buffer" and row[2] == "On" and row[3] != "-"]
    if len(sizes) == 1:
        facts.append(Fact("log.buffer.octets", sizes[0], "By"))
    return facts


def fortinet(*settings: Lines) -> list[Fact]:
    """Read FortiOS `get log ... setting` of each destination: how many are enabled."""
    enabled = sum(need(r"status +: (enable|disable)", lines)[1] == "enable" for lines in settings)
    return [
        Fact("log.collectors", str(enabled), "1"),
        Fact("log.forwarding", "enabled" if enabled else "disabled"),
    ]


def fortinet_disk(lines: Lines) -> list[Fact]:
    """Read FortiOS `get log disk setting`: how old a log on the disk may become; 7 days unless somebody changed it.

    A disk that is not used for logs keeps nothing at any age; an age of 0 is no limit.
    """
    if need(r"status +: (enable|disable)", lines)[1] == "disable":
        return [Fact("log.disk", "disabled")]
    age = need(r"maximum-log-age +: (\d{1,4})", lines)[1]
    full = need(r"diskfull +: (overwrite|nolog)", lines)[1]
    facts = [Fact("log.disk", "enabled"), Fact("log.disk.full", full)]
    return facts if age == "0" else [*facts, Fact("log.disk.age", age, "d")]


def hillstone_storage(lines: Lines) -> list[Fact]:
    """Read the lines of StoneOS's configuration that set how many months a kind of log stays on the device."""
    kinds = r"event|network|configure|threat|sandbox|traffic (?:session|nat|urlfilter)"
    rows = [re.fullmatch(rf"logging ({kinds}) to localdb storage-time (\d{{1,2}})", line.strip()) for line in lines]
    if None in rows:
        raise UnrecognisedError("storage-time")
    months = [int(row[2]) for row in rows if row is not None]
    return [Fact("log.storage_months", str(min(months)), "mo")] if months else []


def _hosts(lines: Lines) -> int:
    """Return the log hosts listed under `Log host:`; 0 where that says disabled or nothing."""
    count = 0
    for line in _section(lines, r"(?i)log ?host ?: ?(.*)"):
        if _HOST.fullmatch(line):
            count += 1
        elif not re.fullmatch(r"(?i)enabled|disabled|", line) and not _MORE_OF_HOST.fullmatch(line):
            raise UnrecognisedError(line)
    return count


def _section(lines: Lines, title: str) -> Lines:
    """Return what stands behind and below a title, up to the next one (`Words:` or `Words: Enabled`).

    Raises:
        UnrecognisedError: there is no such title.
    """
    for number, line in enumerate(lines):
        match = re.fullmatch(title, line.strip())
        if match:
            found = [match[1]]
            for below in lines[number + 1 :]:
                if re.fullmatch(r"[A-Za-z][A-Za-z ]*:\s*(?:(?i:enabled|disabled)\b.*)?", below):
                    break
                found.append(below.strip())
            return found
    raise UnrecognisedError(title)


def _buffer(text: str) -> list[Fact]:
    if re.match(r"(?i)disabled", text):
        return [Fact("log.buffer.capacity", "0", "1")]
    facts = []
    for metric, words in (
        ("log.buffer.capacity", "current buffer size"),
        ("log.buffer.messages", "current messages"),
        ("log.dropped", "dropped messages"),
        ("log.overwritten", "overwritten messages"),
    ):
        match = re.search(rf"(?i)\b{words}:? (\d+)\b", text)
        if match is None:
            raise UnrecognisedError(words)
        facts.append(Fact(metric, match[1], "1"))
    return facts
