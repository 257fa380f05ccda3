"""The lab agent as net-snmp's commands and our engine see it: every object, type and octet of what it serves."""

from __future__ import annotations

import asyncio
import re
import subprocess
from pathlib import Path

import pytest

from agent import ber
from agent.lab.snmp import Device, Recording, lab_thread, parse, read, switch
from agent.model.exchange import SnmpColumn, SnmpGet, SnmpTable, VarBinds
from agent.transports.snmp import Community, Limits, SnmpTransport, User

FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures" / "snmp"
V2C = Community("2c", b"lab-ro")
AUTH, PRIV = b"auth-canary-1", b"priv-canary-2"
PAIRS = [
    ("", ""),
    ("MD5", ""),
    ("SHA-256", ""),
    ("MD5", "DES"),
    ("SHA", "AES"),
    ("SHA-224", "AES-192"),
    ("SHA-256", "AES"),
    ("SHA-384", "AES-256"),
    ("SHA-512", "AES-256"),
    ("SHA", "AES-256-C"),
]
ODD = parse(
    b"1.3.6.1.2.1.1.1.0|4x|e6a0a1e59bad00ff\r\n1.3.6.1.2.1.1.2.0|6|.1.3.6.1.4.1.4294967295\n1.3.6.1.2.1.1.3.0|67|4294967295\n"
    b"1.3.6.1.2.1.1.4.0|4|\n1.3.6.1.2.1.1.7.0|2|-2147483648\n1.3.6.1.2.1.4.20.1.1.10.0.0.1|64|10.0.0.1\n"
    b"1.3.6.1.2.1.31.1.1.1.6.1|70|18446744073709551615\n1.3.6.1.2.1.31.1.1.1.6.128|70|9223372036854775808\n"
    b"1.3.6.1.2.1.31.1.1.1.6.16384|65|4294967295\n1.3.6.1.2.1.31.1.1.1.6.2097152|66|2147483648\n"
    b"1.3.6.1.4.1.2021.10.1.6.1|68x|9f780442c80000\n1.3.6.1.4.1.9.1|5|\n"
)


def user(auth: str, priv: str) -> User:
    """A user of the lab."""
    return User("reader", auth, AUTH if auth else b"", priv, PRIV if priv else b"")


def bulkwalk(address: tuple[str, int], *options: str, oid: str = ".1") -> str:
    """Return what `snmpbulkwalk -On -Ox` prints."""
    target = f"udp:{address[0]}:{address[1]}"
    command = ["snmpbulkwalk", *options, "-m", "", "-r", "2", "-t", "3", "-On", "-Ox", "-Ot", "-Cc", target, oid]
    done = subprocess.run(
        command, check=False, capture_output=True, timeout=60, env={"PATH": "/usr/bin", "LC_ALL": "C"}
    )
    assert done.returncode == 0, done.stderr[-400:]
    return done.stdout.decode()


def lines(output: str) -> list[tuple[str, str]]:
    """Return (OID, value) of each object, in the order printed."""
    found = []
    for line in re.sub(r"\n(?!\.\d)", "", output).splitlines():
        oid, _, value = line.partition(" = ")
        if not value.startswith("No more variables"):
            found.append((oid[1:], value.strip()))
    return found


def printed(tag: int, value: bytes) -> str:
    """Return a value as net-snmp prints it with the options above."""
    if tag in {ber.INTEGER, ber.COUNTER32, ber.GAUGE32, ber.COUNTER64, ber.TIME_TICKS}:
        number = ber.integer(tag, value)
        names = {ber.INTEGER: "INTEGER: ", ber.COUNTER32: "Counter32: ", ber.GAUGE32: "Gauge32: "}
        return f"{names.get(tag, 'Counter64: ' if tag == ber.COUNTER64 else '')}{number}"
    if tag == ber.OID:
        return f"OID: .{ber.oid_text(value)}"
    if tag == ber.IP_ADDRESS:
        return "IpAddress: " + ".".join(map(str, value))
    if tag == ber.NULL:
        return "NULL"
    if tag == ber.OPAQUE:
        return "Opaque"
    return f"Hex-STRING: {value.hex(' ').upper()}" if value else '""'


def expected(recording: Recording) -> list[tuple[str, str]]:
    """Return what a walk of the whole recording prints."""
    return [(ber.oid_text(cell.oid), printed(cell.tag, cell.value)) for cell in recording.cells()]


def walk(address: tuple[str, int], credentials: Community | User, columns: list[str]) -> list[bytes]:
    """Return the varbinds of our engine's walk."""

    async def ask() -> VarBinds:
        transport = SnmpTransport(*address, credentials=credentials, limits=Limits(timeout_ms=3000))
        try:
            return await transport.exchange(
                SnmpTable(columns=tuple(SnmpColumn(oid=oid) for oid in columns), max_rows=100_000)
            )
        finally:
            await transport.close()

    answer = asyncio.run(ask())
    assert answer.partial == ()
    return [bytes.fromhex(each) for each in answer.varbinds]


@pytest.mark.parametrize("recording", [ODD, switch(60)], ids=["odd values", "switch"])
def test_snmpbulkwalk_prints_the_recording(recording: Recording) -> None:
    """net-snmp's snmpbulkwalk sees every object of a recording once, in order, with type and value."""
    with lab_thread([Device("sw", recording)]) as lab:
        got = lines(bulkwalk(lab["sw"].address, "-v2c", "-c", "lab-ro"))
    assert without_opaque(got) == expected(recording)


@pytest.mark.parametrize(("auth", "priv"), PAIRS, ids=[f"{auth or 'none'}/{priv or 'none'}" for auth, priv in PAIRS])
def test_v3_as_net_snmp_and_our_engine_speak_it(auth: str, priv: str) -> None:
    """Each pair of algorithms lets net-snmp and our engine read the same recording over SNMPv3."""
    recording = switch(30)
    known = user(auth, priv)
    options = ["-v3", "-u", "reader", "-l", "authPriv" if priv else "authNoPriv" if auth else "noAuthNoPriv"]
    options += ["-a", auth, "-A", AUTH.decode()] if auth else []
    options += ["-x", priv, "-X", PRIV.decode()] if priv else []
    with lab_thread([Device("sw", recording, users=(known,))]) as lab:
        address = lab["sw"].address
        assert lines(bulkwalk(address, *options)) == expected(recording)
        assert walk(address, known, ["1.3"]) == recording.varbinds
        assert lab["sw"].agent.dropped == {}


def test_v1_skips_counter64_and_ends_with_no_such_name() -> None:
    """SNMPv1 has no Counter64 (RFC 3584 §4.2.2.1) and no exceptions: snmpwalk -v1 and our engine agree on the rest."""
    recording = switch(5)
    shown = [cell for cell in recording.cells() if cell.tag != ber.COUNTER64]
    with lab_thread([Device("sw", recording)]) as lab:
        address = lab["sw"].address
        ours = walk(address, Community("1", b"lab-ro"), ["1.3"])
        command = [
            "snmpwalk",
            "-v1",
            "-c",
            "lab-ro",
            "-m",
            "",
            "-On",
            "-Ox",
            "-Ot",
            f"udp:127.0.0.1:{address[1]}",
            ".1",
        ]
        output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
    assert ours == [ber.encode_varbind(*cell) for cell in shown]
    assert [oid for oid, value in lines(output) if value != "End of MIB"] == [ber.oid_text(cell.oid) for cell in shown]


@pytest.mark.parametrize("max_size", [484, 1472])
def test_answers_stay_within_the_message_size(max_size: int) -> None:
    """A device that sends small messages cuts GETBULK short, and walks still find everything."""
    recording = switch(40)
    with lab_thread([Device("sw", recording, max_size=max_size)]) as lab:
        address = lab["sw"].address
        assert lines(bulkwalk(address, "-v2c", "-c", "lab-ro", "-Cr80")) == expected(recording)
        assert walk(address, V2C, ["1.3"]) == recording.varbinds


def roots(recording: Recording) -> list[str]:
    """Return the subtrees under ISO that the recording has objects in: 1.0 holds LLDP, 1.2 IEEE, 1.3 the rest."""
    return sorted({ber.oid_text(oid)[:3] for oid in recording.oids})


def recordings() -> list[Path]:
    """Return the real recordings beside the checkout, if they are there."""
    return sorted([*FIXTURES.glob("*.snmprec"), *FIXTURES.glob("extra/*.snmprec")])


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the recordings of real devices are not beside this checkout")
def test_real_recordings_reach_net_snmp_and_our_engine_whole() -> None:
    """No recording of a real device crashes the lab, and net-snmp and our engine see each of its objects, in order."""
    files = recordings()
    taken = {path.stem: read(path) for path in files}
    assert len(taken) == len(files) > 60
    assert sum(len(recording) for recording in taken.values()) > 80_000
    with lab_thread([Device(name, recording) for name, recording in taken.items()]) as lab:
        for name, recording in taken.items():
            assert walk(lab[name].address, V2C, roots(recording)) == recording.varbinds, name
            got = without_opaque(lines(bulkwalk(lab[name].address, "-v2c", "-c", "lab-ro", "-Cr50")))
            assert got == without_opaque(expected(recording)), name


def without_opaque(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return rows as they are, but for Opaque: net-snmp decodes what is inside."""
    return [(oid, "Opaque" if value.startswith(("Opaque", "OPAQUE")) else value) for oid, value in rows]


def command(
    name: str, address: tuple[str, int], *arguments: str, version: str = "2c"
) -> subprocess.CompletedProcess[str]:
    """Run one of net-snmp's commands against the lab."""
    options = [f"-v{version}", "-c", "lab-ro", "-m", "", "-r", "0", "-t", "2", "-On", "-Ox", "-Ot"]
    extra = [each for each in arguments if each.startswith("-C")]
    rest = [each for each in arguments if not each.startswith("-C")]
    line = [name, *options, *extra, f"udp:{address[0]}:{address[1]}", *rest]
    return subprocess.run(line, check=False, capture_output=True, text=True, timeout=30)


def test_bulk_with_non_repeaters() -> None:
    """GETBULK gives one successor of each non-repeater and N of the others, interleaved, up to the end of the view."""
    recording = switch(2)
    with lab_thread([Device("sw", recording)]) as lab:
        address, last = lab["sw"].address, ber.oid_text(recording.oids[-1])
        asked = ("1.3.6.1.2.1.1.5", "1.3.6.1.2.1.2.2.1.2", last)
        output = command("snmpbulkget", address, "-Cn1", "-Cr2", *asked).stdout
    got = lines(output)
    past = "No more variables left in this MIB View (It is past the end of the MIB tree)"
    assert [oid for oid, _ in got] == ["1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.2.2.1.2.1", "1.3.6.1.2.1.2.2.1.2.2"]
    assert output.count(f".{last} = {past}") == 2


def test_a_get_too_large_for_the_message_is_too_big() -> None:
    """GET and GETNEXT are not shortened: tooBig for v2c and for v1, and our engine reads the same in pieces."""
    recording = switch(30)
    oids = [f"1.3.6.1.2.1.31.1.1.1.18.{row}" for row in range(1, 31)]

    async def ask(address: tuple[str, int]) -> VarBinds:
        transport = SnmpTransport(*address, credentials=V2C)
        try:
            return await transport.exchange(SnmpGet(oids=tuple(oids)))
        finally:
            await transport.close()

    with lab_thread([Device("sw", recording, max_size=484)]) as lab:
        address = lab["sw"].address
        for version in ("1", "2c"):
            assert "tooBig" in command("snmpget", address, *oids, version=version).stderr
        answer = asyncio.run(ask(address))
    assert answer.partial == ()
    assert [bytes.fromhex(each) for each in answer.varbinds] == recording.varbinds[-30:]


def test_nothing_can_be_set() -> None:
    """SET is refused as RFC 3416 and RFC 1157 have it, and changes nothing."""
    with lab_thread([Device("sw", switch(1))]) as lab:
        address = lab["sw"].address
        change = ("1.3.6.1.2.1.1.5.0", "s", "changed")
        assert "notWritable" in command("snmpset", address, *change).stderr
        assert "noSuchName" in command("snmpset", address, *change, version="1").stderr
        assert "6C 61 62 2D 73 77" in command("snmpget", address, change[0]).stdout
