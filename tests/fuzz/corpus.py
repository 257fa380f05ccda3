"""Seeds: the recordings beside the project, else our own; packs, bundles and what is in them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from agent import ber
from agent.evidence.container import unzip
from agent.lab.snmp import Recording, read, switch
from agent.packs.load import config_directory
from agent.transports.snmp.message import RESPONSE

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["bundle_members", "bundles", "datagrams", "devices", "packs", "pdus", "snmprec", "varbinds"]

TESTS = Path(__file__).parents[1]
FIXTURES = TESTS.parents[1] / "shared" / "fixtures" / "snmp"
SMALL = 48_000
"""Octets of a file that is taken as a seed."""


@cache
def recordings() -> tuple[Path, ...]:
    """Return the recordings beside the project, else those within it."""
    for place in (FIXTURES, TESTS / "recordings"):
        if found := sorted(path for path in place.rglob("*.snmprec") if path.stat().st_size < SMALL):
            return tuple(found)
    return ()


def snmprec() -> list[bytes]:
    """Return recordings as files; without any, one line of each kind."""
    lines = b"1.3.6.1.2.1.1.1.0|4|a switch\n1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.9.1.1\n1.3.6.1.2.1.2.2.1.6.1|4x|0a0b0c\r\n"
    return [lines, *(path.read_bytes() for path in recordings())]


@cache
def devices() -> tuple[Recording, ...]:
    """Return recordings as devices, a synthetic one first."""
    return (switch(8), *(read(path) for path in recordings()))


@cache
def varbinds() -> tuple[bytes, ...]:
    """Return lists of variable bindings as answers hold them: runs of objects of every device."""
    found = []
    for device in devices():
        for at in range(0, min(len(device.varbinds), 1200), 60):
            found.append(b"".join(device.varbinds[at : at + 20]))
    return tuple(found)


@cache
def pdus() -> tuple[bytes, ...]:
    """Return response PDUs to request 1."""
    made = []
    for status, body in enumerate(varbinds()):
        numbers = ber.encode_integer(1) + ber.encode_integer(0 if status % 5 else status % 19) + ber.encode_integer(0)
        made.append(ber.tlv(RESPONSE, numbers + ber.tlv(ber.SEQUENCE, body)))
    return tuple(made)


def datagrams() -> list[bytes]:
    """Return messages of version 2c and 1 that hold these PDUs."""
    return [
        ber.tlv(ber.SEQUENCE, ber.encode_integer(at % 2) + ber.tlv(ber.OCTET_STRING, b"lab-ro") + pdu)
        for at, pdu in enumerate(pdus())
    ]


def bundles() -> list[bytes]:
    """Return a sound bundle, and one that was cut short: reading takes a fraction of a second, so only these."""
    return [(TESTS / "tampered" / f"{name}.zip").read_bytes() for name in ("base", "zip_cut_short")]


@cache
def _members() -> dict[str, bytes]:
    return unzip((TESTS / "tampered" / "base.zip").read_bytes())


def bundle_members(*endings: str) -> list[bytes]:
    """Return the files of the sound bundle whose names end so."""
    return [data for name, data in _members().items() if name.endswith(endings) and len(data) < SMALL] or [b""]


def packs(folders: Iterable[str]) -> list[bytes]:
    """Return the YAML files of `config`; the example campus is in the folder `.`."""
    return [path.read_bytes() for folder in folders for path in sorted((config_directory() / folder).glob("*.yaml"))]
