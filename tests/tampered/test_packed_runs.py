"""A long list of judged runs is compressed in the statement; it is read, and compared with the chain, all the same."""

from __future__ import annotations

import gzip

import pytest

from agent.verify.bundle import verify_bundle
from tests.tampered.make import Museum


@pytest.mark.parametrize(("left_out", "holds"), [(0, True), (1, False)])
def test_a_compressed_list_of_runs_is_compared_with_the_chain(left_out: int, holds: bool) -> None:
    """The honest list holds; one run left out fails the check of the runs, and nothing hides in the compression."""
    museum = Museum.load()
    entry = museum.entries[-1]
    lines = museum.data(entry, "runs.txt").splitlines(keepends=True)
    assert len(lines) > 1
    entry.subject("runs.txt")["name"] = "runs.txt.gz"
    museum.put(entry, "runs.txt.gz", gzip.compress(b"".join(lines[left_out:]), mtime=0))
    museum.without_receipts()
    museum.resign(entry)
    checks = {check.name: check.ok for check in verify_bundle(museum.zip()).result.checks}
    assert checks[f"runs/{entry.seq}"] is holds
    assert all(ok is holds for name, ok in checks.items() if name.startswith("findings/"))
