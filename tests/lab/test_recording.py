"""Recordings: what the reader makes of good and bad lines, and the order that everything rests on."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import ber
from agent.errors import UsageError
from agent.lab.snmp.recording import Cell, Recording, parse, read
from agent.lab.snmp.synthetic import SYS_NAME, named, switch

FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures" / "snmp"

GOOD = [
    ("1.3.6.1.2.1.1.7.0|2|-5", ber.INTEGER, b"\xfb"),
    ("1.3.6.1.2.1.1.7.0|2|4294967295", ber.INTEGER, b"\xff"),
    (".1.3.6.1.2.1.1.5.0|4|a|b ", ber.OCTET_STRING, b"a|b "),
    ("1.3.6.1.2.1.1.5.0|4|\u6559\u5ba4", ber.OCTET_STRING, "\u6559\u5ba4".encode()),
    ("1.3.6.1.2.1.1.5.0|4x|00fF10", ber.OCTET_STRING, b"\x00\xff\x10"),
    ("1.3.6.1.2.1.1.5.0|4x|", ber.OCTET_STRING, b""),
    ("1.3.6.1.2.1.1.5.0|4xx|3a32", ber.OCTET_STRING, b":2"),
    ("1.3.6.1.2.1.1.2.0|6|.1.3.6.1.4.1.9", ber.OID, bytes.fromhex("2b0601040109")),
    ("1.3.6.1.2.1.4.20.1.1.1|64|10.0.0.255", ber.IP_ADDRESS, b"\x0a\x00\x00\xff"),
    ("1.3.6.1.2.1.4.20.1.1.1|64x|ac17af01", ber.IP_ADDRESS, b"\xac\x17\xaf\x01"),
    ("1.3.6.1.2.1.2.2.1.10.1|65|4294967295", ber.COUNTER32, b"\x00\xff\xff\xff\xff"),
    ("1.3.6.1.2.1.2.2.1.5.1|66|0", ber.GAUGE32, b"\x00"),
    ("1.3.6.1.2.1.1.3.0|67|128", ber.TIME_TICKS, b"\x00\x80"),
    ("1.3.6.1.4.1.1.1|68x|9f780441200000", ber.OPAQUE, bytes.fromhex("9f780441200000")),
    ("1.3.6.1.2.1.31.1.1.1.6.1|70|18446744073709551615", ber.COUNTER64, b"\x00" + b"\xff" * 8),
    ("1.3.6.1.2.1.1.5.0|5|", ber.NULL, b""),
]
BAD = [
    ("1.3.6.1.4.1.9.1|4x|346288XXYYZZ", "not hex"),
    ("1.3.6.1.4.1.9.1|4x|abc", "not hex"),
    ("1.3.6.1.4.1.9.xx|4|a", "not a dotted OID"),
    ("1.3.6.1.2.1.4.20.1.2.<IPADDR>|2|3", "not a dotted OID"),
    ("1.3.6.1.4.1.9.1|2|many", "not an integer"),
    ("1.3.6.1.4.1.9.1|2|", "not an integer"),
    ("1.3.6.1.4.1.9.1|65|-1", "does not fit"),
    ("1.3.6.1.4.1.9.1|70|18446744073709551616", "does not fit"),
    ("1.3.6.1.4.1.9.1|64|10.0.0", "not an IPv4 address"),
    ("1.3.6.1.4.1.9.1|64|10.0.0.256", "not an IPv4 address"),
    ("1.3.6.1.4.1.9.1|6|<private>", "not a dotted OID"),
    ("1.3.6.1.4.1.9.1|40|1", "not one of SNMP's"),
    ("1.3.6.1.4.1.9.1|string|a", "not a number"),
    ("1.3.6.1.4.1.9.1 = STRING: a", "not OID|TAG|VALUE"),
    ("1.3.6.1.4.1.9.1|4", "not OID|TAG|VALUE"),
]


@pytest.mark.parametrize(("line", "tag", "value"), GOOD)
def test_each_tag_becomes_its_octets(line: str, tag: int, value: bytes) -> None:
    """A line becomes the tag and content octets that a device would send."""
    recording = parse(line.encode())
    assert recording.skipped == ()
    assert [(cell.tag, cell.value) for cell in recording.cells()] == [(tag, value)]


@pytest.mark.parametrize(("line", "reason"), BAD)
def test_a_line_that_cannot_be_used_is_named_and_the_rest_served(line: str, reason: str) -> None:
    """Damage costs its own line, is reported with number and reason, and stops nothing."""
    recording = parse(f"1.3.6.1.2.1.1.5.0|4|a\n{line}\n1.3.6.1.2.1.1.6.0|4|b\n".encode())
    assert [cell.value for cell in recording.cells()] == [b"a", b"b"]
    (skipped,) = recording.skipped
    assert skipped.line == 2
    assert reason in skipped.reason


def test_unsorted_files_are_served_in_oid_order() -> None:
    """Order is by sub-identifier, not by octet or text: 9, 10, 128, 16384, 2097152."""
    names = ["1.3.6.1.2.1.2.2.1.1.2097152", "1.3.6.1.2.1.2.2.1.1.10", "1.3.6.1.2.1.2.2.1.1.16384"]
    names += ["1.3.6.1.2.1.2.2.1.1.9", "1.3.6.1.2.1.2.2.1.1.128", "1.0.8802.1"]
    recording = parse("\n".join(f"{name}|2|1" for name in names).encode())
    served = [ber.oid_text(oid).rpartition(".")[2] for oid in recording.oids]
    assert served == ["1", "9", "10", "128", "16384", "2097152"]


def test_of_repeated_oids_the_first_line_counts() -> None:
    """The first value stays and the later line is reported, whether its value differs or not."""
    recording = parse(b"1.3.6.1.2.1.1.5.0|4|first\n1.3.6.1.2.1.1.5.0|4|second\n")
    assert [cell.value for cell in recording.cells()] == [b"first"]
    assert [skipped.line for skipped in recording.skipped] == [2]


def test_crlf_comments_blank_lines_and_a_byte_order_mark_are_no_content() -> None:
    """None of them is served, none reported; a carriage return never becomes part of a value."""
    recording = parse(b"\xef\xbb\xbf# head\r\n\r\n1.3.6.1.2.1.1.5.0|4|core\r\n  \r\n  # more\r\n")
    assert [cell.value for cell in recording.cells()] == [b"core"]
    assert recording.skipped == ()


def test_a_missing_file_is_our_error(tmp_path: Path) -> None:
    """A file that is not there is reported with its path."""
    with pytest.raises(UsageError, match=r"absent\.snmprec"):
        read(tmp_path / "absent.snmprec")


@given(st.binary(max_size=300))
def test_any_octets_parse(data: bytes) -> None:
    """Whatever a file holds, reading it gives a recording and raises nothing."""
    recording = parse(b"1.3.6.1.2.1.1.5.0|" + data)
    assert len(recording.varbinds) == len(recording.oids) == len(recording.tags)


OIDS = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6).map(lambda arcs: (1, 3, *arcs))


@given(st.sets(OIDS, max_size=40), OIDS)
def test_after_is_the_least_greater_oid(names: set[tuple[int, ...]], asked: tuple[int, ...]) -> None:
    """`after` agrees with the definition for OIDs that exist and those that do not."""
    cells = [Cell(ber.oid_bytes(".".join(map(str, name))), ber.INTEGER, b"\x01") for name in names]
    recording = Recording(cells)
    at = recording.after(ber.oid_bytes(".".join(map(str, asked))))
    found = ber.oid_tuple(recording.oids[at]) if at < len(recording) else None
    assert found == min((name for name in names if name > asked), default=None)


@given(st.sets(OIDS, max_size=40), OIDS)
def test_under_is_the_subtree(names: set[tuple[int, ...]], prefix: tuple[int, ...]) -> None:
    """`under` holds exactly the objects whose OID begins with the prefix."""
    cells = [Cell(ber.oid_bytes(".".join(map(str, name))), ber.INTEGER, b"\x01") for name in names]
    recording = Recording(cells)
    found = [ber.oid_tuple(recording.oids[at]) for at in recording.under(".".join(map(str, prefix)))]
    assert found == sorted(name for name in names if name[: len(prefix)] == prefix)


def test_a_changed_cell_leaves_the_original_alone() -> None:
    """A device's own name does not leak into the recording that it shares with others."""
    original = switch(3, octets_a_second=5)
    other = named(original, "other")
    at = original.find(ber.oid_bytes(SYS_NAME))
    assert at is not None
    assert ber.decode_varbind(original.varbinds[at]).value == b"lab-sw"
    assert ber.decode_varbind(other.varbinds[at]).value == b"other"
    assert other.rates == original.rates


def test_an_added_cell_keeps_the_rates_at_their_objects() -> None:
    """Positions move when an object joins; what grows is still the same OID."""
    original = switch(2, octets_a_second=7)
    added = original.with_cells([Cell(ber.oid_bytes("1.3.6.1.2.1.1.4.0"), ber.OCTET_STRING, b"noc")])
    assert len(added) == len(original) + 1
    assert {added.oids[at]: rate for at, rate in added.rates.items()} == {
        original.oids[at]: rate for at, rate in original.rates.items()
    }


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the recordings of real devices are not beside this checkout")
def test_known_damage_of_real_recordings() -> None:
    """Masked OIDs, damaged hex and repeated lines of real files are reported; the rest of these files is served."""
    damaged = {"extra/ios": "not hex", "extra/ibmtl_7420": "not a dotted OID", "zxr10_5928": "repeated"}
    for name, reason in damaged.items():
        recording = read(FIXTURES / f"{name}.snmprec")
        assert any(reason in skipped.reason for skipped in recording.skipped), name
        assert len(recording) > 50, name
