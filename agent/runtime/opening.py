"""From asset and credential to a transport, per protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import ConfigError
from agent.runtime.command_line import must_open_command_line
from agent.runtime.credentials import Credential
from agent.transports.mqtt import MqttLogin, MqttTransport
from agent.transports.snmp import Community, Limits, SnmpTransport, User

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.model.asset import Asset
    from agent.model.exchange import Transport
    from agent.model.family import Family

__all__ = ["must_fit", "open_transport", "snmp_access"]

SNMP_PORT = 161
MQTT_PORT = 1883


def must_fit(asset: Asset, families: Mapping[str, Family], known: Mapping[str, Credential]) -> None:
    """Refuse at the start what would otherwise fail in every run.

    Raises:
        ConfigError: the credential does not fit the family.
    """
    family = families.get(asset.family)
    if family is None:
        return
    if family.transport == "snmp" or (family.transport == "notifications" and asset.credentials):
        snmp_access(known[asset.credentials] if asset.credentials else Credential(), asset.id)
    if family.transport == "ssh":
        must_open_command_line(known[asset.credentials] if asset.credentials else Credential(), asset.id)


def open_transport(asset: Asset, kind: str, credential: Credential) -> Transport:
    """Return a new transport of that kind to the asset.

    Raises:
        ConfigError: the credential does not fit.
    """
    if kind == "mqtt":
        login = None
        if credential.username is not None:
            login = MqttLogin(credential.username, credential.password or "")
        return MqttTransport(asset.address, asset.port or MQTT_PORT, login)
    access = snmp_access(credential, asset.id)
    limits = Limits(deadline_ms=3_600_000)  # the session is the one to end it, after deadline_seconds
    return SnmpTransport(asset.address, asset.port or SNMP_PORT, credentials=access, limits=limits)


def snmp_access(credential: Credential, where: str) -> Community | User:
    """Turn a credential into what the SNMP transport takes.

    Raises:
        ConfigError: the credential has no SNMP part.
    """
    if credential.version in ("1", "2c") and credential.community is not None:
        return Community(version=credential.version, community=credential.community.encode())
    if credential.version == "3" and credential.user is not None:
        return User(
            name=credential.user,
            auth=credential.auth,
            auth_key=(credential.auth_key or "").encode(),
            priv=credential.priv,
            priv_key=(credential.priv_key or "").encode(),
        )
    raise ConfigError(
        "the credential of this asset opens no SNMP agent",
        where=where,
        todo="Give version 2c with a community, or version 3 with a user",
    )
