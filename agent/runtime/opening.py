"""From asset and credential to a transport, per protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import ConfigError
from agent.model.rtsp import RtspPlay
from agent.runtime.command_line import must_open_command_line
from agent.runtime.credentials import Credential
from agent.transports.files import FilesTransport
from agent.transports.http import HttpLogin, HttpTransport
from agent.transports.mqtt import MqttLogin, MqttTransport
from agent.transports.net import NetTransport
from agent.transports.rtsp import RTSP_PORT, RtspLogin, RtspTransport
from agent.transports.snmp import Community, Limits, SnmpTransport, User

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.model.asset import Asset
    from agent.model.exchange import Request, Response, Transport
    from agent.model.family import Family
    from agent.model.http import HttpProfile

__all__ = ["http_login", "must_fit", "open_transport", "snmp_access"]

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
    credential = known[asset.credentials] if asset.credentials else Credential()
    if family.transport == "snmp" or (family.transport == "notifications" and asset.credentials):
        snmp_access(credential, asset.id)
    if family.transport == "ssh":
        must_open_command_line(credential, asset.id)
    if family.http is not None:
        http_login(asset, family.http, credential)


def open_transport(asset: Asset, family: Family, credential: Credential) -> Transport:
    """Return a new transport to the asset, as its family speaks.

    Raises:
        ConfigError: the credential does not fit, or nothing here opens such a family by itself.
    """
    opener = OPENERS.get(family.transport)
    if opener is None:
        raise ConfigError(
            "an asset of transport {transport} cannot be opened here",
            todo="Let the service ask it: campus-agent run",
            where=asset.id,
            transport=family.transport,
        )
    return opener(asset, family, credential)


def _snmp(asset: Asset, _: Family, credential: Credential) -> Transport:
    access = snmp_access(credential, asset.id)
    limits = Limits(deadline_ms=3_600_000)  # the session is the one to end it, after deadline_seconds
    return SnmpTransport(asset.address, asset.port or SNMP_PORT, credentials=access, limits=limits)


def _mqtt(asset: Asset, _: Family, credential: Credential) -> Transport:
    login = None
    if credential.username is not None:
        login = MqttLogin(credential.username, credential.password or "")
    return MqttTransport(asset.address, asset.port or MQTT_PORT, login)


def _http(asset: Asset, family: Family, credential: Credential) -> Transport:
    assert family.http is not None  # a family of transport http has it
    http = HttpTransport(
        asset.address,
        family.http,
        http_login(asset, family.http, credential),
        port=asset.port,
        scheme=asset.scheme,
        certificate=asset.certificate,
        basic=bool(asset.basic),
    )
    if not asset.playback:
        return http
    login = None if credential.username is None else RtspLogin(credential.username, credential.password or "")
    return _WithPlayback(http, RtspTransport(asset.address, asset.rtsp_port or RTSP_PORT, login))


class _WithPlayback:
    """A recorder that is asked over HTTP and plays over RTSP, in one conversation."""

    def __init__(self, http: HttpTransport, rtsp: RtspTransport) -> None:
        self._http = http
        self._rtsp = rtsp

    async def exchange(self, request: Request) -> Response:
        """Send the request by the protocol that it is of."""
        return await (self._rtsp if isinstance(request, RtspPlay) else self._http).exchange(request)

    async def close(self) -> None:
        await self._http.close()
        await self._rtsp.close()


def _net(asset: Asset, _family: Family, _credential: Credential) -> Transport:
    return NetTransport(asset.address)  # who is only knocked at is given no secret


def _files(_asset: Asset, _family: Family, _credential: Credential) -> Transport:
    return FilesTransport()  # directories come with the requests


OPENERS: dict[str, Callable[[Asset, Family, Credential], Transport]] = {
    "snmp": _snmp,
    "mqtt": _mqtt,
    "http": _http,
    "net": _net,
    "files": _files,
}
"""By a family's transport; those that need more than asset, family and credential are opened in `wiring`."""


def http_login(asset: Asset, profile: HttpProfile, credential: Credential) -> HttpLogin | None:
    """Turn a credential into what the HTTP transport takes.

    Raises:
        ConfigError: it has no part for HTTP, or the asset pins a certificate without speaking HTTPS.
    """
    if asset.certificate is not None and (asset.scheme or profile.scheme) != "https":
        raise ConfigError(
            "a certificate is pinned, but this asset is asked without encryption",
            where=asset.id,
            todo="Add  scheme: https  to it",
        )
    if credential.token or credential.api_key:
        return HttpLogin(token=credential.token or "", api_key=credential.api_key or "")
    if credential.username is not None and ":" not in credential.username:
        return HttpLogin(credential.username, credential.password or "")
    if asset.credentials is not None:
        raise ConfigError(
            "the credential of this asset opens nothing over HTTP",
            where=asset.id,
            todo="Give a username (without a colon) and a password, or a token or api_key",
        )
    return None


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
