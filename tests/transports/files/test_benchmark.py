"""The benchmark of log files runs, and would notice a count that is wrong."""

from __future__ import annotations

import json

import pytest

from benchmarks import logs
from tests.transports.files.trees import missing_programs

LACKING = missing_programs(("zcat", "xzcat", "zstdcat", "bzcat"))
pytestmark = pytest.mark.skipif(bool(LACKING), reason=LACKING or "all are here")


def test_both_count_the_same_and_the_lost_days_are_found(capsys: pytest.CaptureFixture[str]) -> None:
    """A small tree: the benchmark ends well only if both agree and exactly the lost days are missing."""
    assert logs.main(["--size", "1M", "--trials", "1", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["agrees"]
    assert said["lacking"] == {"fw07": ["2026-10-10", "2026-10-11"]}
    assert said["lines"] > 4500


def test_a_size_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """What is no size is refused."""
    with pytest.raises(SystemExit):
        logs.main(["--size", "much"])
    assert "5G" in capsys.readouterr().err
