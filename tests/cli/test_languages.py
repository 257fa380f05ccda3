"""What a reviewer reads, in their language; what a record holds stays English."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.language import translator
from agent.verify.bundle import verify_bundle
from agent.verify.policy import pinned_trust
from tests.runtime.world import agent

TAMPERED = Path(__file__).parents[1] / "tampered"
FORGED = TAMPERED / "receipt_dated_back.zip"


@pytest.mark.parametrize(
    ("language", "why", "counts"),
    [
        ("en_US.UTF-8", "the log does not hold this leaf", ", 1 failed)"),
        ("zh_CN.UTF-8", "透明日志中没有此叶", "1 项未通过)"),
    ],
)
def test_verify_says_what_failed_in_the_readers_language(language: str, why: str, counts: str) -> None:
    """The failing check, and the line with the verdict."""
    done = agent("verify", FORGED, "--trust", TAMPERED / "trust", "--quiet", LANG=language, LC_ALL=language)
    assert done.code == 1
    failing, verdict = done.out.splitlines()
    assert failing.startswith("FAIL receipt/9: ")
    assert why in failing
    assert verdict.endswith(counts)


def test_the_result_is_english_whoever_asks() -> None:
    """Two reviewers with two languages get one result file."""
    done = [
        agent("verify", FORGED, "--trust", TAMPERED / "trust", "--json", LC_ALL=language)
        for language in ("C.UTF-8", "zh_CN.UTF-8")
    ]
    assert done[0].out == done[1].out
    assert json.loads(done[0].out)["failed"] == ["receipt/9"]


def test_whose_keys_they_are_is_said_in_chinese() -> None:
    """The one check that holds and still wants a reader's thought."""
    chinese = translator("zh_CN")
    for trust, words in ((None, "取自证据包本身"), (pinned_trust(TAMPERED / "trust"), "审核人指定")):
        checks = verify_bundle((TAMPERED / "base.zip").read_bytes(), trust=trust).result.checks
        assert words in next(check for check in checks if check.name == "trust").told(chinese)
