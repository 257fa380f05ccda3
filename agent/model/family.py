"""`Family`: how to recognise one kind of device and which collectors read it, as data."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from agent.model.asset import Asset
from agent.model.base import Identifier, Text, Word
from agent.model.cli import CliProfile
from agent.model.http import HttpProfile
from agent.model.wifi import WifiTables

__all__ = ["Family", "Recognition", "RecognitionExample"]


class Recognition(Word):
    """What identifies the family; any one match is enough. Objects tell the role, then the longest prefix wins."""

    sys_object_id: tuple[str, ...] = ()
    """Dotted sysObjectID prefixes (SNMPv2-MIB 1.3.6.1.2.1.1.2)."""
    sys_descr: tuple[str, ...] = ()
    """Regular expressions over sysDescr (1.3.6.1.2.1.1.1)."""
    objects: tuple[str, ...] = ()
    """Dotted instances that only devices of this role have, for those whose sysObjectID is that of their SNMP software.
    Asked where somebody wants to know what a device is, not in runs."""


class RecognitionExample(Word):
    """An example in the pack: a device's identity, and whether it belongs to the family."""

    sys_object_id: str = ""
    sys_descr: str = ""
    objects: tuple[str, ...] = ()
    """Of the instances that families name, those that the device has."""
    recognised: bool


class Family(Word):
    """A file of `config/families`."""

    id: Identifier
    version: str
    title: Text
    vendor: str
    role: Literal["switch", "router", "firewall", "ac", "ap", "nvr", "ups", "server", "iot", "nas", "other"]
    transport: Literal["snmp", "mqtt", "notifications", "ssh", "http", "net", "files", "syslog", "host"]
    cli: CliProfile | None = None
    """For `ssh`: how to read its command line, and every command that may be sent."""
    http: HttpProfile | None = None
    """For `http`: how to speak to it, and every method and path that may be used."""
    recognise: Recognition = Recognition()
    collectors: tuple[str, ...] = Field(min_length=1)
    examples: tuple[RecognitionExample, ...] = ()
    wifi: WifiTables | None = None
    """Where devices of this family keep their access points, if it is no MIB that the program knows."""

    @model_validator(mode="after")
    def _cli_goes_with_ssh(self) -> Self:
        if (self.transport == "ssh") != (self.cli is not None):
            raise ValueError("cli belongs to transport ssh, and ssh needs it")
        if self.cli is not None and not f"{self.id}-".startswith(f"{self.cli.dialect}-cli-"):
            # a collector is given the asset alone: its family's name says which words the device speaks
            raise ValueError(f"a family of this dialect is called {self.cli.dialect}-cli or {self.cli.dialect}-cli-...")
        return self

    @model_validator(mode="after")
    def _http_goes_with_http(self) -> Self:
        if (self.transport == "http") != (self.http is not None):
            raise ValueError("http belongs to transport http, and transport http needs it")
        return self

    def equip(self, asset: Asset) -> Asset:
        """Return the asset with what its family says about reading it: the record of a conversation then holds it."""
        return asset if self.wifi is None else asset.model_copy(update={"wifi": self.wifi})
