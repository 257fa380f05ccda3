"""One real device, and one school that has measured, judged and exported, for the tests of the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from agent import cli
from agent.lab.snmpd import running_snmpd
from tests.runtime.world import COMMUNITY, Done, School, agent, school

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Call = Callable[..., Done]


@pytest.fixture(scope="session")
def device() -> Iterator[int]:
    """Return the port of a real snmpd that tells its community in its description."""
    extra = f'override 1.3.6.1.2.1.31.1.1.1.15.1 uinteger 1000\nsysDescr "ro community {COMMUNITY}"'
    with running_snmpd(community=COMMUNITY, extra=extra) as peer:
        yield peer.port


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory, device: int) -> School:
    """Return a school with two runs, an assessment, a bundle and a report, all made by the commands."""
    place = school(tmp_path_factory.mktemp("measured"), {"egress-gw": device})
    here = ("--campus", place.campus, "--state", place.state)
    for arguments in (
        ("run", "--once", *here),
        ("run", "--once", *here),
        ("assess", "--standard", "bozhou-school-2024", "--standard", "jiangsu-2018", *here),
        ("bundle", "--state", place.state, "-o", place.directory / "bundle.zip"),
        ("report", place.directory / "bundle.zip", "-o", place.directory / "report.html"),
    ):
        done = agent(*arguments)
        assert done.code == 0, (arguments, done.err)
        with (place.directory / "said").open("a", encoding="utf-8") as said:
            said.write(done.out + done.err)
    return place


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Return a function that calls the program's entry point in this process: for tables of errors, of which each
    would otherwise pay for a start of the interpreter.
    """
    monkeypatch.setenv("LANG", "C.UTF-8")
    for name in ("LC_ALL", "LC_MESSAGES", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)

    def called(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["campus-agent", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capfd.readouterr()
        return Done(int(ended.value.code or 0), told.out, told.err)

    return called
