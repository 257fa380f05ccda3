"""Every broken bundle is refused, and the check that fails is the one that its name says."""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest

from agent.language import translator
from agent.verify.bundle import verify_bundle
from agent.verify.policy import pinned_trust
from tests.tampered import make
from tests.tampered.cases import CASES

if TYPE_CHECKING:
    from pathlib import Path

    from agent.verify.result import AttestationResult

NAMES = sorted(CASES)
ENGLISH, CHINESE = translator("en"), translator("zh_CN")
HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The museum, made anew from the honest bundle."""
    directory = tmp_path_factory.mktemp("museum")
    make.make_all(directory)
    return directory


def test_the_honest_bundle_holds_with_pinned_keys() -> None:
    """What every defect starts from is itself without a fault."""
    result = verified("base")
    assert result.ok, result.failed()


def test_the_museum_is_large_enough() -> None:
    """At least twenty defects are kept."""
    assert len(NAMES) >= 20


@pytest.mark.parametrize("name", NAMES)
def test_the_checked_in_bundle_is_what_the_script_makes(name: str, made: Path) -> None:
    """Nobody edited a broken bundle by hand: the script gives the same content."""
    assert contents(make.HERE / f"{name}.zip") == contents(made / f"{name}.zip")


@pytest.mark.parametrize("name", NAMES)
def test_the_defect_is_named(name: str) -> None:
    """Verification fails, the named check is among those that fail, and a Chinese reader reads why in Chinese."""
    expected = CASES[name][0]
    result = verified(name)
    assert not result.ok
    failed = [check.name for check in result.failed()]
    assert any(one.startswith(expected) for one in failed), failed
    assert all(check.detail for check in result.failed())
    for check in result.checks:
        assert check.told(ENGLISH) == check.detail
        assert not check.detail or HAN.search(check.told(CHINESE)), check


SHELL_CANNOT = {
    "first_runs_cut_off",
    "judged_by_another_campus_file",
    "nothing_judged",
    "receipts_not_shown",
    "exchange_left_out",
    "exchange_of_another_day",
    "finished_before_it_started",
    "pack_with_lower_thresholds",
    "points_that_the_evidence_does_not_give",
    "raw_answer_edited_by_the_school",
    "received_before_it_was_finished",
    "reading_does_not_follow_from_the_raw_answers",
    "run_left_out_of_the_judgement",
    "segment_of_another_run",
    "campus_file_exchanged",
    "family_of_their_own",
    "another_device_asked",
    "zip_cut_short",
    "zip_one_bit_flipped",
    "zip_with_something_behind_it",
    "zip_with_an_unknown_file",
    "zip_with_a_path_outside",
}
"""What the shell check does not look at (recomputation, times), or what unzip notices before it."""


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SHELL_CANNOT])
def test_the_shell_check_agrees(name: str, tmp_path: Path) -> None:
    """`sh verify.sh` in the unpacked bundle refuses it as well, with jq and openssl alone."""
    with zipfile.ZipFile(make.HERE / f"{name}.zip") as archive:
        archive.extractall(tmp_path)
    done = shell(tmp_path)
    assert done.returncode == 1, done.stdout


def test_the_shell_check_accepts_the_honest_bundle(tmp_path: Path) -> None:
    """The honest bundle holds in the shell, too."""
    with zipfile.ZipFile(make.BASE) as archive:
        archive.extractall(tmp_path)
    done = shell(tmp_path)
    assert done.returncode == 0, done.stdout


def verified(name: str) -> AttestationResult:
    """Verify a bundle with pinned keys, and with the packs of the day on which the honest one was made."""
    packs = frozenset(
        "sha256:" + item["digest"]["sha256"]
        for entry in make.Museum.load().entries
        for item in entry.payload["subject"]
        if item["name"].startswith(("standards/", "metrics/", "families/"))
    )
    data = (make.HERE / f"{name}.zip").read_bytes()
    return verify_bundle(data, trust=pinned_trust(make.HERE / "trust"), packs=packs).result


def shell(directory: Path) -> subprocess.CompletedProcess[str]:
    pin = (make.HERE / "trust" / "agent.pub").resolve()
    return subprocess.run(
        ["sh", "verify.sh"],
        cwd=directory,
        env={"PATH": "/usr/bin:/bin", "AGENT_PUB": str(pin)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def contents(path: Path) -> object:
    """Return what an archive holds, or its bytes where it is none: packed sizes may differ between zlib builds."""
    data = path.read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, zlib.error):
        return "no archive"
