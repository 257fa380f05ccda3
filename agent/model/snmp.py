"""`VarBinds` as collectors read them: scalars by OID, tables by index and column, numbers, text.

Pure views over what was received; the octets stay as they are until the last moment.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent import ber
from agent.errors import MalformedError
from agent.model.exchange import SnmpTable, VarBinds

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["cells", "number", "oid", "rows", "scalars", "text"]

_ABSENT = frozenset({ber.NULL, ber.NO_SUCH_OBJECT, ber.NO_SUCH_INSTANCE, ber.END_OF_MIB_VIEW})
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffd]")
"""Control and format characters, among them those that reorder text on a screen."""


def scalars(answer: VarBinds, oids: tuple[str, ...]) -> dict[str, ber.VarBind | None]:
    """Return the varbind of each OID that was asked with `SnmpGet`; None where the device has none.

    noSuchObject, noSuchInstance and NULL (what SNMPv1 echoes for a missing variable) count as none, and so does an
    OID that the answer does not hold.

    Raises:
        MalformedError: the answer does not decode.
    """
    found = {varbind.oid: varbind for varbind in _decode(answer) if varbind.tag not in _ABSENT}
    return {name: found.get(ber.oid_bytes(name)) for name in oids}


def rows(answer: VarBinds, request: SnmpTable) -> dict[str, dict[str, ber.VarBind]]:
    """Return the cells of a walked table: dotted index -> column OID as asked -> varbind, in wire order of first sight.

    Absent cells (holes, noSuchInstance, NULL) are left out; an index whose every cell is absent is left out too.

    Raises:
        MalformedError: the answer does not decode, or holds a cell of no column that was asked.
    """
    table: dict[str, dict[str, ber.VarBind]] = {}
    for name, index, varbind in cells(answer, request):
        table.setdefault(".".join(map(str, index)), {})[name] = varbind
    return table


def cells(answer: VarBinds, request: SnmpTable) -> Iterator[tuple[str, tuple[int, ...], ber.VarBind]]:
    """Return the cells of a walked table one by one, for tables too large to hold: column, index and varbind.

    Absent cells are left out, as in `rows`.

    Raises:
        MalformedError: the answer does not decode, or holds a cell of no column that was asked.
    """
    columns = [(ber.oid_bytes(column.oid), column.oid) for column in request.columns]
    at = 0
    for item in answer.varbinds:
        varbind = _varbind(item)
        at = _column_of(varbind.oid, columns, at)
        prefix, name = columns[at]
        if varbind.tag not in _ABSENT:
            yield name, ber.sub_identifiers(varbind.oid[len(prefix) :]), varbind


def number(varbind: ber.VarBind | None) -> int | None:
    """Return the value of an integer type; None for no varbind, another type, or octets that are no such integer."""
    if varbind is None:
        return None
    try:
        return ber.integer(varbind.tag, varbind.value)
    except MalformedError:
        return None


def oid(varbind: ber.VarBind | None) -> str | None:
    """Return the dotted value of an OBJECT IDENTIFIER; None for no varbind, another type, or no valid OID."""
    if varbind is None or varbind.tag != ber.OID:
        return None
    try:
        return ber.oid_text(varbind.value)
    except MalformedError:
        return None


def text(value: bytes) -> str:
    r"""Return an OCTET STRING as text that is safe to show.

    Cut at the first NUL and stripped. UTF-8 if it is, also when the device cut the last character in the middle; else
    GB18030, which switches set up in Chinese use; else one escape per octet. Control and format characters become
    escapes such as ``\x1b``, so that no device can write to a terminal.
    """
    value = value.split(b"\0", 1)[0].strip()
    return _UNSAFE.sub(_escape, _decode_text(value)).strip()


def _decode_text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and error.start:
            head = value[: error.start]
            if not head.isascii() or not _is_gb18030(value):
                return head.decode("utf-8")
    try:
        return value.decode("gb18030")
    except UnicodeDecodeError:
        return value.decode("ascii", errors="backslashreplace")


def _is_gb18030(value: bytes) -> bool:
    try:
        value.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return True


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def _decode(answer: VarBinds) -> list[ber.VarBind]:
    return [_varbind(item) for item in answer.varbinds]


def _varbind(item: str) -> ber.VarBind:
    try:
        return ber.decode_varbind(bytes.fromhex(item))
    except ValueError as error:
        raise MalformedError("a varbind of the answer is not hexadecimal") from error


def _column_of(name: bytes, columns: list[tuple[bytes, str]], first: int) -> int:
    """Return the position of the column that the cell belongs to; `first` is the likely one."""
    likely: list[int] = [first, *range(len(columns))]
    for at in likely:
        prefix = columns[at][0] if columns else b"\xff"
        if name.startswith(prefix) and len(name) > len(prefix):
            return at
    raise MalformedError("OID {oid} belongs to no column that was asked", oid=ber.oid_text(name))
