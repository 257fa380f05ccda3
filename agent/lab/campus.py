"""The demo's campus file: an egress gateway, two switches, a broker, and a UPS card that does not answer."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Ports", "campus_yaml"]


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the speakers listen on 127.0.0.1."""

    egress: int
    access: int
    hall: int
    broker: int
    silent: int
    """A UDP port where nothing listens."""


def campus_yaml(ports: Ports, signed_at: str) -> str:
    """Return the campus file as text; `signed_at` dates the declared contract (RFC 3339)."""
    return f"""\
# The demo's campus: daemons on this machine's loopback, and one switch of the lab, stand for a school's devices.
version: "1"
school:
  id: demo-school
  name: 演示学校
  stages: [junior]
timezone: Asia/Shanghai
assets:
  - {{id: egress-gw, family: net-snmp, address: 127.0.0.1, port: {ports.egress}, credentials: lab-ro}}
  - {{id: access-sw1, family: net-snmp, address: 127.0.0.1, port: {ports.access}, credentials: lab-v3}}
  - {{id: hall-sw, family: generic-snmp, address: 127.0.0.1, port: {ports.hall}, credentials: lab-ro}}
  - {{id: ups-card, family: generic-snmp, address: 127.0.0.1, port: {ports.silent}, credentials: lab-ro}}
  - id: iot-broker
    family: mqtt-broker
    address: 127.0.0.1
    port: {ports.broker}
    topics:
      - {{kind: lighting, filter: school/lighting/+/state, device_level: 2}}
      - {{kind: water, filter: school/water/+/state, device_level: 2}}
      - {{kind: air, filter: school/air/+/state, device_level: 2}}
links:
  - id: telecom
    role: egress
    asset: egress-gw
    port: lo
    contract_mbps:
      value: "500"
      by: 演示网管
      at: {signed_at}
      why: 运营商专线合同（演示）
  - {{id: class-101, role: classroom, asset: access-sw1, port: lo, room: "101"}}
rooms:
  - {{id: "101", kind: classroom}}
plan:
  - {{collector: interfaces, every_seconds: 2, deadline_seconds: 10}}
  - {{collector: mqtt, every_seconds: 60, deadline_seconds: 4}}
"""
