"""`Family`: how to recognise one kind of device and which collectors read it, as data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agent.model.base import Identifier, Text, Word

__all__ = ["Family", "Recognition", "RecognitionExample"]


class Recognition(Word):
    """What identifies the family; any one match is enough, the longest sysObjectID prefix wins."""

    sys_object_id: tuple[str, ...] = ()
    """Dotted sysObjectID prefixes (SNMPv2-MIB 1.3.6.1.2.1.1.2)."""
    sys_descr: tuple[str, ...] = ()
    """Regular expressions over sysDescr (1.3.6.1.2.1.1.1)."""


class RecognitionExample(Word):
    """An example in the pack: a device's identity, and whether it belongs to the family."""

    sys_object_id: str = ""
    sys_descr: str = ""
    recognised: bool


class Family(Word):
    """A file of `config/families`."""

    id: Identifier
    version: str
    title: Text
    vendor: str
    role: Literal["switch", "router", "firewall", "ac", "ap", "nvr", "ups", "server", "iot", "nas", "other"]
    transport: Literal["snmp", "mqtt", "notifications", "host"]
    recognise: Recognition = Recognition()
    collectors: tuple[str, ...] = Field(min_length=1)
    examples: tuple[RecognitionExample, ...] = ()
