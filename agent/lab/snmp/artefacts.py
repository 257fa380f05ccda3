r"""What a recording holds that no device sent, undone.

The recordings in circulation (LibreNMS's corpus) were made from the text that net-snmp prints, so some objects hold
that text instead of what was on the wire. Each rule here undoes one such loss, only where the objects and their
spelling leave no doubt; everything else stays, for a device may well send odd things.

    bits-as-text     ``28 00 2 4``: the octets of BITS in hex, then the numbers of the bits that are set. net-snmp
                     prints BITS in this way, and both halves must agree. LLDP's capabilities.
    bits-twice       the same printed twice: ``30 30 2 3 10 11`` are the octets of the text ``00``. The second printing
                     shows itself by bits that LLDP does not have (11 and above).
    mac-as-text      ``0:0:c:7:ac:2``: DISPLAY-HINT "1x:" of PhysAddress and MacAddress drops leading zeros. In columns
                     of these two types, an address of six parts.
    wrapped-hex      net-snmp prints 16 octets on a line; the first line was read back as octets, the further ones were
                     appended as they were printed: ``\n34 2E 33 ...``.
    lost-crlf        octet DA in a sysDescr of ASCII text: what remained of ``0D 0A``.

Masked or damaged values (``346288XXYYZZ``, an odd number of hex digits) cannot be undone: the reader of recordings
leaves such lines out and lists them.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from agent import ber
from agent.lab.snmp.recording import Cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.lab.snmp.recording import Recording

__all__ = ["bits", "undo"]

_BITS = tuple(
    ber.oid_bytes(oid)
    for oid in (
        *("1.0.8802.1.1.2.1.3.5", "1.0.8802.1.1.2.1.3.6"),  # lldpLocSysCapSupported, -Enabled
        *("1.0.8802.1.1.2.1.4.1.1.11", "1.0.8802.1.1.2.1.4.1.1.12"),  # lldpRemSysCapSupported, -Enabled
        *("1.3.111.2.802.1.1.13.1.3.5", "1.3.111.2.802.1.1.13.1.3.6"),  # the same of LLDP-V2-MIB
        *("1.3.111.2.802.1.1.13.1.4.1.1.12", "1.3.111.2.802.1.1.13.1.4.1.1.13"),
    )
)
_UNKNOWN_BIT = 11
"""LldpSystemCapabilitiesMap (IEEE 802.1AB-2009) ends with bit 10."""
_ADDRESSES = tuple(
    ber.oid_bytes(oid)
    for oid in (
        "1.3.6.1.2.1.2.2.1.6",  # ifPhysAddress
        "1.3.6.1.2.1.4.22.1.2",  # ipNetToMediaPhysAddress
        "1.3.6.1.2.1.4.35.1.4",  # ipNetToPhysicalPhysAddress
        "1.3.6.1.2.1.17.1.1",  # dot1dBaseBridgeAddress
        "1.3.6.1.2.1.17.4.3.1.1",  # dot1dTpFdbAddress
        "1.3.6.1.2.1.55.1.12.1.2",  # ipv6NetToMediaPhysAddress
    )
)
_MAC = re.compile(rb"[0-9A-Fa-f]{1,2}(?::[0-9A-Fa-f]{1,2}){5}")
_LINE = 16
_WRAPPED = re.compile(rb"(?:\n[0-9A-F]{2}(?: [0-9A-F]{2})* ?)+\n?")
_SYS_DESCR = ber.oid_bytes("1.3.6.1.2.1.1.1.0")


def undo(recording: Recording) -> tuple[Recording, Counter[str]]:
    """Return the recording as the device would have answered, and how often each rule applied."""
    counts: Counter[str] = Counter()
    changed = []
    for at, tag in enumerate(recording.tags):
        if tag != ber.OCTET_STRING:
            continue
        cell = Cell(*ber.decode_varbind(recording.varbinds[at]))
        value, rules = _undone(cell)
        if rules:
            changed.append(Cell(cell.oid, cell.tag, value))
            counts.update(rules)
    return (recording.with_cells(changed) if changed else recording), counts


def _undone(cell: Cell) -> tuple[bytes, list[str]]:
    value, rules = cell.value, []
    if len(value) > _LINE and value[_LINE] == 0x0A and _WRAPPED.fullmatch(value, _LINE):
        value = value[:_LINE] + bytes.fromhex(value[_LINE:].decode("ascii"))
        rules.append("wrapped-hex")
    if cell.oid.startswith(_BITS):
        octets = bits(value)
        if octets is not None:
            rules.append("bits-as-text")
            twice = _printed_twice(octets)
            value, rules = (octets, rules) if twice is None else (twice, [*rules, "bits-twice"])
    elif cell.oid.startswith(_ADDRESSES) and _MAC.fullmatch(value):
        value = bytes(int(part, 16) for part in value.split(b":"))
        rules.append("mac-as-text")
    elif cell.oid == _SYS_DESCR and b"\xda" in value and value.replace(b"\xda", b"").isascii():
        value = value.replace(b"\xda", b"\r\n")
        rules.append("lost-crlf")
    return value, rules


def bits(text: bytes) -> bytes | None:
    """Return the octets that a text such as ``28 00 2 4`` shows; None where it is no such text.

    As many words are octets as agree with the bit numbers that follow them.
    """
    words = text.decode("ascii", "replace").split()
    for count in range(1, len(words) + 1):
        if len(words[count - 1]) != 2:
            break
        try:
            octets = bytes(int(word, 16) for word in words[:count])
        except ValueError:
            break
        if _set(octets) == _numbers(words[count:]):
            return octets
    return None


def _set(octets: bytes) -> list[int]:
    return [at for at in range(8 * len(octets)) if octets[at // 8] & (0x80 >> at % 8)]


def _numbers(words: Sequence[str]) -> list[int]:
    return [int(word) if word.isascii() and word.isdigit() else -1 for word in words]


def _printed_twice(octets: bytes) -> bytes | None:
    if max(_set(octets), default=0) < _UNKNOWN_BIT:
        return None
    try:
        return bytes.fromhex(octets.decode("ascii"))
    except ValueError:
        return None
