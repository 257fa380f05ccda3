"""Discovery: a campus of lab devices on loopback, found by the command; real snmpd for SNMPv3; what it never does."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from agent import ber
from agent.clock import SystemClock
from agent.collectors import COLLECTORS
from agent.errors import UsageError
from agent.lab.snmp import Cell, Device, Recording, lab_thread, switch
from agent.lab.snmpd import AUTH_PASSWORD, COMMUNITY, PRIV_PASSWORD, V3User, running_snmpd
from agent.packs.load import config_directory, load_families, parse_campus
from agent.packs.models import known_models
from agent.runtime import discovery
from agent.runtime.credentials import Credential
from agent.runtime.discover import Sweep, discover
from agent.runtime.networks import parse_networks
from agent.sessions.redact import Redactor
from agent.transports.snmp import User
from tests.collectors.test_identity import number, text
from tests.collectors.test_neighbours import local, neighbour, port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.lab.snmp.responder import Speaker
    from agent.runtime.proposal import Proposal

RO, OTHER = Credential(version="2c", community="lab-ro"), Credential(version="2c", community="not-this-one")
HUAWEI = "1.3.6.1.4.1.2011.2.23.291"
MACS = [bytes.fromhex(f"4c1fcc00000{at}") for at in range(10)]
LOC = "1.0.8802.1.1.2.1.3"


def v3(user: str, *, auth: str = "SHA", key: str = AUTH_PASSWORD, priv: str = "") -> Credential:
    """A version 3 credential."""
    given = {"version": "3", "user": user, "auth": auth, "auth_key": key, "priv": priv}
    return Credential.from_json({**given, "priv_key": PRIV_PASSWORD} if priv else given)


def device(name: str, chassis: bytes, *cells: Cell, object_id: str = HUAWEI, serial: bytes = b"") -> Recording:
    """A switch with LLDP."""
    made = [
        text("1.3.6.1.2.1.1.1.0", b"a switch of the lab"),
        Cell(ber.oid_bytes("1.3.6.1.2.1.1.2.0"), ber.OID, ber.oid_bytes(object_id)),
        text("1.3.6.1.2.1.1.5.0", name.encode()),
        number(f"{LOC}.1.0", 4),
        text(f"{LOC}.2.0", chassis),
        *cells,
    ]
    if serial:
        made += [number("1.3.6.1.2.1.47.1.1.1.1.5.1", 3), text("1.3.6.1.2.1.47.1.1.1.1.11.1", serial)]
    return Recording(made)


def managed(index: str, address: str) -> Cell:
    """A management address of a neighbour."""
    return number(f"1.0.8802.1.1.2.1.4.2.1.3.{index}.1.4.{address}", 2)


def campus_of_five() -> list[Device]:
    """Core and access switch that see each other, a third seen from one end, one behind another community."""
    core = device(
        "core-sw1.school.example",
        MACS[1],
        *port(10, "XGE0/0/1"),
        *port(11, "XGE0/0/2"),
        *port(12, "XGE0/0/3"),
        *local(1, 5, b"XGE0/0/1"),
        *local(2, 5, b"XGE0/0/2"),
        *local(3, 5, b"XGE0/0/3"),
        *neighbour("0.1.1", 0x28, chassis=MACS[2], name=b"access"),
        *neighbour("0.2.1", 0x28, chassis=MACS[3], name=b"lib"),
        *neighbour("0.3.1", 0x28, chassis=MACS[4], name=b"forgotten-sw"),
        managed("0.3.1", "127.77.0.200"),
        serial=b"SN-0001",
    )
    access = device(
        "教学楼 A/2F 4c:1f:cc:00:00:02",
        MACS[2],
        *port(9, "Gi0/9"),
        *local(9, 5, b"Gi0/9"),
        *neighbour("0.9.1", 0x28, chassis=MACS[1], name=b"core"),
        serial=b"SN-0001",
    )
    return [
        Device("core", core, host="127.77.0.1", port=0),
        Device("access", access, host="127.77.0.2"),
        Device("lib", device("lib", MACS[3]), host="127.77.0.3"),
        Device("guarded", device("guarded", MACS[5]), host="127.77.0.4", community=b"something-else"),
    ]


@pytest.fixture(scope="module")
def lab() -> Iterator[tuple[int, dict[str, Speaker]]]:
    """The campus at one UDP port."""
    with lab_thread([Device("probe", switch(1), host="127.77.0.99")]) as found:
        free = found["probe"].address[1]
    devices = [Device(one.name, one.recording, one.host, free, one.community) for one in campus_of_five()]
    with lab_thread(devices) as speakers:
        yield free, speakers


def swept(port_number: int, *credentials: Credential, networks: str = "127.77.0.0/29", **fields: Any) -> Proposal:
    """Sweep and propose."""
    sweep = Sweep(
        networks=parse_networks(networks.split()),
        credentials=tuple((f"c{at}", one) for at, one in enumerate(credentials)),
        port=port_number,
        timeout_ms=fields.pop("timeout_ms", 250),
        rate=fields.pop("rate", 2000),
        **fields,
    )
    return asyncio.run(discovery.run(sweep))


def test_the_proposal_is_a_campus_file_that_the_loader_takes(lab: tuple[int, dict[str, Speaker]]) -> None:
    """Assets with family, address, port and credential, and the backbone, once, with the port at its near end."""
    proposal = swept(lab[0], OTHER, RO)
    families = load_families(config_directory(), collectors=COLLECTORS)
    campus = parse_campus(proposal.to_yaml().encode(), "x", families=families, collectors=COLLECTORS).value
    assert [(one.id, one.family, one.address, one.credentials) for one in campus.assets] == [
        ("core-sw1", "huawei-vrp-switch", "127.77.0.1", "c1"),
        ("A-2F", "huawei-vrp-switch", "127.77.0.2", "c1"),
        ("lib", "huawei-vrp-switch", "127.77.0.3", "c1"),
    ]
    assert {one.port for one in campus.assets} == {lab[0]}
    assert [(one.role, one.asset, one.port) for one in campus.links] == [
        ("backbone", "A-2F", "Gi0/9"),
        ("backbone", "core-sw1", "XGE0/0/2"),
    ]
    facts = {one["id"]: one for one in proposal.to_json()["assets"]}
    assert (facts["lib"]["vendor"], facts["lib"]["model"], facts["lib"]["role"]) == (
        "Huawei",
        known_models()[HUAWEI].name,
        "switch",
    )
    links = {(one["asset"], one["far"], one["both_ends"]) for one in proposal.to_json()["links"]}
    assert links == {("A-2F", "core-sw1", True), ("core-sw1", "lib", False)}
    assert "4c:1f:cc:00:00:02" not in proposal.to_yaml()


def test_what_is_missing_is_counted_by_reason(lab: tuple[int, dict[str, Speaker]]) -> None:
    """A device behind another community is silent, an address without agent says so, a neighbour outside is named."""
    told = swept(lab[0], OTHER, RO).to_json()
    assert told["missing"] == {"silent": 1, "closed": 2}
    assert told["unanswered"] == []
    wider = swept(lab[0], RO, networks="127.77.0.0/29 127.77.0.200").to_json()
    assert [(one["addresses"], one["name"], one["seen_by"], one["port"]) for one in wider["unanswered"]] == [
        (["127.77.0.200"], "forgotten-sw", "core-sw1", "XGE0/0/3")
    ]


def test_shared_serial_numbers_are_reported_with_what_to_do(lab: tuple[int, dict[str, Speaker]]) -> None:
    """Two switches with one serial number are both named; the number itself is not shown."""
    clashes = swept(lab[0], RO).to_json()["clashes"]
    assert [(one["kind"], one["assets"]) for one in clashes] == [("serial", ["core-sw1", "A-2F"])]
    assert "SN-0001" not in json.dumps(swept(lab[0], RO).to_json())


def test_a_credential_is_tried_once_and_the_next_only_after_it(lab: tuple[int, dict[str, Speaker]]) -> None:
    """A host that stays silent has received one datagram per credential, not one more."""
    guarded = lab[1]["guarded"].agent
    before = guarded.asked
    swept(lab[0], OTHER, RO, Credential(version="1", community="third"), networks="127.77.0.4")
    assert guarded.asked - before == 3


def test_no_host_is_begun_after_the_time_is_over(lab: tuple[int, dict[str, Speaker]]) -> None:
    """A sweep ends in time, and says how many hosts it did not get to."""
    loop_started = asyncio.new_event_loop()
    began = loop_started.time()
    found = swept(lab[0], RO, networks="127.77.4.0/22", rate=50, seconds=1).discovery
    took = loop_started.time() - began
    loop_started.close()
    assert took < 6
    assert found.missing["late"] > 500
    assert found.asked == found.hosts


def test_the_rate_is_kept(lab: tuple[int, dict[str, Speaker]]) -> None:
    """Twenty hosts at twenty tries a second take about a second."""
    loop = asyncio.new_event_loop()
    began = loop.time()
    swept(lab[0], RO, networks="127.77.8.0/28 127.77.9.0/29", rate=20)
    took = loop.time() - began
    loop.close()
    assert took > 0.85


def test_snmpd_with_three_kinds_of_wrong_credentials() -> None:
    """On a real agent: after a wrong key no further SNMPv3 user is tried; a wrong name or level does not stop it."""
    right, wrong = v3("sha"), v3("sha", key="not-the-passphrase")
    with running_snmpd(users=(V3User("sha", "SHA"), V3User("shaaes", "SHA", "AES"))) as peer:
        here: dict[str, Any] = {"networks": "127.0.0.1", "timeout_ms": 1500}
        assert swept(peer.port, v3("nobody"), right, **here).items[0].device.found.credentials == "c1"
        assert swept(peer.port, v3("sha", priv="AES"), right, **here).to_json()["found"] == 1
        locked = swept(peer.port, wrong, right, **here).to_json()
        assert (locked["found"], locked["missing"]) == (0, {"refused": 1})
        assert "wrongDigests" in locked["refused"]["127.0.0.1"]
        by_community = swept(peer.port, wrong, right, Credential(version="2c", community=COMMUNITY), **here)
        assert by_community.items[0].device.found.credentials == "c2"
        found = swept(peer.port, right, **here).items[0]
        assert (found.family, found.role, found.device.id) == ("net-snmp", "server", "core-sw1")


def test_two_real_agents_with_one_engine_id_are_named() -> None:
    """Copied configurations are found, and the report says what to change."""
    extra = "exactEngineID 0x80001f8804636c6f6e65"
    with (
        running_snmpd(extra=extra, host="127.0.0.1") as first,
        running_snmpd(extra=extra, host="127.0.0.2", port=first.port),
    ):
        told = swept(
            first.port, Credential(version="2c", community=COMMUNITY), networks="127.0.0.1 127.0.0.2", timeout_ms=1500
        )
    clashes = [clash for clash in told.clashes if clash.kind == "engine"]
    assert [clash.devices for clash in clashes] == [("core-sw1", "core-sw1-127-0-0-2")]
    assert "engine ID" in clashes[0].todo


def test_a_device_that_shows_nothing_is_not_proposed() -> None:
    """An agent whose view is empty is counted as such, so that a person can correct the view."""
    with lab_thread([Device("blind", Recording([number("1.3.6.1.2.1.2.1.0", 1)]), host="127.77.1.1")]) as found:
        told = swept(found["blind"].address[1], RO, networks="127.77.1.1").to_json()
    assert told["missing"] == {"no-view": 1}


def test_ipv6_and_v3_users_of_the_lab() -> None:
    """A sweep over IPv6 finds a device by its SNMPv3 user, with one discovery and no community sent."""
    user = User("reader", "SHA-256", AUTH_PASSWORD.encode(), "AES", PRIV_PASSWORD.encode())
    one = Device("six", device("six", MACS[6]), host="::1", community=None, users=(user,))
    with lab_thread([one]) as found:
        credential = v3("reader", auth="SHA-256", priv="AES")
        told = swept(found["six"].address[1], credential, networks="::1", timeout_ms=1000)
    assert [item.device.addresses for item in told.items] == [("::1",)]


def test_without_a_credential_nothing_is_asked() -> None:
    """A sweep that could open nothing is refused."""
    sweep = Sweep(networks=parse_networks(["127.77.2.1"]), credentials=())
    with pytest.raises(UsageError, match="credential"):
        asyncio.run(discover(sweep, Redactor(secrets.token_bytes(32)), SystemClock()))


def test_the_command_end_to_end(lab: tuple[int, dict[str, Speaker]], tmp_path: Path) -> None:
    """Credentials by name, the file written once, JSON on standard output, the summary on standard error, no secret."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name, community in (("old", "not-this-one"), ("switches", "lab-ro")):
        (folder / name).write_text(f"version: 2c\ncommunity: {community}\n", encoding="utf-8")
        (folder / name).chmod(0o600)
    output = tmp_path / "proposed.yaml"
    command = [sys.executable, "-m", "agent", "discover", "127.77.0.0/29", "--port", str(lab[0]), "--timeout-ms", "250"]
    command += ["--credentials", "old", "--credentials", str(folder / "switches"), "--state", str(tmp_path), "--json"]
    command += ["-o", str(output), "--lang", "en"]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["found"] == 3
    assert "6 hosts: 3 devices, 2 backbone links" in done.stderr
    assert "same serial number" in done.stderr
    assert 'credentials: "switches"' in output.read_text(encoding="utf-8")
    for secret in ("lab-ro", "not-this-one"):
        assert secret not in done.stdout + done.stderr + output.read_text(encoding="utf-8")
    assert "# Proposed by campus-agent discover." in output.read_text(encoding="utf-8")
    again = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=environment)
    assert again.returncode == 2
    assert "exists already" in again.stderr


def test_a_sweep_without_a_device_writes_nothing(lab: tuple[int, dict[str, Speaker]], tmp_path: Path) -> None:
    """The same command, once the credential is right, is not refused for a file of the first try; it speaks Chinese."""
    secret, output = tmp_path / "switches", tmp_path / "found.yaml"
    command = [sys.executable, "-m", "agent", "discover", "127.77.0.1", "--port", str(lab[0]), "--timeout-ms", "250"]
    command += ["--credentials", str(secret), "-o", str(output)]
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "LC_MESSAGES": "", "LANG": ""}
    codes = []
    for community in ("not-this-one", "lab-ro"):
        secret.write_text(f"version: 2c\ncommunity: {community}\n", encoding="utf-8")
        secret.chmod(0o600)
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=environment)
        codes.append(done.returncode)
        assert done.stdout == ""
        assert output.exists() == (community == "lab-ro")
        assert (f"{output} is not written" in done.stderr) == (community != "lab-ro")
    assert codes == [1, 0]
    assert "# 由 campus-agent discover " in output.read_text(encoding="utf-8")
