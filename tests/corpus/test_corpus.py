"""The comparison with another system: it agrees where it should, and a wrong fact, a crash or too little is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.corpus.__main__ import BESIDE, main

if TYPE_CHECKING:
    from collections.abc import Callable

OURS = Path(__file__).parent.parent / "recordings" / "links-core.snmprec"
TRUTH: dict[str, Any] = {
    "file": "links-core.snmprec",
    "identity": {"sysObjectID": ".1.3.6.1.4.1.9.1.1208", "hardware": "lab core", "version": None},
    "derivable": {"identity": {"sysObjectID": "yes", "hardware": "yes: literal text in the recording"}},
    "ports": {
        "rows": [
            {
                "ifIndex": 1,
                "ifName": "Te1/1",
                "ifAlias": "to floor",
                "ifOperStatus": "up",
                "ifAdminStatus": "up",
                "ifSpeed": 10_000_000_000,
            }
        ]
    },
    "links": {
        "rows": [{"local_ifName": "Te1/1", "remote_hostname": "floor", "remote_port": "GigabitEthernet0/1"}],
    },
}


@pytest.fixture
def corpus(tmp_path: Path) -> Callable[..., Path]:
    """Make a corpus of one recording of ours, with these facts."""

    def make(change: Callable[[dict[str, Any]], object] = lambda _: None) -> Path:
        shutil.copy(OURS, tmp_path)
        truth = json.loads(json.dumps(TRUTH))
        change(truth)
        (tmp_path / "EXPECTED.json").write_text(json.dumps({"recordings": {"links-core": truth}}), encoding="utf-8")
        return tmp_path

    return make


def test_all_facts_agree(corpus: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Identity, port, state, alias, speed and neighbour of a recording are counted and agree."""
    assert main([str(corpus())]) == 0
    shown = capsys.readouterr().out
    assert "1 recordings" in shown
    assert "8 of      8 agree, 100.00%" in shown


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t["identity"].update(sysObjectID=".1.2.3"), "identity, sysObjectID"),
        (lambda t: t["identity"].update(hardware="another"), "identity, hardware"),
        (lambda t: t["identity"].update(serial="SN1"), "identity, serial"),
        (lambda t: t["ports"]["rows"][0].update(ifSpeed=1), "port speed, 1 ifSpeed"),
        (lambda t: t["ports"]["rows"][0].update(ifOperStatus="down"), "port state, 1 ifOperStatus"),
        (lambda t: t["ports"]["rows"][0].update(ifIndex=77), "port, 77 name"),
        (lambda t: t["links"]["rows"][0].update(remote_port="Gi9"), "neighbour, Te1/1"),
        (lambda t: t.update(ipv6_addresses={"rows": [{"address": "2001:da8::1", "prefixlen": 64}]}), "IPv6 address"),
        (lambda t: t.update(wireless={"ap_count": [{"descr": "x", "value": 3}]}), "Wi-Fi access points, x"),
        (
            lambda t: t.update(
                ups={"charge_percent": [{"descr": "c", "percent": 5}], "runtime_minutes": []}, sensors={"rows": []}
            ),
            "UPS charge, c",
        ),
    ],
)
def test_a_fact_that_we_do_not_share_is_told(
    change: Callable[[dict[str, Any]], object],
    told: str,
    corpus: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every kind of fact can disagree; it is listed, and too many of them fail the command."""
    assert main([str(corpus(change))]) == 1
    assert f"DISAGREE links-core: {told}" in capsys.readouterr().out


def test_no_facts_are_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty directory proves nothing."""
    assert main([str(tmp_path)]) == 2
    assert "EXPECTED.json" in capsys.readouterr().err


@pytest.mark.skipif(not BESIDE.exists(), reason="no recordings beside the project")
def test_the_corpus_beside_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    """No recording crashes a collector, 99 % of the facts agree, and every other one has a reason."""
    code = main([])
    shown = capsys.readouterr().out
    assert code == 0, shown
    assert " 0 crashes" in shown
    assert "unexplained" not in shown
