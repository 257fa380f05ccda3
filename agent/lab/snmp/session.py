"""A recording read as a device: the product's own path (family, collectors, live session), without a socket.

`RecordingTransport` answers like a correct SNMPv2c engine, with the walk's row cap; `Reader` recognises the family as
discovery would, runs its collectors and gives readings and a summary. Pseudonyms are made under one key for a whole
call, so that equal addresses stay equal across recordings, and the key is thrown away with the `Reader`.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import ber
from agent.clock import Clock, SystemClock
from agent.collectors import COLLECTORS, measure
from agent.errors import AgentError, GapError, UsageError
from agent.lab.snmp.answers import missing
from agent.lab.snmp.artefacts import undo
from agent.lab.snmp.recording import read
from agent.model import snmp
from agent.model.asset import Asset
from agent.model.campus import Campus, School
from agent.model.exchange import GapReason, Partial, SnmpGet, SnmpTable, VarBinds
from agent.packs.load import config_directory, load_families
from agent.packs.recognise import recognise, telling
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.lab.snmp.recording import Recording
    from agent.model.exchange import Exchange, Request
    from agent.model.family import Family
    from agent.model.reading import Reading

__all__ = ["Failed", "Reader", "RecordingTransport", "Told", "family_of"]

SYS_DESCR = "1.3.6.1.2.1.1.1.0"
SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"
GENERIC = "generic-snmp"
"""What a device is read as that says nothing of itself."""
SECONDS = 3600
"""A recording does not hang; a slow machine shall not turn it into a gap."""
_NO_IDENTIFIER = re.compile(r"[^0-9A-Za-z_.-]")


class RecordingTransport:
    """Answers from a recording."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    async def exchange(self, request: Request) -> VarBinds:
        """Answer one request.

        Raises:
            GapError: it is not an SNMP request: whoever was recorded cannot be asked in another way. Or it asks for the
                copy of a VLAN, which a recording of one community does not hold.
        """
        if isinstance(request, SnmpGet):
            return VarBinds(varbinds=tuple(self._instance(oid) for oid in request.oids))
        if isinstance(request, SnmpTable):
            if request.vlan is not None:
                raise GapError(GapReason.UNREACHABLE, "no answer of VLAN {vlan} was recorded", vlan=request.vlan)
            return self._walk(request)
        raise GapError(GapReason.UNSUPPORTED, "a recording of SNMP does not answer {op}", op=request.op)

    async def close(self) -> None:
        """Nothing is open."""

    def _instance(self, oid: str) -> str:
        name = ber.oid_bytes(oid)
        at = self._recording.find(name)
        if at is None:
            return ber.encode_varbind(name, missing(self._recording, name), b"").hex()
        return self._recording.varbinds[at].hex()

    def _walk(self, request: SnmpTable) -> VarBinds:
        found: list[str] = []
        partial: list[Partial] = []
        for column in request.columns:
            root = ber.oid_bytes(column.oid)
            rows = [at for at in self._recording.under(column.oid) if self._recording.oids[at] != root]
            if len(rows) > request.max_rows:
                partial.append(Partial(column=column.oid, reason="row cap"))
            found += [self._recording.varbinds[at].hex() for at in rows[: request.max_rows]]
        return VarBinds(varbinds=tuple(found), partial=tuple(partial))


@dataclass(frozen=True, slots=True)
class Told:
    """What a recording gave."""

    file: str
    readings: tuple[Reading, ...]
    summary: dict[str, Any]
    """`family`, `readings`, `gaps` (collector and reason), `exchanges`, `elapsed_ms`, `skipped_lines`, `undone` (how
    often each rule of `artefacts` applied)."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that could not be read."""

    file: str
    error: str


class Reader:
    """Reads recordings, one at a time, keeping nothing of the last one.

    Args:
        collectors: which to run; those of the recognised family if none is named.
        families: all families, `generic-snmp` among them; those of the packs if none are given.
        clock: tells the time; a recording has none of its own.
        key: for pseudonyms; random if none is given.

    Raises:
        ConfigError: the packs cannot be read.
        UsageError: there is no such collector.
    """

    def __init__(
        self,
        *,
        collectors: Iterable[str] = (),
        families: Iterable[Family] | None = None,
        clock: Clock | None = None,
        key: bytes | None = None,
    ) -> None:
        self._collectors = tuple(collectors)
        if unknown := [name for name in self._collectors if name not in COLLECTORS]:
            known = ", ".join(COLLECTORS)
            raise UsageError("there is no collector {name!r}", todo="Known are: {known}", name=unknown[0], known=known)
        shipped = load_families(config_directory())
        self._families = tuple(shipped.values() if families is None else families)
        self._generic = shipped[GENERIC]
        self._clock = clock or SystemClock()
        self._redactor = Redactor(key or secrets.token_bytes(32))

    def read(self, path: Path) -> Told | Failed:
        """Read one file; whatever is wrong with it, or with a collector that meets it, costs no other file anything."""
        name = os.fsencode(path).decode("utf-8", "backslashreplace")
        try:
            return asyncio.run(self._read(path, name))
        except AgentError as error:
            return Failed(name, str(error))
        except Exception as error:  # noqa: BLE001 - a defect of ours at one file of a thousand; it is told and fails the call
            return Failed(name, f"a defect of this program: {type(error).__name__} at {_place(error)}")

    async def _read(self, path: Path, name: str) -> Told:
        started = self._clock.monotonic_ns()
        recorded = read(path)
        if not recorded.oids:
            raise UsageError("there is no line of a recording in it", where=name, todo="A line is OID|TAG|VALUE")
        recording, undone = undo(recorded)
        transport = RecordingTransport(recording)
        family = await family_of(transport, self._families) or self._generic
        asset = family.equip(Asset(id=_identifier(path), family=family.id, address="recording"))
        names = self._collectors or family.collectors
        campus = Campus(version="1", school=School(id="recording", name="recording"), assets=(asset,))
        exchanges = 0

        def count(_: Exchange) -> None:
            nonlocal exchanges
            exchanges += 1

        session = LiveSession(transport, self._redactor, count, self._clock, SECONDS)
        readings = await measure(asset, campus, names, session)
        summary = {
            "family": asset.family,
            "readings": len(readings),
            "gaps": [
                {"collector": each.subject.partition(":")[0], "reason": each.value}
                for each in readings
                if each.metric == "collector.answer" and each.value != "ok"
            ],
            "exchanges": exchanges,
            "elapsed_ms": (self._clock.monotonic_ns() - started) // 1_000_000,
            "skipped_lines": len(recorded.skipped),
            "undone": dict(sorted(undone.items())),
        }
        return Told(name, tuple(readings), summary)


async def family_of(transport: RecordingTransport, families: tuple[Family, ...]) -> Family | None:
    """Return the family of a recorded device; None if it says nothing of itself."""
    polled = tuple(family for family in families if family.transport == "snmp")
    who = (SYS_OBJECT_ID, SYS_DESCR)
    asked = (*who, *telling(polled))
    found = snmp.scalars(await transport.exchange(SnmpGet(oids=asked)), asked)
    described = found[SYS_DESCR]
    return recognise(
        polled,
        sys_object_id=snmp.oid(found[SYS_OBJECT_ID]) or "",
        sys_descr=snmp.text(described.value) if described else "",
        objects=[oid for oid in telling(polled) if found[oid] is not None],
    )


def _identifier(path: Path) -> str:
    return _NO_IDENTIFIER.sub("-", path.stem)[:90] or "recording"


def _place(error: Exception) -> str:
    """Return file and line of the innermost code: no value of the device, which a message might hold."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"
