"""Read every recording beside the project with every collector, and compare with the facts of another system.

    python -m tests.corpus [DIRECTORY]

DIRECTORY holds `*.snmprec`, at any depth, and `EXPECTED.json`. For each kind of fact it prints how many of the
derivable ones agree, then every disagreement, and every fact that is not compared, with the reason. It fails if a
recording ends a collector with a defect of the program, or if fewer than 99 % of the derivable facts agree.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from agent.collectors import COLLECTORS
from agent.lab.snmp.session import Failed, Reader
from agent.sessions.redact import Redactor
from tests.corpus.facts import REASONS, compare

if TYPE_CHECKING:
    from tests.corpus.facts import Fact

BESIDE = Path(__file__).parents[3] / "shared" / "fixtures" / "snmp"
WANTED = 0.99
KEY = bytes(range(32))


def main(arguments: list[str]) -> int:
    """Run the command."""
    directory = Path(arguments[0]) if arguments else BESIDE
    truth_file = directory / "EXPECTED.json"
    if not truth_file.exists():
        sys.stderr.write(f"{truth_file}: no facts to compare with; the recordings are not beside the project\n")
        return 2
    truth = json.loads(truth_file.read_text(encoding="utf-8"))["recordings"]
    by_file = {entry["file"]: name for name, entry in truth.items()}
    reader, redactor = Reader(collectors=COLLECTORS, key=KEY), Redactor(KEY)
    started = time.monotonic()
    facts: list[tuple[str, Fact]] = []
    crashes = []
    paths = sorted(directory.rglob("*.snmprec"))
    readings = 0
    for path in paths:
        told = reader.read(path)
        if isinstance(told, Failed):
            crashes.append(f"{told.file}: {told.error}")
            continue
        readings += len(told.readings)
        name = by_file.get(path.relative_to(directory).as_posix())
        if name is not None:
            facts += [(name, fact) for fact in compare(name, truth[name], told.readings, redactor)]
    seconds = time.monotonic() - started
    sys.stdout.write(f"{len(paths)} recordings, {readings} readings, {len(crashes)} crashes, {seconds:.1f} s\n")
    share = _report(facts)
    sys.stdout.write("".join(f"CRASH {crash}\n" for crash in crashes))
    return 1 if crashes or share < WANTED else 0


def _report(facts: list[tuple[str, Fact]]) -> float:
    """Print the counts and all that does not agree; return the share of agreement."""
    derivable = [(name, fact) for name, fact in facts if not fact.excluded]
    all_of, agreed = Counter(fact.kind for _, fact in derivable), Counter(f.kind for _, f in derivable if f.agrees)
    for kind, count in all_of.items():
        sys.stdout.write(f"  {kind:20} {agreed[kind]:6} of {count:6} agree\n")
    share = agreed.total() / all_of.total() if derivable else 0.0
    sys.stdout.write(f"  {'all':20} {agreed.total():6} of {all_of.total():6} agree, {share:.2%}\n")
    for name, fact in derivable:
        if not fact.agrees:
            reason = REASONS.get((name, fact.what), "unexplained")
            values = f"{fact.wanted!r}, ours {fact.ours!r}"
            sys.stdout.write(f"DISAGREE {name}: {fact.kind}, {fact.what}: {values}: {reason}\n")
    reasons = Counter((name, fact.kind, fact.excluded) for name, fact in facts if fact.excluded)
    for (name, kind, reason), count in sorted(reasons.items()):
        sys.stdout.write(f"NOT COMPARED {name}: {count} of {kind}: {reason}\n")
    return share


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
