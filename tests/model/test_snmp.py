"""The view of SNMP answers that collectors use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import ber
from agent.errors import MalformedError
from agent.model import snmp
from agent.model.exchange import SnmpColumn, SnmpTable, VarBinds

NAME, HIGH_SPEED = "1.3.6.1.2.1.31.1.1.1.1", "1.3.6.1.2.1.31.1.1.1.15"


def answer(*cells: tuple[str, int, bytes]) -> VarBinds:
    """Return an answer that holds the cells (OID, tag, value)."""
    return VarBinds(
        varbinds=tuple(ber.encode_varbind(ber.oid_bytes(oid), tag, value).hex() for oid, tag, value in cells)
    )


def test_scalars_are_found_by_oid_and_absent_ones_are_none() -> None:
    """noSuchObject, noSuchInstance, NULL and what was not answered are all none; an empty string is a value."""
    oids = tuple(f"1.3.6.1.2.1.1.{n}.0" for n in range(1, 7))
    tags = (ber.OCTET_STRING, ber.NO_SUCH_OBJECT, ber.NO_SUCH_INSTANCE, ber.NULL, ber.END_OF_MIB_VIEW)
    found = snmp.scalars(answer(*((oid, tag, b"") for oid, tag in zip(oids, tags, strict=False))), oids)
    assert found == {**dict.fromkeys(oids), oids[0]: (ber.oid_bytes(oids[0]), ber.OCTET_STRING, b"")}


def test_rows_are_found_by_index_and_column() -> None:
    """Columns are joined by index, holes stay holes, and an index may have several sub-identifiers."""
    request = SnmpTable(columns=(SnmpColumn(oid=NAME), SnmpColumn(oid=HIGH_SPEED)))
    found = snmp.rows(
        answer(
            (f"{NAME}.1", ber.OCTET_STRING, b"lo"),
            (f"{NAME}.70000.3", ber.OCTET_STRING, b"eth0"),
            (f"{HIGH_SPEED}.1", ber.NO_SUCH_INSTANCE, b""),
            (f"{HIGH_SPEED}.70000.3", ber.GAUGE32, b"\x03\xe8"),
        ),
        request,
    )
    assert list(found) == ["1", "70000.3"]
    assert list(found["1"]) == [NAME]
    assert snmp.number(found["70000.3"][HIGH_SPEED]) == 1000


def test_columns_whose_oids_start_alike_are_kept_apart() -> None:
    """Column 1 is not a prefix of column 15."""
    request = SnmpTable(columns=(SnmpColumn(oid=NAME), SnmpColumn(oid=HIGH_SPEED)))
    found = snmp.rows(answer((f"{HIGH_SPEED}.1", ber.GAUGE32, b"\x01")), request)
    assert list(found["1"]) == [HIGH_SPEED]


@pytest.mark.parametrize("oid", ["1.3.6.1.2.1.31.1.1.1.2.1", NAME])
def test_cells_of_other_columns_are_malformed(oid: str) -> None:
    """An answer with something that was not asked is refused."""
    with pytest.raises(MalformedError):
        snmp.rows(answer((oid, ber.GAUGE32, b"\x01")), SnmpTable(columns=(SnmpColumn(oid=NAME),)))


def test_an_answer_that_is_not_hexadecimal_is_malformed() -> None:
    """A damaged record does not surface as ValueError."""
    with pytest.raises(MalformedError):
        snmp.scalars(VarBinds(varbinds=("zz",)), ())


def test_numbers_and_oids_of_other_types_are_none() -> None:
    """Nothing is guessed from a value of another type, or from octets that do not fit."""
    oid = ber.oid_bytes("1.3.6.1")
    assert snmp.number(ber.VarBind(oid, ber.COUNTER64, b"\xff" * 8)) == 2**64 - 1
    assert snmp.number(ber.VarBind(oid, ber.OCTET_STRING, b"1")) is None
    assert snmp.number(ber.VarBind(oid, ber.INTEGER, b"")) is None
    assert snmp.number(None) is None
    assert snmp.oid(ber.VarBind(oid, ber.OID, oid)) == "1.3.6.1"
    assert snmp.oid(ber.VarBind(oid, ber.OID, b"")) is None
    assert snmp.oid(ber.VarBind(oid, ber.INTEGER, b"\x01")) is None


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (b"GigabitEthernet0/1", "GigabitEthernet0/1"),
        (b" eth0 \0garbage\xff", "eth0"),
        ("教学楼A栋".encode(), "教学楼A栋"),
        ("教学楼A栋".encode()[:-1], "教学楼A"),
        ("教学楼A栋".encode()[:-2], "教学楼A"),
        ("教学楼A栋".encode("gbk"), "教学楼A栋"),
        ("图书馆㐂".encode("gb18030"), "图书馆㐂"),
        (b"\xff\xfe\x01", r"\xff\xfe\x01"),
        (b"\x1b[31mred", r"\x1b[31mred"),
        ("a\u202eb".encode(), r"a\u202eb"),
        (b"", ""),
    ],
)
def test_text_is_decoded_late_and_safely(octets: bytes, shown: str) -> None:
    """UTF-8, a cut UTF-8 tail, GB18030 and rubbish all become text that can be printed."""
    assert snmp.text(octets) == shown


@given(st.binary(max_size=64))
def test_any_octets_become_printable_text(octets: bytes) -> None:
    """No octets make it fail, and no control character gets through."""
    shown = snmp.text(octets)
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in shown)


@given(st.text(alphabet=st.characters(categories=("L", "N", "P")), max_size=40))
def test_utf8_text_is_kept(words: str) -> None:
    """Text that a device sends in UTF-8 is shown as it is."""
    assert snmp.text(words.encode()) == words
