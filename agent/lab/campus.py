"""The demo's campus file: daemons of this machine and devices of the lab stand for those of a school."""

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
    recorder: int
    log_store: int
    backend: int
    silent: int


def campus_yaml(ports: Ports, signed_at: str) -> str:
    """Return the campus file as text; `signed_at` dates what is declared (RFC 3339)."""
    return _HEAD + _BODY.format(at=signed_at, **{name: getattr(ports, name) for name in Ports.__slots__})


_HEAD = """\
# The demo's campus: daemons on this machine's loopback, and devices of the lab, stand for a school's devices.
version: "1"
school:
  id: demo-school
  name: 演示学校
  stages: [junior]
timezone: Asia/Shanghai
"""
_BODY = """\
assets:
  - {{id: egress-gw, family: net-snmp, address: 127.0.0.1, port: {egress}, credentials: lab-ro, functions: [firewall]}}
  - {{id: access-sw1, family: net-snmp, address: 127.0.0.1, port: {access}, credentials: lab-v3}}
  - {{id: hall-sw, family: generic-snmp, address: 127.0.0.1, port: {hall}, credentials: lab-ro}}
  - id: ups-card # it does not answer: what hangs on it is open, never "not met"
    family: generic-snmp
    address: 127.0.0.1
    port: {silent}
    credentials: lab-ro
    feeds: [nvr1, access-sw1]
  - id: iot-broker
    family: mqtt-broker
    address: 127.0.0.1
    port: {broker}
    topics:
      - {{kind: lighting, filter: school/lighting/+/state, device_level: 2}}
      - {{kind: water, filter: school/water/+/state, device_level: 2}}
      - {{kind: air, filter: school/air/+/state, device_level: 2}}
  - id: nvr1
    family: hikvision-isapi
    address: 127.0.0.1
    port: {recorder}
    credentials: lab-recorder
    search_days: 100
  - id: log-store
    family: elasticsearch
    address: 127.0.0.1
    port: {log_store}
    scheme: http
    credentials: lab-logs
    logs: {{where: syslog, source_field: host.name}}
  - {{id: broadcast, family: ip-host, address: 127.0.0.1, port: {broker}}}
  - {{id: platform-gw, family: platform, address: 127.0.0.1, port: {backend}}}
links:
  - id: telecom
    role: egress
    asset: egress-gw
    port: lo
    contract_mbps:
      value: "400"
      by: 演示网管
      at: {at}
      why: 运营商专线合同（演示）
  - {{id: class-101, role: classroom, asset: access-sw1, port: lo, room: "101"}}
rooms:
  - {{id: "101", kind: classroom, grade: 7, equipment: [{{kind: display, asset: broadcast}}]}}
systems:
  - {{kind: broadcast, assets: [broadcast]}}
platforms:
  - {{id: national, kind: national, url: "http://127.0.0.1:{backend}/v1/trust", assets: [platform-gw]}}
cameras: # one of them has no footage of three days
  - {{id: gate, area: entrance, recorded: [{{recorder: nvr1, channel: "1"}}], switch: access-sw1}}
  - {{id: hall, area: gathering, recorded: [{{recorder: nvr1, channel: "2"}}], switch: access-sw1}}
  - {{id: server-room, area: key, recorded: [{{recorder: nvr1, channel: "3"}}], switch: access-sw1}}
log_sources:
  - {{id: gateway, kind: system, asset: egress-gw, stored: [{{store: log-store, name: egress-gw}}]}}
  - {{id: portal, kind: user-access, stored: [{{store: log-store, name: portal}}]}}
headcounts:
  - {{stage: junior, students: 900, teachers: 80, classes: 20, by: 演示教务处, at: {at}, why: 学籍（演示）}}
declarations:
  jiangsu-2018/security-rules: {{value: "1", by: 演示校长, at: {at}, why: 网络安全管理制度（演示）}}
plan:
  - {{collector: links, every_seconds: 2, deadline_seconds: 10}}
  - {{collector: interfaces, every_seconds: 2, deadline_seconds: 10}}
  - {{collector: mqtt, every_seconds: 60, deadline_seconds: 4}}
"""
