"""Identifiers of devices and ports: MAC addresses in any spelling become pseudonyms, everything else stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sessions.redact import Redactor

REDACTOR = Redactor(bytes(range(32)))
MAC = bytes.fromhex("4c1fcc0a0b0c")
SHOWN = REDACTOR.pseudonym("mac", MAC)
HEX = SHOWN.hex()


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (MAC, SHOWN),
        (b"4c:1f:cc:0a:0b:0c", SHOWN.hex(":").encode()),
        (b"4C-1F-CC-0A-0B-0C", SHOWN.hex("-").encode()),
        (b"4c1fcc0a0b0c", HEX.encode()),
        (b"4c1f.cc0a.0b0c", f"{HEX[:4]}.{HEX[4:8]}.{HEX[8:]}".encode()),
        (b"SEP4C1FCC0A0B0C", f"SEP{HEX}".encode()),
        (b"AP 4c:1f:cc:0a:0b:0c 3F", f"AP {SHOWN.hex(':')} 3F".encode()),
        (b"4c1fcc0a0b0c:P1", f"{HEX}:P1".encode()),
    ],
)
def test_a_mac_address_is_replaced_however_it_is_spelled(value: bytes, wanted: bytes) -> None:
    """The pseudonym is the one of the `mac` rule, so that the device is recognised, in the spelling that was found."""
    assert REDACTOR.pseudonym("identifier", value) == wanted


@pytest.mark.parametrize(
    "value",
    [b"vmnic2", b"eth0/1", b"GigabitEthernet0/0/14", b"", b"1/1/1", "教学楼A栋".encode(), b"\x01\x0a\x00\x00\x01"],
)
def test_names_of_ports_and_devices_stay(value: bytes) -> None:
    """Six printable octets are a name, not an address; names stay as they are."""
    assert REDACTOR.pseudonym("identifier", value) == value


@given(
    st.binary(max_size=60),
    st.binary(min_size=6, max_size=6).filter(lambda mac: any(mac) and not mac[0] & 1),
    st.binary(max_size=60),
)
def test_no_spelled_address_survives_whatever_is_around_it(before: bytes, mac: bytes, after: bytes) -> None:
    """In any surrounding that is not itself hexadecimal, the address is gone."""
    spelled = mac.hex(":").encode()
    value = before + b"[" + spelled + b"]" + after
    shown = REDACTOR.pseudonym("identifier", value)
    assert spelled not in shown[len(before) : len(shown) - len(after)] or REDACTOR.pseudonym("mac", mac) == mac
    assert len(shown) == len(value)
