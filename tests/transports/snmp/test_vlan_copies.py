"""Tables of which a device keeps one copy for each VLAN: which credentials reach a copy."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import ValidationError

from agent.lab.snmp import Device, Recording, running_lab
from agent.model.exchange import SnmpColumn, SnmpTable, VarBinds
from agent.transports.snmp import Community, SnmpTransport
from agent.transports.snmp.credentials import User
from tests.collectors.recorded import cell

COLUMN = "1.3.6.1.2.1.17.4.3.1.2"
TABLE = SnmpTable(columns=(SnmpColumn(oid=COLUMN),))


def test_a_copy_is_reached_by_the_indexed_community() -> None:
    """With the device's own community the device is asked, with `@vlan` behind it a copy; each has its own rows."""

    async def asked() -> list[VarBinds]:
        device = Device("device", Recording([cell(f"{COLUMN}.1", 1)]), community=b"lab-ro")
        async with running_lab([device]) as lab:
            host, port = lab["device"].address
            copy = Device("copy", Recording([cell(f"{COLUMN}.1", 20)]), community=b"lab-ro@20")
            async with running_lab([copy]) as other:
                transport = SnmpTransport(host, port, credentials=Community("2c", b"lab-ro"))
                of_copy = SnmpTransport(*other["copy"].address, credentials=Community("2c", b"lab-ro"))
                of_copy.within(20)
                answers = [
                    await transport.exchange(TABLE),
                    await of_copy.exchange(TABLE.model_copy(update={"vlan": 20})),
                ]
                await transport.close()
                await of_copy.close()
                return answers

    assert [answer.varbinds[0][-2:] for answer in asyncio.run(asked())] == ["01", "14"]


def test_credentials_of_a_copy() -> None:
    """A community gets its VLAN behind it, a user the context; nothing of a secret shows."""
    assert Community("2c", b"lab-ro").in_vlan(20).community == b"lab-ro@20"
    user = User("reader", "SHA", b"authentic", "AES", b"confident").in_vlan(20)
    assert (user.context, user.auth_key) == ("vlan-20", b"authentic")
    assert "lab-ro" not in repr(Community("2c", b"lab-ro").in_vlan(20))


@pytest.mark.parametrize("vlan", [0, 4095, -1])
def test_a_vlan_has_a_number(vlan: int) -> None:
    """1 to 4094 (IEEE 802.1Q); and a request without one is recorded as before."""
    with pytest.raises(ValidationError):
        SnmpTable(columns=TABLE.columns, vlan=vlan)
    assert "vlan" not in TABLE.to_json()
