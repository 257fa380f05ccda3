"""Run a command of campus-agent and tell its peak of resident memory: ``python -m benchmarks.peak FILE ARGUMENT ...``.

The peak goes into FILE as KiB. It is asked of the process itself, since getrusage counts what a parent held before
exec as well.
"""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["peak_kib"]


def peak_kib() -> int:
    """Return this process's peak of resident memory so far, in KiB (proc(5), VmHWM)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


if __name__ == "__main__":
    from agent.cli import main

    written = Path(sys.argv[1])
    sys.argv = ["campus-agent", *sys.argv[2:]]
    try:
        main()
    finally:
        written.write_text(str(peak_kib()), encoding="ascii")
