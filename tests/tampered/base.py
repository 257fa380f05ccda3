"""Records the honest bundle that the museum starts from: the demo's daemons, real receipts, throw-away keys."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from agent.cli.demo import Scope, show_demo
from agent.evidence import keys


def make_base(target: Path) -> None:
    """Run the demo and keep its bundle, the keys that made it, and a stranger's key."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "demo"
        # Small: what is asked once is replayed like the rest, and a museum of forty copies need not hold it.
        show_demo(home, "en", Scope(3, once=(), standards=("bozhou-school-2024", "jiangsu-2018")))
        shutil.copy(home / "bundle.zip", target / "base.zip")
        shutil.copy(home / "state" / "keys" / "agent.pem", target / "agent-key.pem")
        shutil.copy(home / "backend" / "keys" / "log.pem", target / "log-key.pem")
        (target / "stranger-key.pem").unlink(missing_ok=True)
        keys.create(target / "stranger-key.pem")
        shutil.rmtree(target / "trust", ignore_errors=True)
        shutil.copytree(home / "trust", target / "trust")
