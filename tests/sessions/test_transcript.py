"""Redaction of command output by named rules."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.model.cli import escaped, received
from agent.model.exchange import CliCommand, CliOutput
from agent.sessions.redact import Redactor

REDACTOR = Redactor(bytes(range(32)), (b"canary-password-1", b"canary-other"))
COMMAND = CliCommand(command="display version")
FIXTURES = Path(os.environ.get("SHARED_FIXTURES", Path(__file__).resolve().parents[3] / "shared/fixtures"))


def _redacted(data: bytes) -> tuple[bytes, dict[str, int]]:
    shown, counts = REDACTOR.redact(COMMAND, CliOutput(output=escaped(data), elapsed_ms=7))
    assert isinstance(shown, CliOutput)
    return received(shown.output), {rule: count for rule, count in counts.items() if count}


SECRETS = [
    (b"snmp-server community canary ro", "community"),
    (b" snmp-agent community read cipher canary0123", "community"),
    (b"snmp-agent community read simple canary", "community"),
    (b"local-user admin password irreversible-cipher canary0123456", "cipher"),
    (b" password cipher %^%#canary!!canary,;<>%^%#", "cipher"),
    (b" password hash $1$ab$canary0123456789", "cipher"),
    (b"    set password ENC canaryAAAB1234==", "cipher"),
    (b'    set psksecret "canary with spaces"', "password"),
    (b"enable secret 5 canary", "password"),
    (b"ntp-service authentication-keyid 1 authentication-mode md5 cipher canary", "cipher"),
    (b"username canary privilege 15 password 0 x", "user"),
    (b"User name: canary", "user"),
    (b"Serial-Number: FGcanary0001", "serial"),
    (b"Processor board ID canary1A", "serial"),
    (b"Hostname: canary-school-fw", "name"),
    (b"Sep 24 2020 19:55:02+05:00 sw %%01CFM/4/SAVE(s)[0]:The user canary chose Y", "log-line"),
    (b"*Jun  1 09:12:01.123: %SYS-5-CONFIG_I: Configured from console by canary on vty0 (10.0.99.50)", "log-line"),
    (b"%Jun 26 17:08:35:809 2008 canary SHELL/4/LOGIN: VTY login from 1.1.1.1", "log-line"),
    (b'date=2026-01-01 devname="canary" logid="0100032001" user="canary"', "log-line"),
    (
        b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQCcanary0123456789012345678901234567890123456789012345678901234",
        "public-key",
    ),
    (b"-----BEGIN RSA PRIVATE KEY-----\r\ncanary\r\n-----END RSA PRIVATE KEY-----", "private-key"),
    (b"password is canary-password-1 here", "secret"),
]


@pytest.mark.parametrize(("line", "rule"), SECRETS, ids=[f"{rule}-{n}" for n, (_, rule) in enumerate(SECRETS)])
@pytest.mark.parametrize("around", [b"", "中文".encode(), "中文，密码".encode("gbk")], ids=["plain", "utf8", "gbk"])
def test_each_rule_hides_its_value_and_counts_it(line: bytes, rule: str, around: bytes) -> None:
    """What must not be recorded is not, in any encoding around it, and the record says which rule took it."""
    before, after = around + b" text\r\n", b"\r\n" + around + b" more\r\n"
    shown, counts = _redacted(before + line + after)
    assert b"canary" not in shown
    assert counts[rule] >= 1
    assert shown.startswith(before)
    assert shown.endswith(after)


@pytest.mark.parametrize(
    "text",
    [
        b"clock status: synchronized\r\n reference clock ID: 10.1.1.1\r\n",
        b"reference time: 15:51:36.259 UTC Apr 25 2020(C6179088.426490A3)\r\n",
        b"10.0.0.1, channel number 2, channel name loghost,\r\nlanguage English , host facility local7\r\n",
        b"VRP (R) software, Version 5.170 (S5720 V200R011C10SPC600)\r\n",
        b"IPS-DB: 6.00741(2015-12-01 02:30)\r\n",
        b"key 123456789012 of nobody\r\n",
    ],
)
def test_what_is_measured_stays_octet_for_octet(text: bytes) -> None:
    """Redaction takes what its rules name and nothing else."""
    assert _redacted(text) == (text, {})


def test_equal_serials_stay_equal_and_a_mac_keeps_its_maker() -> None:
    """Two devices that are one still show, and nothing of the number is left."""
    shown, counts = _redacted(b"ESN: 2102350000X1\nESN: 2102350000X1\nMAC 0025-9e01-0203 00:25:9e:01:02:03\n")
    lines = shown.splitlines()
    assert lines[0] == lines[1] != b"ESN: 2102350000X1"
    assert lines[2].startswith(b"MAC 0025-9e")
    assert b"0203" not in lines[2]
    assert counts == {"serial": 2, "mac": 2}


@given(st.binary(max_size=400))
def test_redaction_of_redacted_output_changes_no_mark(data: bytes) -> None:
    """Any octets are redacted without an error, and a configured secret never survives."""
    shown, _ = _redacted(data + b" canary-password-1 " + data)
    assert b"canary-password-1" not in shown


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the captures of real devices are not beside this checkout")
@pytest.mark.parametrize(
    ("name", "kept", "gone"),
    [
        ("huawei/display_logbuffer_header_ok.txt", b"Overwritten messages : 0", b"chose Y"),
        ("ntc/cisco_ios_show_logging_1.raw", b"Log Buffer (16384 bytes):", b"GigabitEthernet"),
    ],
)
def test_the_lines_of_a_real_log_buffer_are_gone_and_its_header_stays(name: str, kept: bytes, gone: bytes) -> None:
    """A log names people; its header is what is measured."""
    shown, counts = _redacted((FIXTURES / "recorders/cli" / name).read_bytes())
    assert kept in shown
    assert gone not in shown
    assert counts["log-line"] >= 2
