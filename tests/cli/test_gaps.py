"""`run --once` and `status` say why a device gave nothing, and what to do, not only that it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.runtime.world import free_udp_port, school

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Call

LOGS = """  - {id: files, family: log-files, address: localhost, logs: {where: /nowhere/logs}}
  - {id: loki, family: loki, address: 127.0.0.1, port: 9, logs: {source_field: host-name}}
"""


def test_a_run_and_the_status_say_why_and_what_to_do(tmp_path: Path, call: Call) -> None:
    """A silent switch, logs that are not mounted, a store whose field is misspelt: each with its own next step."""
    place = school(tmp_path, {"dead": free_udp_port()}, deadline=10)
    campus = place.campus.read_text(encoding="utf-8")
    place.campus.write_text(campus.replace("links:\n", f"{LOGS}links:\n", 1), encoding="utf-8")
    ran = call("run", "--once", "--campus", place.campus, "--state", place.state)
    assert ran.code == 0, ran.err
    lines = {line.partition(":")[0]: line for line in ran.out.splitlines()}
    assert "nothing listens at this port: enable SNMP on the device" in lines["dead"]
    assert "Check logs.where of this asset, and that the disk or share with the logs is mounted" in lines["files"]
    assert "logs.source_field 'host-name' cannot be asked for" in lines["loki"]
    status = call("status", "--state", place.state, "--json")
    assert status.code == 0, status.err
    failing = {line.partition(":")[0]: line for line in status.json()["not ok in the last run"]}
    assert set(failing) == {"dead", "files", "loki"}
    assert "nothing listens at this port" in failing["dead"]
    assert "is mounted" in failing["files"]
    assert "host for example could be asked for" in failing["loki"]
    place.check_chain()
