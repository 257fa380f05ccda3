"""Run all benchmarks, one after the other."""

from __future__ import annotations

import sys

from benchmarks import fleet, logs, recorders, snmp

if __name__ == "__main__":
    for name, run in (
        ("SNMP, one device", snmp.main),
        ("SNMP, a fleet", fleet.main),
        ("Recorders", recorders.main),
        ("Log files", logs.main),
    ):
        print(f"== {name}", flush=True)
        status = run([])
        if status:
            sys.exit(status)
        print()
