"""Child of the kill test: a server that forks one writer per line on stdin and says on stdout what the writer did.

Each writer opens the journal, ends what was left open, and then writes without end until it is killed. A line on stdout
is an acknowledgement: it is written after the journal's call has returned. Usage: python kill_child.py REPOSITORY
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from agent import canonical
from agent.journal.store import Journal, Limits, Signed

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = ec.generate_private_key(ec.SECP256R1())
LIMITS = Limits(reserve_bytes=0, ballast_bytes=4096)


def say(text: str) -> None:
    """Write one line in one system call, so that a kill cannot cut it."""
    os.write(1, text.encode() + b"\n")


def sign(kind: str, run: str | None, blobs: list[str]) -> Callable[[int, str], Signed]:
    """Return a signer for the journal."""

    def signed(seq: int, prev: str) -> Signed:
        subjects = [{"name": f"raw/{n}", "digest": {"sha256": blob[7:]}} for n, blob in enumerate(blobs)]
        predicate = {"kind": kind, "seq": seq, "prev": {"sha256": prev}} | ({"run": run} if run else {})
        payload = canonical.dumps({"subject": subjects, "predicate": predicate})
        return Signed(kind, payload, KEY.sign(payload, ec.ECDSA(hashes.SHA256())))

    return signed


def write_for_ever(directory: Path) -> None:
    """Append runs of exchanges, blobs and entries; acknowledge each after it returned."""
    dice = random.Random(os.urandom(8))
    with Journal(directory, limits=LIMITS) as journal:
        for run in journal.open_runs():
            entry = journal.append(sign("run-abort", run, []))
            say(f"entry {entry.seq} {entry.sha256}")
        while True:
            run = os.urandom(8).hex()
            entry = journal.append(sign("run-start", run, []))
            say(f"entry {entry.seq} {entry.sha256}")
            blobs = []
            for _ in range(dice.randrange(4)):
                line = os.urandom(dice.choice((10, 100, 5000))).hex().encode()
                n = journal.append_exchange(run, "sw1", line)
                say(f"line {run} {n} {hashlib.sha256(line).hexdigest()}")
                raw = line + b"\n"
                blobs.append(journal.put_blob(raw) if dice.random() < 0.5 else journal.put_file(io.BytesIO(raw * 20)))
                say(f"blob {blobs[-1]}")
            entry = journal.append(sign("run", run, blobs or ["sha256:" + "0" * 64]))
            say(f"entry {entry.seq} {entry.sha256}")


def main() -> None:
    """Serve until stdin ends."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                write_for_ever(Path(line.strip()))
            finally:
                os._exit(1)
        say(f"pid {pid}")
        _, status = os.waitpid(pid, 0)
        say(f"dead {os.waitstatus_to_exitcode(status)}")


main()
