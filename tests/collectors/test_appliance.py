"""Clock, time synchronisation, log forwarding, firmware and signatures, from real command output; live and replay."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clock import time_text
from agent.collectors import measure
from agent.collectors.appliance import collect, lines_of
from agent.collectors.commandline.dialects import DIALECTS, dialect_of
from agent.collectors.commandline.fact import UnrecognisedError
from agent.errors import GapError
from agent.model.asset import Asset
from agent.model.campus import Campus, School
from agent.model.cli import escaped
from agent.model.evidence import SegmentHeader
from agent.model.exchange import Answer, CliCommand, CliOutput, Exchange, GapReason, Request
from agent.packs.load import config_directory, load_families, load_metrics
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.sessions.replay import ReplaySession
from agent.sessions.segment import parse_segment, segment_bytes
from agent.transports.ssh import SshLogin, SshTransport
from tests.peers.sshd import sshd

if TYPE_CHECKING:
    from agent.model.reading import Reading

FIXTURES = Path(os.environ.get("SHARED_FIXTURES", Path(__file__).resolve().parents[3] / "shared/fixtures"))
CLI = FIXTURES / "recorders/cli"
needs_captures = pytest.mark.skipif(
    not CLI.is_dir(), reason="the captures of real devices are not beside this checkout"
)
AT = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
CAMPUS = Campus(version="1", school=School(id="s", name="s"))
FAMILIES = load_families(config_directory())

VRP = {
    "display version": "Huawei Versatile Routing Platform Software\n"
    "VRP (R) software, Version 5.170 (S5720 V200R011C10SPC600)\n",
    "display clock": "2026-11-22 09:02:05+08:00\nSunday\nTime Zone(BJ) : UTC+08:00\n",
    "display ntp-service status": " clock status: synchronized\n clock stratum: 3\n reference clock ID: 10.1.1.1\n"
    " clock offset: -0.2500 ms\n",
}
FORTINET = {
    "get system status": "Version: FortiGate-100E v7.2.9,build1688,240813 (GA.M)\n"
    "Virus-DB: 91.00234(2026-11-20 08:00)\nIPS-DB: 6.00741(2015-12-01 02:30)\n"
    "Serial-Number: FGcanary01\nSystem time: Sun Nov 22 09:02:00 2026\n",
    "diagnose sys ntp status": "synchronized: no, ntpsync: enabled, server-mode: disabled\n"
    "ipv4 server(ntp1.example) 192.0.2.1 -- reachable(0xff) S:1 T:32 selected\n"
    "ipv4 server(ntp2.example) 192.0.2.2 -- unreachable(0x0) S:0 T:1\n    no data\n",
    "get log syslogd setting": "status              : enable\nserver              : 192.0.2.9\n",
    "get log syslogd2 setting": "status              : disable\n",
    "get log fortianalyzer setting": "status              : enable\n",
    "get log disk setting": "status              : enable\nmaximum-log-age     : 7\ndiskfull            : overwrite\n",
    "diagnose autoupdate versions": "\nAV Engine\n---------\nVersion: 6.00285 signed\n"
    "Contract Expiry Date: Wed Jan  6 2027\nLast Updated using manual update on Mon Apr  3 10:00:00 2023\n"
    "Last Update Attempt: Sun Nov 22 01:00:00 2026\nResult: No Updates\n\nAttack Definitions\n---------\n"
    "Version: 6.00741\nContract Expiry Date: Sat Mar 23 2024\n\nInternet-service Full Database\n---------\n"
    "Version: 7.03\nContract Expiry Date: n/a\n",
    "get firewall shaping-policy": "== [ 1 ]\nid: 1\n== [ 2 ]\nid: 2\n",
}
USG = {
    "display version av-sdb": " AV SDB Update Information List:\n" + "-" * 64 + "\n  Current Version:\n"
    "    Signature Database Version    : 2026112000\n    Signature Database Size(byte) : 65452000\n"
    "    Update Time                   : 01:56:57 2026/11/21\n"
    "    Issue Time of the Update File : 16:53:24 2026/11/20\n\n  Backup Version:\n"
    "    Signature Database Version    : 2020010100\n    Issue Time of the Update File : 16:53:24 2020/01/01\n",
    "display version ips-sdb": "Error: Unrecognized command found at '^' position.\n",
}
SECPATH = {
    "display ips signature library": "IPS signature library information:\n"
    "Type      SigVersion         ReleaseTime               Size(bytes)\n"
    "Current   1.0.166            Wed Nov 18 08:05:35 2026  71594\n"
    "Last      -                  -                         -\n"
    "Factory   1.0.0              Fri Jan  2 09:05:35 2015  71394\n",
    "display anti-virus signature library": "Anti-Virus signature library information:\n"
    "Type      SigVersion         ReleaseTime               Size(bytes)\n"
    "Current   -                  -                         -\n",
}


@dataclass
class Answers:
    """A session that answers commands from a table, and knows what was asked."""

    outputs: dict[str, str | bytes]
    elapsed_ms: int = 1000
    asked: list[str] = field(default_factory=list)

    async def ask(self, request: Request) -> Answer:
        assert isinstance(request, CliCommand)
        self.asked.append(request.command)
        text = self.outputs.get(request.command, "              ^\n% Unrecognized command found at '^' position.\n")
        data = text if isinstance(text, bytes) else text.encode()
        echoed = request.command.encode() + b"\r\n" + data.replace(b"\n", b"\r\n")
        output = CliOutput(output=escaped(echoed), elapsed_ms=self.elapsed_ms)
        return Answer(response=output, at=time_text(AT), source="sha256:" + "0" * 64)


def _asset(family: str) -> Asset:
    return Asset(id="fw-1", family=family, address="192.0.2.1")


def _read(family: str, outputs: dict[str, str | bytes], campus: Campus = CAMPUS) -> dict[tuple[str, str], str]:
    readings = asyncio.run(collect(_asset(family), campus, Answers(outputs)))
    return {(reading.metric.removeprefix("appliance."), reading.subject): reading.value for reading in readings}


def _own(found: dict[tuple[str, str], str]) -> dict[str, str]:
    return {metric: value for (metric, subject), value in found.items() if subject == "asset:fw-1"}


def _capture(name: str) -> bytes:
    return (CLI / name).read_bytes()


@needs_captures
def test_a_huawei_switch() -> None:
    """The vendor's own example of the information center: two buffers, one log host; and a real NTP status."""
    outputs: dict[str, str | bytes] = {
        **VRP,
        "display info-center": _capture("huawei/display_info-center.txt"),
        "display ntp-service status": _capture("ntc/huawei_vrp_display_ntp_status.raw"),
    }
    assert _own(_read("huawei-vrp-cli", outputs)) == {
        "firmware": "5.170 (S5720 V200R011C10SPC600)",
        "log.state": "enabled",
        "log.collectors": "1",
        "log.forwarding": "enabled",
        "log.buffer.capacity": "512",
        "log.buffer.messages": "10",
        "log.dropped": "0",
        "log.overwritten": "0",
        "ntp.state": "local",
        "ntp.stratum": "2",
        "clock.time": "2026-11-22T09:02:05+08:00",
        "clock.offset": "3",
        "clock.uncertainty": "1",
    }


@needs_captures
def test_an_h3c_switch() -> None:
    """Two log hosts, a log file with a quota, and a clock that says UTC; the weekday of the capture is wrong there."""
    outputs: dict[str, str | bytes] = {
        "display version": "H3C Comware Software, Version 7.1.070, Release 6126P20\n",
        "display info-center": _capture("h3c/display_info-center.txt"),
        "display logfile summary": _capture("h3c/display_logfile_summary.txt"),
        "display clock": _capture("ntc/hp_comware_display_clock_1.raw"),
    }
    found = _read("h3c-comware-cli", outputs)
    own = _own(found)
    assert own["firmware"] == "7.1.070, Release 6126P20"
    assert (own["log.collectors"], own["log.buffer.capacity"], own["log.file.quota"]) == ("2", "512", str(10 * 2**20))
    assert own["clock.time"] == "2015-03-16T10:09:00+00:00"
    assert found["answer", "ntp:fw-1"] == "unsupported"
    assert not [metric for metric in own if metric.startswith("ntp")]


@needs_captures
def test_a_cisco_switch() -> None:
    """A header without log hosts forwards nothing, whatever its trap level says; log lines are not looked at."""
    outputs: dict[str, str | bytes] = {
        "show version | include Version": "Cisco IOS Software, C2960S Software (C2960S-UNIVERSALK9-M), "
        "Version 15.0(2)SE10a, RELEASE SOFTWARE (fc3)\n",
        "show logging | include logging:|Logging to|Log Buffer": _capture("ntc/cisco_ios_show_logging_1.raw"),
        "show ntp status": "Clock is unsynchronized, stratum 16, no reference clock\n",
        "show clock detail": "*01:02:03.004 CST Sun Nov 22 2026\nTime source is NTP\n",
    }
    own = _own(_read("cisco-ios-cli", outputs))
    assert own["firmware"] == "15.0(2)SE10a"
    assert (own["log.state"], own["log.forwarding"], own["log.collectors"]) == ("enabled", "disabled", "0")
    assert (own["log.buffer.octets"], own["log.dropped"]) == ("16384", "0")
    assert own["ntp.state"] == "unsynchronised"
    assert own["clock.time"] == "2026-11-22T01:02:03.004000"
    assert "clock.offset" not in own, "CST stands for several zones"
    assert own["clock.local_offset"] == "-28799.496"


def test_cisco_log_hosts_are_counted() -> None:
    """Each `Logging to` is a collector; forwarding needs a trap level as well."""
    header = (
        "Syslog logging: enabled (11 messages dropped, 1 messages rate-limited)\n    Trap logging: {trap}\n"
        "        Logging to 192.168.1.254(global) (udp port 514, audit disabled,\n              link up),\n"
        "        Logging to 2001:db8::9  (udp port 514)\n"
    )
    command = "show logging | include logging:|Logging to|Log Buffer"
    on = _own(_read("cisco-ios-cli", {command: header.format(trap="level informational, 33 message lines logged")}))
    off = _own(_read("cisco-ios-cli", {command: header.format(trap="disabled")}))
    assert (on["log.collectors"], on["log.forwarding"], on["log.dropped"]) == ("2", "enabled", "11")
    assert off["log.forwarding"] == "disabled"


@needs_captures
def test_a_hillstone_firewall() -> None:
    """The table of destinations: syslog off, a buffer of so many octets."""
    own = _own(_read("hillstone-cli", {"show logging": _capture("hillstone/show_logging_debug.txt")}))
    assert own == {"log.forwarding": "disabled", "log.buffer.octets": "524288"}


def test_a_fortinet_firewall() -> None:
    """Signatures with version, date and age; one of two time servers; two of three log destinations."""
    found = _read("fortinet-cli", dict(FORTINET))
    own = _own(found)
    assert own["firmware"] == "7.2.9 build 1688"
    assert own["firmware.date"] == "2024-08-13"
    assert (own["ntp.state"], own["ntp.servers"], own["ntp.servers.reachable"]) == ("unsynchronised", "2", "1")
    assert (own["log.collectors"], own["log.forwarding"]) == ("2", "enabled")
    assert own["clock.local_offset"] == "-2"
    assert found["signature.version", "signature:fw-1/Virus-DB"] == "91.00234"
    assert found["signature.date", "signature:fw-1/IPS-DB"] == "2015-12-01"
    assert found["signature.age", "signature:fw-1/Virus-DB"] == "2"


def test_contracts_and_policies_of_a_fortinet_firewall() -> None:
    """Each contract with its day, how long it lasts and whether it has ended; none where there is none."""
    found = _read("fortinet-cli", dict(FORTINET))
    assert {key: value for key, value in found.items() if key[0].startswith("licence.")} == {
        ("licence.expiry", "licence:fw-1/AV-Engine"): "2027-01-06",
        ("licence.state", "licence:fw-1/AV-Engine"): "valid",
        ("licence.days", "licence:fw-1/AV-Engine"): "45",
        ("licence.expiry", "licence:fw-1/Attack-Definitions"): "2024-03-23",
        ("licence.state", "licence:fw-1/Attack-Definitions"): "expired",
        ("licence.days", "licence:fw-1/Attack-Definitions"): "0",
    }
    assert found["policies", "policy:fw-1/traffic-management"] == "2"
    none = _read("fortinet-cli", {**FORTINET, "get firewall shaping-policy": ""})
    assert none["policies", "policy:fw-1/traffic-management"] == "0"


@pytest.mark.parametrize(
    ("command", "topic", "said"),
    [
        ("get firewall shaping-policy", "shaping", "Unknown action 0\n"),
        (
            "get firewall shaping-policy",
            "shaping",
            "command parse error before 'firewall'\nCommand fail. Return code -61\n",
        ),
        ("diagnose autoupdate versions", "licences", "Unknown action 0\n"),
        ("diagnose autoupdate versions", "licences", "AV Engine\n---------\nContract Expiry Date: soon\n"),
    ],
)
def test_what_a_fortinet_firewall_refuses_is_no_zero(command: str, topic: str, said: str) -> None:
    """With virtual domains a command may not exist where we are: that is unsupported, not 0 policies."""
    found = _read("fortinet-cli", {**FORTINET, command: said})
    assert found["answer", f"{topic}:fw-1"] == "unsupported"
    assert not [key for key in found if key[1].startswith("policy:" if topic == "shaping" else "licence:")]


def test_signatures_of_a_huawei_firewall() -> None:
    """The current database with the day it was issued, not the backup, not the day it was loaded."""
    found = _read("huawei-usg-cli", dict(USG))
    assert {key: value for key, value in found.items() if key[0].startswith("signature.")} == {
        ("signature.version", "signature:fw-1/AV-SDB"): "2026112000",
        ("signature.date", "signature:fw-1/AV-SDB"): "2026-11-20",
        ("signature.age", "signature:fw-1/AV-SDB"): "2",
    }
    assert (found["answer", "antivirus:fw-1"], found["answer", "intrusion-prevention:fw-1"]) == ("ok", "unsupported")


def test_signatures_of_an_h3c_firewall() -> None:
    """The current library; a dash is no version."""
    found = _read("h3c-secpath-cli", dict(SECPATH))
    assert {key: value for key, value in found.items() if key[0].startswith("signature.")} == {
        ("signature.version", "signature:fw-1/IPS"): "1.0.166",
        ("signature.date", "signature:fw-1/IPS"): "2026-11-18",
        ("signature.age", "signature:fw-1/IPS"): "4",
    }
    assert found["answer", "antivirus:fw-1"] == "unsupported"


def test_a_signature_from_the_future_has_no_age() -> None:
    """A date that is to come is shown and gives no age: nothing is fresher than today."""
    found = _read("fortinet-cli", {**FORTINET, "get system status": "Virus-DB: 91.00234(2027-11-20 08:00)\n"})
    assert found["signature.date", "signature:fw-1/Virus-DB"] == "2027-11-20"
    assert ("signature.age", "signature:fw-1/Virus-DB") not in found


def test_a_command_is_sent_once_for_all_its_topics() -> None:
    """`get system status` tells firmware, signatures and clock: the device is asked for it once."""
    session = Answers(dict(FORTINET))
    asyncio.run(collect(_asset("fortinet-cli"), CAMPUS, session))
    assert sorted(session.asked) == sorted(FORTINET)


def test_a_linux_host() -> None:
    """Three files and programs that any distribution with systemd has."""
    own = _own(
        _read(
            "linux-cli",
            {
                "cat /etc/os-release": 'NAME="x"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
                "timedatectl show": "Timezone=Asia/Shanghai\nLocalRTC=no\nNTP=yes\nNTPSynchronized=no\n",
                "date --iso-8601=seconds": "2026-11-22T09:02:02+08:00\n",
            },
        )
    )
    assert own == {
        "firmware": "Debian GNU/Linux 12 (bookworm)",
        "ntp.state": "unsynchronised",
        "clock.time": "2026-11-22T09:02:02+08:00",
        "clock.offset": "0",
        "clock.uncertainty": "1",
    }


@pytest.mark.parametrize(
    ("shown", "offset"),
    [
        ("2026-11-22 09:02:02\nSunday\nTime Zone(BJ) : UTC+08:00\n", "0"),
        ("2026-11-22 09:02:02\nSunday\nTime Zone : BJ add 08:00:00\n", "0"),
        ("2026-11-21 20:02:02\nSaturday\nTime Zone(NY) : UTC-05:00\n", "0"),
        ("2026-11-22 09:02:02.750+08:00\n", "0.25"),
        ("2026-11-22 09:12:02+08:00\n", "600"),
        ("2025-11-22 09:02:02+08:00\n", "-31536000"),
    ],
)
def test_a_huawei_clock_in_all_its_forms(shown: str, offset: str) -> None:
    """The zone stands behind the time, or below it in two spellings."""
    assert _own(_read("huawei-vrp-cli", {"display clock": shown}))["clock.offset"] == offset


@pytest.mark.parametrize(
    "shown",
    [
        "2026-11-22 09:02:02\nSunday\n",
        "2026-11-22 09:02:02\nTime Zone(BJ) : UTC+99:00\n",
        "2026-11-22 09:02:02 \nSummer Time : BJ repeating\nTime Zone(BJ) : UTC+08:00\n",
    ],
)
def test_a_zone_that_is_not_said_is_not_guessed(shown: str) -> None:
    """Such a clock is compared with the school's local time, under its own name."""
    own = _own(_read("huawei-vrp-cli", {"display clock": shown}))
    assert "clock.offset" not in own
    assert own["clock.local_offset"] == "0"
    elsewhere = CAMPUS.model_copy(update={"timezone": "Europe/Berlin"})
    assert set(_own(_read("huawei-vrp-cli", {"display clock": shown}, elsewhere))) == {"clock.time"}


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "2026-13-22 09:02:02+08:00\n",
        "2026-11-22 09:02\n",
        "Error: Unrecognized command found at '^' position.\n",
        "about 9 o'clock\n",
        "9999-99-99 99:99:99\n",
        "\x00\xff",
    ],
)
def test_a_clock_in_other_words_is_unsupported(shown: str) -> None:
    """A line that stands where the time is expected is never bent into one."""
    found = _read("huawei-vrp-cli", {"display clock": shown})
    assert found["answer", "clock:fw-1"] == "unsupported"
    assert _own(found) == {}


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("display info-center", "Information Center:enabled\nLog host:\n   somewhere else\nConsole:\n"),
        ("display info-center", "Information Center:perhaps\nLog host:\nLog buffer:\n"),
        (
            "display info-center",
            "Information Center:enabled\nLog host:\nLog buffer:\n enabled, current buffer size x,\n",
        ),
        ("display ntp-service status", "clock status: sleepy\nclock stratum: 2\n"),
        ("display version", "VRP (R) software\n"),
    ],
)
def test_an_unknown_line_where_a_value_belongs_makes_the_topic_unsupported(command: str, shown: str) -> None:
    """No reading of the topic, and a state that says why."""
    found = _read("huawei-vrp-cli", {command: shown})
    topic = next(topic.name for topic in DIALECTS["huawei-vrp"] if command in topic.commands)
    assert found["answer", f"{topic}:fw-1"] == "unsupported"
    assert _own(found) == {}


@given(st.text(max_size=200), st.sampled_from(sorted(DIALECTS)))
def test_no_output_breaks_a_parser(text: str, name: str) -> None:
    """Every parser gives facts or says that it does not know the words."""
    for topic in DIALECTS[name]:
        lines = [[line for line in text.splitlines() if line.strip()]] * len(topic.commands)
        try:
            if topic.read is not None:
                topic.read(*lines)
            if topic.clock is not None:
                topic.clock(lines[0])
        except UnrecognisedError:
            continue


def test_lines_in_two_encodings_are_each_read_in_theirs() -> None:
    """A device set up in Chinese answers in GBK; redaction's mark in the same line is UTF-8."""
    data = (
        "设备名 ".encode("gbk")
        + "⟦redacted:user⟧".encode()
        + " 是\r\n".encode("gbk")
        + "时间\r\n --More-- x\r\n".encode()
    )
    output = CliOutput(output=escaped(b"show clock\r\n" + data), elapsed_ms=1)
    assert lines_of(output, "show clock") == ["设备名 ⟦redacted:user⟧ 是", "时间", "x"]


def test_every_dialect_has_a_family_that_allows_its_commands_and_no_more() -> None:
    """Code and packs agree: no command is asked in vain, none is allowed that nobody asks."""
    for name, topics in DIALECTS.items():
        profile = FAMILIES[f"{name}-cli"].cli
        assert profile is not None
        assert profile.dialect == name
        assert set(profile.commands) == {command for topic in topics for command in topic.commands}


def test_a_family_speaks_the_dialect_of_its_name() -> None:
    """A family for one model more costs one file: its name says whose words it speaks."""
    assert dialect_of("huawei-vrp-cli-usg6000") is DIALECTS["huawei-vrp"]
    assert dialect_of("huawei-vrp-client") is None
    assert asyncio.run(collect(_asset("generic-snmp"), CAMPUS, Answers({}))) == []


def test_every_reading_is_a_known_metric_in_its_unit() -> None:
    """What is read can be judged and shown."""
    metrics = load_metrics(config_directory())
    for family, outputs in (
        ("fortinet-cli", FORTINET),
        ("huawei-vrp-cli", VRP),
        ("huawei-usg-cli", USG),
        ("h3c-secpath-cli", SECPATH),
    ):
        for reading in asyncio.run(collect(_asset(family), CAMPUS, Answers(dict(outputs)))):
            metric = metrics[reading.metric]
            assert metric.unit == reading.unit
            assert not metric.states or reading.value in metric.states


def test_a_command_that_the_family_leaves_out_costs_only_its_topic() -> None:
    """A pack for a model that lacks a command lists fewer; the rest is read."""

    class Short(Answers):
        async def ask(self, request: Request) -> Answer:
            assert isinstance(request, CliCommand)
            if request.command != "display clock":
                gap = GapError(GapReason.UNSUPPORTED, "not on the list")
                gap.source, gap.at = "sha256:" + "1" * 64, time_text(AT)
                raise gap
            return await super().ask(request)

    readings = asyncio.run(collect(_asset("huawei-vrp-cli"), CAMPUS, Short(dict(VRP))))
    states = {reading.subject: reading.value for reading in readings if reading.metric == "appliance.answer"}
    assert states == {
        "firmware:fw-1": "unsupported",
        "log:fw-1": "unsupported",
        "ntp:fw-1": "unsupported",
        "clock:fw-1": "ok",
    }


def test_live_and_replay_agree_and_no_secret_is_recorded() -> None:
    """A real SSH session: what the collector returns is the same from the record, and canaries are nowhere in it."""
    asset = Asset(id="fw-1", family="fortinet-cli", address="127.0.0.1")
    with sshd() as peer:
        outputs = {command: text.encode() for command, text in FORTINET.items()}
        outputs["get log syslogd setting"] += (
            b'custom-field-id : canary-password-77\npsksecret : "canary spaces"\n' + "中文密码".encode("gbk") + b"\n"
        )
        peer.play(b"canary-host # ", outputs, pager="fortinet", rows=2, banner=b"Welcome canary-user\r\n")
        profile = FAMILIES["fortinet-cli"].cli
        assert profile is not None
        login = SshLogin(peer.username, None, peer.private_key)
        transport = SshTransport(peer.host, peer.port, login, profile, host_key=peer.host_key())
        lines, live = asyncio.run(_live(asset, transport))
    header = SegmentHeader(run="r", asset=asset, collectors=("appliance",))
    data = segment_bytes(header, lines)
    segment = parse_segment(data)
    replay = ReplaySession(segment.exchanges)
    again = asyncio.run(measure(asset, CAMPUS, ["appliance"], replay))
    replay.finish()
    assert [reading.to_bytes() for reading in again] == [reading.to_bytes() for reading in live]
    assert b"canary" not in data
    assert b"canary" not in b"".join(reading.to_bytes() for reading in live)
    assert {reading.value for reading in live if reading.metric == "collector.answer"} == {"ok"}
    assert {reading.value for reading in live if reading.metric == "appliance.answer"} == {"ok"}
    redacted = [exchange.exchange.redactions for exchange in segment.exchanges]
    assert {rule for counts in redacted for rule in counts} == {"secret", "password", "serial"}


async def _live(asset: Asset, transport: SshTransport) -> tuple[list[bytes], list[Reading]]:
    lines: list[bytes] = []

    class Moving:
        def now(self) -> datetime:
            return AT + timedelta(milliseconds=len(lines))

        def monotonic_ns(self) -> int:
            return len(lines) * 1_000_000

    def record(exchange: Exchange) -> None:
        lines.append(exchange.to_bytes())

    redactor = Redactor(bytes(range(32)), (b"canary-password-77",))
    try:
        session = LiveSession(transport, redactor, record, Moving(), 30)
        return lines, await measure(asset, CAMPUS, ["appliance"], session)
    finally:
        await transport.close()
