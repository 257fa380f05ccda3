"""`campus-agent read`: one device, live and from its record."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.cli.files import READABLE
from agent.clock import SystemClock
from agent.lab.recorders.hikvision import HikvisionRecorder
from agent.lab.recorders.server import serve
from agent.lab.recorders.spans import footage
from agent.runtime.adhoc import SCHEMES
from tests.runtime.world import COMMUNITY, REPOSITORY, agent, command, environment, free_udp_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Call


def test_a_record_gives_the_same_bytes_again(tmp_path: Path, device: int) -> None:
    """One JSON object per reading; the record replays to the very same output, without the device."""
    record = tmp_path / "record.jsonl"
    url = f"snmp://127.0.0.1:{device}"
    live = agent(
        "read", url, "--link", "egress:telecom=lo", "--record", record, "--json", CAMPUS_AGENT_COMMUNITY=COMMUNITY
    )
    assert (live.code, live.err) == (0, "")
    again = agent("read", "--replay", record, "--json")
    assert (again.code, again.out, again.err) == (0, live.out, "")
    readings = [json.loads(line) for line in live.out.splitlines()]
    assert all({"metric", "subject", "value", "unit", "at", "grade", "sources"} == set(one) for one in readings)
    assert {one["value"] for one in readings if one["metric"] == "link.speed"} == {"1000"}
    assert COMMUNITY not in live.out
    assert COMMUNITY.encode() not in record.read_bytes()
    assert COMMUNITY.encode().hex().encode() not in record.read_bytes()


def test_record_and_readings_go_into_the_same_file(tmp_path: Path, device: int) -> None:
    """`--record /dev/stdout > file` loses neither: the record, then the readings, all of them."""
    path = tmp_path / "all.jsonl"
    arguments = ("read", f"snmp://127.0.0.1:{device}", "--collect", "identity", "--record", "/dev/stdout", "--json")
    with path.open("wb") as file:
        done = subprocess.run(
            command(*arguments),
            cwd=REPOSITORY,
            env=environment(CAMPUS_AGENT_COMMUNITY=COMMUNITY),
            stdout=file,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    lines = path.read_bytes().splitlines(keepends=True)
    record = tmp_path / "record.jsonl"
    record.write_bytes(b"".join(line for line in lines if b'"metric"' not in line))
    again = agent("read", "--replay", record, "--json")
    assert (again.code, again.err) == (0, "")
    assert again.out.encode() == b"".join(line for line in lines if b'"metric"' in line)
    assert again.out


def test_a_table_is_for_people(device: int) -> None:
    """Without --json a person gets a table of the same readings."""
    shown = agent("read", f"snmp://127.0.0.1:{device}", "--community", COMMUNITY)
    assert shown.code == 0
    assert "interface.oper_status" in shown.out
    assert "interface:lo" in shown.out
    assert "127.0.0.1" not in shown.out, "the table is of one device: only its port names differ"
    assert COMMUNITY not in shown.out


def test_a_silent_device_is_a_reading_a_reason_and_exit_1(tmp_path: Path) -> None:
    """Nothing listens: a reading says unreachable, standard error says why and what to do, and replay says the same."""
    record = tmp_path / "record.jsonl"
    done = agent("read", f"snmp://127.0.0.1:{free_udp_port()}", "--community", "x", "--record", record, "--json")
    assert done.code == 1
    assert json.loads(done.out)["value"] == "unreachable"
    assert done.err.startswith("campus-agent: no answer from the device: snmp://127.0.0.1:")
    assert "nothing listens at this port" in done.err
    again = agent("read", "--replay", record, "--json")
    assert (again.code, again.out, again.err) == (1, done.out, done.err)


def test_a_wrong_community_is_told_without_it(device: int) -> None:
    """An agent that drops a wrong community: the hint names that cause, and not the community."""
    done = agent("read", f"snmp://127.0.0.1:{device}", "--community", "WRONG-CANARY-1", "--seconds", "10", "--json")
    assert done.code == 1
    assert "community" in done.err
    assert "CANARY" not in done.out + done.err


def test_a_wrong_community_that_is_an_ordinary_word_makes_no_hole_in_the_hint(device: int) -> None:
    """`--community wrong`: the hint stays whole, and a Chinese reader gets it in Chinese; the record stays English."""
    url, wrong = f"snmp://127.0.0.1:{device}", ("--community", "wrong", "--seconds", "10")
    done = agent("read", url, *wrong, LANG="zh_CN.UTF-8", LC_ALL="zh_CN.UTF-8")
    assert done.code == 1
    assert "redacted" not in done.err
    assert done.err.startswith("campus-agent: 设备无应答: snmp://127.0.0.1:")
    assert "团体名" in done.err
    assert "check address" not in done.err


def test_a_port_that_the_device_does_not_have_is_a_reason_and_exit_1(device: int) -> None:
    """`--link egress:t=nope`: the device answers well, but what was asked for is not there, and a line says so."""
    done = agent("read", f"snmp://127.0.0.1:{device}", "--community", COMMUNITY, "--link", "egress:t=nope", "--json")
    assert done.code == 1
    assert '"link.match"' in done.out
    (line,) = done.err.splitlines()
    assert "egress:t: no port of the device has this name. Name the port as the device does" in line


def test_a_credential_file_opens_what_a_community_opens(tmp_path: Path, device: int) -> None:
    """--credentials takes a file of mode 0600 and refuses one that others may read."""
    path = tmp_path / "ro"
    path.write_text(f"{{version: 2c, community: {COMMUNITY}}}", encoding="utf-8")
    path.chmod(0o644)
    done = agent("read", f"snmp://127.0.0.1:{device}", "--credentials", path, "--json")
    assert done.code == 2
    assert done.err == f"campus-agent: {path}: others may read this credential (mode 0o644). Run: chmod 600 {path}\n"
    path.chmod(0o600)
    assert agent("read", f"snmp://127.0.0.1:{device}", "--credentials", path, "--json").code == 0


ROLES = "Roles are egress, backbone, uplink, classroom, office and access; an id has letters and digits"
KNOWN = f"Known: {', '.join(SCHEMES)}"
EXAMPLE = f"Write for example snmp://192.0.2.1 or mqtt://192.0.2.1:1883; schemes are {', '.join(SCHEMES)}"
NO_JSON = "not valid JSON: Expecting value: line 1 column 1 (char 0)"
NO_RECORD = str(Path(__file__).parents[1] / "configs" / "bad" / "campus-tab.yaml")
GIVE = (
    "give either a URL or --replay with a record. "
    "Write for example campus-agent read snmp://192.0.2.1 --credentials FILE"
)
URL = "Write for example snmp://192.0.2.1 or snmp://[2001:db8::1]:161"
PORT = "Write for example egress:telecom=GigabitEthernet0/0/1"
LEVEL = "Write for example light=school/light/+/state@2; the level, from 0, names the device"
RECORD = "Give a file that campus-agent read --record of this version wrote, or a segment of a bundle"
TOPIC = "Give --topic, for example light=school/light/+/state@2"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], GIVE),
        (["192.0.2.1"], f"'192.0.2.1' does not say how to ask which host. {EXAMPLE}"),
        (["gopher://x"], f"there is no scheme 'gopher' to ask a device by. {KNOWN}"),
        (["snmp://u:CANARY@h"], "a URL is no place for a password. Use --credentials with a file of mode 0600"),
        (
            ["isapi://h?reboot=1"],
            "'reboot=1' says nothing of a device. Known are: scheme, certificate, basic, search_days",
        ),
        (["snmp://[::1"], "'snmp://[::1' is not a URL: Invalid IPv6 URL. " + URL),
        (["snmp://h:99999"], "'snmp://h:99999' is not a URL: Port out of range 0-65535. " + URL),
        (["snmp://192.0.2.1"], "an SNMP agent wants a community or user. Give --community or --credentials"),
        (["mqtt://h"], "a broker is listened to by topic, and none is given. " + TOPIC),
        (["mqtt://h", "--topic", "light=a/+"], "'light=a/+' is not of the form kind=filter@level. " + LEVEL),
        (["snmp://h", "--community", "x", "--link", "lo"], "'lo' is not of the form role:id=port. " + PORT),
        (
            ["snmp://h", "--community", "x", "--link", "wan:a=lo"],
            f"'wan:a=lo' is not of the form role:id=port. {ROLES}",
        ),
        (
            ["snmpp://x"],
            f"there is no scheme 'snmpp' to ask a device by. Did you mean 'snmp'? Known: {', '.join(SCHEMES)}",
        ),
        (["--replay", "/nowhere/r"], f"/nowhere/r: cannot read this file: No such file or directory. {READABLE}"),
        (
            ["--replay", NO_RECORD],
            f"{NO_RECORD}:1: {NO_JSON}. {RECORD}",
        ),
        (
            ["snmp://h", "--credentials", "/nowhere/c"],
            "there is no credential 'c'. Put it into /nowhere with mode 0600",
        ),
    ],
)
def test_what_cannot_work_is_one_line(call: Call, arguments: list[str], told: str) -> None:
    """Golden: each wrong call ends with exit 2 and one line that says what is wrong and what to write."""
    done = call("read", *arguments)
    assert (done.code, done.out, done.err) == (2, "", f"campus-agent: {told}\n")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, device: int) -> bytes:
    """Return a record of the device."""
    record = tmp_path_factory.mktemp("record") / "r.jsonl"
    url = f"snmp://127.0.0.1:{device}"
    assert agent("read", url, "--record", record, CAMPUS_AGENT_COMMUNITY=COMMUNITY).code == 0
    return record.read_bytes()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda data: data[:-1], "cut short"),
        (lambda data: data.replace(b'"n":0', b'"n":1', 1), ":2: exchange 1 stands where 0 belongs"),
        (lambda data: data.replace(b"snmp.get", b"snmp.got", 1), ":2: not a valid Exchange"),
        (lambda data: b"\n".join(data.split(b"\n")[:-2]) + b"\n", "one more is asked for"),
        (lambda data: b"", "cut short"),
        (lambda data: b"\xff\xfe", "cut short"),
    ],
)
def test_a_broken_record_is_named_with_its_line(
    tmp_path: Path, call: Call, recorded: bytes, change: Callable[[bytes], bytes], place: str
) -> None:
    """A record that was cut or changed gives file, line and reason, never a traceback."""
    record = tmp_path / "r.jsonl"
    record.write_bytes(change(recorded))
    done = call("read", "--replay", record)
    assert done.code == 2
    assert done.err.startswith(f"campus-agent: {record}")
    assert place in done.err
    assert done.err.count("\n") == 1


def test_a_recorder_is_read_and_its_record_read_again(tmp_path: Path) -> None:
    """`read isapi://` logs in by digest, keeps the record, and `--replay` prints the same readings octet for octet."""
    clock = SystemClock()
    begun = int(clock.now().timestamp()) * 1000
    path, record = tmp_path / "nvr", tmp_path / "record.jsonl"
    path.write_text("{username: agent, password: lab-password-1}", encoding="utf-8")
    path.chmod(0o600)
    with serve(HikvisionRecorder(footage(2, 2, begun), lambda: int(clock.now().timestamp() * 1000))) as served:
        url = f"isapi://127.0.0.1:{served.port}?search_days=3"
        live = agent("read", url, "--credentials", path, "--record", record, "--json")
    assert (live.code, live.err) == (0, "")
    assert '"channel.spans"' in live.out
    assert agent("read", "--replay", record, "--json").out == live.out
    assert "lab-password-1" not in record.read_text(encoding="utf-8") + live.out
