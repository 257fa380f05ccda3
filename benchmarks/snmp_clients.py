"""The clients of the SNMP benchmark, each run in a process of its own: ``python -m benchmarks.snmp_clients NAME``.

A client walks the twenty columns, first once to warm up, then some times on the clock. Its CPU is user plus system
time of the process that speaks SNMP. It prints figures as JSON and writes what it read, one line a varbind:
``OID|type|value``, columns in the order asked.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import ber
from agent.lab.snmp.synthetic import COLUMNS, switch
from agent.model.exchange import SnmpColumn, SnmpTable
from agent.transports.snmp import Community, Limits, SnmpTransport
from benchmarks.snmp_agent import COMMUNITY, USER, pin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["CLIENTS", "EXPORTER", "missing"]

EXPORTER = "prometheus-snmp-exporter"
_WALKS = {"campus-agent": 10, "pysnmp": 1, "pysnmp-columns": 1, "snmpbulkwalk": 5, EXPORTER: 5}
_TYPES = {
    ber.INTEGER: "INTEGER",
    ber.OCTET_STRING: "STRING",
    ber.COUNTER32: "Counter32",
    ber.GAUGE32: "Gauge32",
    ber.TIME_TICKS: "Timeticks",
    ber.COUNTER64: "Counter64",
}
_END = "No more variables left"
Measured = tuple[float, float, int, list[str]]
"""CPU seconds, wall seconds, varbinds, lines of one walk."""


# --- this engine --------------------------------------------------------------------------------------------------


def campus_agent(host: str, port: int, version: str, walks: int) -> Measured:
    """Walk with our transport, twenty columns in one request for a table, as collectors do."""
    table = SnmpTable(columns=tuple(SnmpColumn(oid=column) for column in COLUMNS))
    credentials = Community("2c", COMMUNITY.encode()) if version == "2c" else USER

    async def run() -> Measured:
        transport = SnmpTransport(host, port, credentials=credentials, limits=Limits(timeout_ms=5000))
        try:
            answer = await transport.exchange(table)
            before, started, count = _cpu(), time.perf_counter(), 0
            for _ in range(walks):
                answer = await transport.exchange(table)
                count += len(answer.varbinds)
            cpu, wall = _cpu() - before, time.perf_counter() - started
        finally:
            await transport.close()
        if answer.partial:
            raise SystemExit(f"partial: {answer.partial}")
        found = [ber.decode_varbind(bytes.fromhex(each)) for each in answer.varbinds]
        return cpu, wall, count, [_line(ber.oid_text(each.oid), each.tag, each.value) for each in found]

    return asyncio.run(run())


# --- pysnmp -------------------------------------------------------------------------------------------------------


def pysnmp(host: str, port: int, version: str, walks: int) -> Measured:
    """Walk with pysnmp's `bulk_cmd`, lookupMib=False, a column at a time, 25 rows a request."""
    return asyncio.run(_pysnmp(host, port, version, walks, (1, 25)))


def pysnmp_columns(host: str, port: int, version: str, walks: int) -> Measured:
    """Walk with `bulk_cmd` as our engine does: five columns of twenty rows a request."""
    return asyncio.run(_pysnmp(host, port, version, walks, (5, 20)))


async def _pysnmp(host: str, port: int, version: str, walks: int, shape: tuple[int, int]) -> Measured:
    # pysnmp is loaded by its own process alone: it takes a third of a second
    from pysnmp.proto.rfc1902 import ObjectName  # noqa: PLC0415 (see above)
    from pysnmp.proto.rfc1905 import unSpecified  # noqa: PLC0415 (see above)

    bulk = await _pysnmp_bulk(host, port, version)
    together, repetitions = shape

    async def walk(columns: Iterable[str]) -> list[tuple[str, Any]]:
        found: dict[str, list[tuple[str, Any]]] = {column: [] for column in columns}
        left = [(column, column) for column in found]
        while left:
            group, left = left[:together], left[together:]
            # an ObjectType would switch lookupMib on again, which costs pysnmp twice as much
            asked = [(ObjectName(cursor), unSpecified) for _, cursor in group]
            indication, status, _, varbinds = await bulk(0, repetitions, *asked, lookupMib=False)
            if indication or status:
                raise SystemExit(f"pysnmp: {indication or status}")
            left = _advance(group, [(str(each[0]), each[1]) for each in varbinds], found) + left
        return [row for rows in found.values() for row in rows]

    await walk(COLUMNS[:1])
    before, started, count = _cpu(), time.perf_counter(), 0
    rows: list[tuple[str, Any]] = []
    for _ in range(walks):
        rows = await walk(COLUMNS)
        count += len(rows)
    cpu, wall = _cpu() - before, time.perf_counter() - started
    lines = [_line(oid, _tag_of(value), _octets_of(value)) for oid, value in rows]
    return cpu, wall, count, lines


def _advance(
    group: list[tuple[str, str]], answers: list[tuple[str, Any]], found: dict[str, list[tuple[str, Any]]]
) -> list[tuple[str, str]]:
    """Keep the rows of an answer; return the columns that go on, each with its cursor."""
    going = []
    for at, (column, cursor) in enumerate(group):
        last = cursor
        for oid, value in answers[at :: len(group)]:
            if not oid.startswith(column + ".") or oid == last:  # endOfMibView repeats the OID
                break
            found[column].append((oid, value))
            last = oid
        else:
            if last == cursor:
                raise SystemExit(f"pysnmp: nothing for {cursor}")
            going.append((column, last))
    return going


async def _pysnmp_bulk(host: str, port: int, version: str) -> Callable[..., Any]:
    """Return `bulk_cmd` bound to the device."""
    if version == "2c":
        from pysnmp.hlapi.v1arch import asyncio as api  # noqa: PLC0415 (as above)

        target = await api.UdpTransportTarget.create((host, port), timeout=5, retries=2)
        return partial(api.bulk_cmd, api.SnmpDispatcher(), api.CommunityData(COMMUNITY, mpModel=1), target)
    from pysnmp.hlapi.v3arch import asyncio as v3  # noqa: PLC0415 (as above)

    keys = (USER.auth_key.decode(), USER.priv_key.decode())
    user = v3.UsmUserData(USER.name, *keys, v3.USM_AUTH_HMAC192_SHA256, v3.USM_PRIV_CFB128_AES)
    target = await v3.UdpTransportTarget.create((host, port), timeout=5, retries=2)
    return partial(v3.bulk_cmd, v3.SnmpEngine(), user, target, v3.ContextData())


def _tag_of(value: Any) -> int:
    tag = value.tagSet.superTags[-1]
    return int(tag.tagClass | tag.tagFormat | tag.tagId)


def _octets_of(value: Any) -> bytes:
    tag = _tag_of(value)
    return value.asOctets() if tag == ber.OCTET_STRING else ber.encode_integer(int(value), tag)[2:]


# --- net-snmp -----------------------------------------------------------------------------------------------------


def snmpbulkwalk(host: str, port: int, version: str, walks: int) -> Measured:
    """Walk ifTable and ifXTable whole, one process each: it takes one root, and a process a column costs more."""
    options = ["-v2c", "-c", COMMUNITY] if version == "2c" else _netsnmp_user()
    command = ["snmpbulkwalk", *options, "-m", "", "-On", "-Ox", "-Ot", "-Cr50", "-t", "5", f"udp:{host}:{port}"]
    cpu = wall = 0.0
    count = 0
    outputs: list[str] = []
    for n in range(walks + 1):
        outputs = []
        for root in ("1.3.6.1.2.1.2.2", "1.3.6.1.2.1.31.1.1"):
            used, took, output = _run([*command, root])
            outputs.append(output)
            if n:
                cpu, wall = cpu + used, wall + took
                count += output.count("\n.1.") + 1 - output.count(_END)
    lines: dict[str, list[str]] = {column: [] for column in COLUMNS}
    for line in re.sub(r"\n(?!\.1\.)", "", "\n".join(outputs)).splitlines():
        oid, _, value = line.removeprefix(".").partition(" = ")
        column = oid.rpartition(".")[0]
        if column in lines and not value.startswith(_END):
            lines[column].append(f"{oid}|{_netsnmp_value(value)}")
    return cpu, wall, count, [line for column in lines.values() for line in column]


def _netsnmp_user() -> list[str]:
    keys = ["-A", USER.auth_key.decode(), "-X", USER.priv_key.decode()]
    return ["-v3", "-l", "authPriv", "-u", USER.name, "-a", USER.auth, "-x", USER.priv, *keys]


def _netsnmp_value(text: str) -> str:
    kind, colon, value = text.partition(": ")
    if kind == "Hex-STRING":
        return f"STRING|{value.replace(' ', '').lower()}"
    if text.strip() == '""':
        return "STRING|"
    if not colon:  # -Ot prints TimeTicks as a bare number
        return f"Timeticks|{text.strip()}"
    return f"{kind}|{value.strip()}"


def _run(command: list[str]) -> tuple[float, float, str]:
    """Return CPU seconds, wall seconds and output of a program."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{command[0]} ended with {process.returncode}")
        output.seek(0)
        return usage.ru_utime + usage.ru_stime, wall, output.read()


# --- Prometheus's exporter ----------------------------------------------------------------------------------------


def exporter(host: str, port: int, version: str, walks: int) -> Measured:
    """Scrape Debian's prometheus-snmp-exporter; its CPU is the daemon's, and includes writing the metrics as text."""
    with tempfile.TemporaryDirectory(prefix="benchmark-exporter-") as home:
        config = Path(home) / "snmp.yml"
        config.write_text(json.dumps({"benchmark": _module(version)}), encoding="ascii")  # JSON is YAML
        listen = _free_port()
        command = [EXPORTER, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{listen}", "--log.level=error"]
        process = subprocess.Popen([*command, "--no-snmp.wrap-large-counters"])
        url = f"http://127.0.0.1:{listen}/snmp?module=benchmark&target={host}:{port}"
        try:
            _scrape_when_ready(url)
            before, started = _cpu_of(process.pid), time.perf_counter()
            texts = [_scrape(url) for _ in range(walks)]
            cpu, wall = _cpu_of(process.pid) - before, time.perf_counter() - started
        finally:
            process.terminate()
            process.wait(10)
    lines = _samples(texts[-1])
    return cpu, wall, walks * len(lines), lines


def _module(version: str) -> dict[str, object]:
    kinds = {ber.oid_text(cell.oid).rpartition(".")[0]: cell.tag for cell in switch(1).cells()}
    counters = (ber.COUNTER32, ber.COUNTER64)
    metrics = []
    for column in COLUMNS:
        kind = kinds[column]
        text = "DisplayString" if kind == ber.OCTET_STRING else "counter" if kind in counters else "gauge"
        index = [{"labelname": "ifIndex", "type": "gauge"}]
        metrics.append({"name": _metric(column), "oid": column, "type": text, "help": "-", "indexes": index})
    auth: dict[str, str] = {"community": COMMUNITY}
    if version != "2c":
        auth = {
            "username": USER.name,
            "security_level": "authPriv",
            "auth_protocol": USER.auth.replace("-", ""),
            "password": USER.auth_key.decode(),
            "priv_protocol": USER.priv,
            "priv_password": USER.priv_key.decode(),
        }
    number = 2 if version == "2c" else 3
    limits = {"max_repetitions": 50, "timeout": "5s", "retries": 2}
    return {"walk": list(COLUMNS), "version": number, "auth": auth, "metrics": metrics, **limits}


def _metric(column: str) -> str:
    return "oid_" + column.replace(".", "_")


def _samples(text: str) -> list[str]:
    """Return `OID||value` of each sample: the exporter keeps neither type nor order."""
    rows: dict[str, list[tuple[int, str]]] = {_metric(column): [] for column in COLUMNS}
    for name, labels, value in re.findall(r"^(\w+)\{(.*)\} (\S+)$", text, re.MULTILINE):
        if name in rows:
            given = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels))
            shown = given[name].encode().hex() if name in given else repr(float(value))
            rows[name].append((int(given["ifIndex"]), shown))
    return [f"{column}.{index}||{value}" for column in COLUMNS for index, value in sorted(rows[_metric(column)])]


def _scrape(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as response:
        return str(response.read().decode())


def _scrape_when_ready(url: str) -> None:
    for _ in range(100):
        try:
            _scrape(url)
        except ConnectionRefusedError:
            time.sleep(0.1)
        except OSError as error:
            if not isinstance(getattr(error, "reason", None), ConnectionRefusedError):
                raise SystemExit(f"the exporter does not answer: {error}") from error
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the exporter did not start")


# --- measuring ----------------------------------------------------------------------------------------------------

CLIENTS: dict[str, Callable[[str, int, str, int], Measured]] = {
    "campus-agent": campus_agent,
    "pysnmp": pysnmp,
    "pysnmp-columns": pysnmp_columns,
    "snmpbulkwalk": snmpbulkwalk,
    EXPORTER: exporter,
}


def missing(name: str) -> str:
    """Return what a client lacks on this machine, or an empty string."""
    program = name if name in {"snmpbulkwalk", EXPORTER} else ""
    return f"{program} is not installed" if program and not shutil.which(program) else ""


def _line(oid: str, tag: int, value: bytes) -> str:
    return f"{oid}|{_TYPES[tag]}|{value.hex() if tag == ber.OCTET_STRING else ber.integer(tag, value)}"


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _cpu_of(process: int) -> float:
    """Return user and system seconds of another process, all threads (proc(5), fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(arguments: list[str]) -> int:
    """Run one client: NAME VERSION HOST PORT FILE."""
    name, version, host, port, path = arguments
    pin(0, -1)
    cpu, wall, count, lines = CLIENTS[name](host, int(port), version, _WALKS[name])
    Path(path).write_text("\n".join(lines), encoding="utf-8")
    print(json.dumps({"cpu": cpu, "wall": wall, "varbinds": count}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
