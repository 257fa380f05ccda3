"""Many devices in one process, in the caller's loop, a thread or a process."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from agent import ber
from agent.errors import GapError, UsageError
from agent.lab.snmp import Device, lab_process, lab_thread, running_lab, switch
from agent.lab.snmp.faults import Silence
from agent.lab.snmp.synthetic import COLUMNS, SYS_NAME, named
from agent.model import snmp
from agent.model.exchange import SnmpColumn, SnmpGet, SnmpTable, VarBinds
from agent.transports.snmp import Community, Limits, SnmpTransport

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

V2C = Community("2c", b"lab-ro")
PATIENT = Limits(timeout_ms=5000, retries=1)
TABLE = SnmpTable(columns=tuple(SnmpColumn(oid=column) for column in COLUMNS[:2]))


def free_port() -> int:
    """Return a UDP port that is free on 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def name_and_rows(address: tuple[str, int]) -> tuple[str, int] | str:
    """Return sysName and the number of varbinds of two columns, or why there is none."""
    transport = SnmpTransport(*address, credentials=V2C, limits=PATIENT)
    try:
        scalars = snmp.scalars(await transport.exchange(SnmpGet(oids=(SYS_NAME,))), (SYS_NAME,))
        answer = await transport.exchange(TABLE)
        assert answer.partial == ()
        found = scalars[SYS_NAME]
        return snmp.text(found.value if found else b""), len(answer.varbinds)
    except GapError as error:
        return error.reason
    finally:
        await transport.close()


def test_a_thousand_devices_in_one_process_each_answer_for_themselves() -> None:
    """1,000 devices on addresses of their own and one port, asked at once: each gives its own name and whole table."""
    kind = switch(12)
    port = free_port()
    devices = [
        Device(f"sw{n}", named(kind, f"sw{n}"), host=f"127.0.{16 + n // 250}.{1 + n % 250}", port=port)
        for n in range(1000)
    ]

    async def poll() -> list[tuple[str, int] | str]:
        async with running_lab(devices) as lab:
            return await asyncio.gather(*[name_and_rows(lab[device.name].address) for device in devices])

    assert asyncio.run(poll()) == [(device.name, 24) for device in devices]


def test_a_thread_serves_code_with_its_own_loop() -> None:
    """The lab in a thread answers a caller that runs its own event loop, twice, and is gone afterwards."""
    with lab_thread([Device("sw", switch(3))]) as lab:
        address = lab["sw"].address
        assert asyncio.run(name_and_rows(address)) == ("lab-sw", 6)
        assert asyncio.run(name_and_rows(address)) == ("lab-sw", 6)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(address)


def test_a_process_serves_and_ends() -> None:
    """The lab in a process answers, faults included, and its sockets are gone when the block ends."""
    devices = [Device("sw", switch(3)), Device("dead", switch(3), faults=(Silence(),))]
    with lab_process(devices) as addresses:
        assert asyncio.run(name_and_rows(addresses["sw"])) == ("lab-sw", 6)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(addresses["dead"])


@pytest.mark.parametrize("serve", [lab_thread, lab_process], ids=["thread", "process"])
def test_what_cannot_be_served_is_said_to_the_caller(
    serve: Callable[[list[Device]], AbstractContextManager[object]],
) -> None:
    """Two devices of one name, a taken port, and an address that is not loopback are errors of the caller."""
    recording = switch(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        wrong = {
            "cannot listen": [Device("a", recording, port=port)],
            "two lab devices": [Device("a", recording), Device("a", recording)],
            "loopback only": [Device("a", recording, host="192.0.2.1")],
            "not an IP address": [Device("a", recording, host="core-sw1")],
        }
        for says, devices in wrong.items():
            with pytest.raises(UsageError, match=says), serve(devices):
                pass


def test_ipv6() -> None:
    """A device on ::1 answers."""
    with lab_thread([Device("sw", switch(2), host="::1")]) as lab:
        assert asyncio.run(name_and_rows(lab["sw"].address)) == ("lab-sw", 4)


def test_get_tells_missing_objects_from_missing_instances() -> None:
    """A row that does not exist is noSuchInstance, a column that does not exist noSuchObject."""
    asked = (f"{COLUMNS[0]}.2", f"{COLUMNS[0]}.99", "1.3.6.1.4.1.9.9.1.0")

    async def ask(address: tuple[str, int]) -> VarBinds:
        transport = SnmpTransport(*address, credentials=V2C, limits=PATIENT)
        try:
            return await transport.exchange(SnmpGet(oids=asked))
        finally:
            await transport.close()

    with lab_thread([Device("sw", switch(2))]) as lab:
        answer = asyncio.run(ask(lab["sw"].address))
    tags = [ber.decode_varbind(bytes.fromhex(each)).tag for each in answer.varbinds]
    assert tags == [ber.OCTET_STRING, ber.NO_SUCH_INSTANCE, ber.NO_SUCH_OBJECT]
