"""A campus file against the packs that are here: what lint refuses, a run still takes and the collectors refuse too."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collectors.logs import STORES
from agent.collectors.logs.canary import LOOKUPS
from agent.collectors.logs.replies import matching
from agent.errors import GapError
from agent.lab.campus import Ports, campus_yaml
from agent.model.asset import Asset
from agent.model.log_forms import LOG_FORMS, LogForm, forms_of
from agent.model.logs import LogStore
from agent.packs.check_fit import campus_fits
from agent.packs.load import config_directory, load_campus, load_standards, parse_campus

if TYPE_CHECKING:
    from agent.model.campus import Campus
    from agent.packs.load import Pack

BAD = Path(__file__).parent.parent / "configs" / "bad"
FORMS = [(family, form) for family, forms in LOG_FORMS.items() for form in forms.values()]


def test_the_rooms_of_the_example_table_are_nobodys(tmp_path: Path) -> None:
    """The table as it is handed out is refused cell by cell; with the school's own names it fits."""
    table = (config_directory() / "rooms.example.csv").read_text(encoding="utf-8")
    campus = tmp_path / "campus.yaml"
    campus.write_text("version: 1.0.0\nschool: { id: s, name: s }\nrooms_file: rooms.csv\n", encoding="utf-8")
    found = []
    for text in (table, table.replace("示例：", "").replace("示例", "新楼")):
        (tmp_path / "rooms.csv").write_text(text, encoding="utf-8")
        pack = load_campus(campus)
        found.append([fault.where for fault in campus_fits(pack.value, pack.source, {})])
        assert len(pack.value.rooms) == 7
    assert found == [[f"rooms.csv C{row}" for row in range(2, 9)], []]


def test_the_campus_files_that_we_ship_fit_the_standards_that_we_ship() -> None:
    """The example that schools copy, and the demo's, declare and apply for nothing that does not exist."""
    standards = {name: pack.value for name, pack in load_standards(config_directory()).items()}
    ports = Ports(*range(10_001, 10_001 + len(fields(Ports))))
    packs: list[Pack[Campus]] = [
        load_campus(config_directory() / "campus.example.yaml"),
        parse_campus(campus_yaml(ports, "2026-09-01T00:00:00+08:00").encode(), "demo"),
    ]
    for pack in packs:
        assert pack.value.declarations
        assert campus_fits(pack.value, pack.source, standards) == []


@pytest.mark.parametrize("name", ["campus-unfit-logs", "campus-unfit-standards"])
def test_a_run_takes_what_lint_refuses(name: str) -> None:
    """A wrong name costs its own store or clause: neither the service nor a verifier refuses the whole file for it."""
    assert load_campus(BAD / f"{name}.yaml").value.school.id == "example-school"


def test_every_store_has_forms_and_no_other() -> None:
    """A store that is added without its forms is noticed here, as are forms of a store that is gone."""
    assert set(LOG_FORMS) == set(STORES)
    assert set(LOOKUPS) <= set(LOG_FORMS)
    assert forms_of("loki-of-the-district") is LOG_FORMS["loki"]
    assert forms_of("lokio") == {}


@pytest.mark.parametrize(("family", "form"), FORMS)
def test_examples_and_defaults_can_be_asked_for(family: str, form: LogForm) -> None:
    """What an error proposes, and what is asked for without a word in the file, has the form itself."""
    assert form.fits(form.example), family
    assert form.default == "" or form.fits("")
    assert form.key.startswith("stored.") or form.key.removeprefix("logs.") in LogStore.model_fields


@given(st.sampled_from(FORMS), st.text(max_size=40) | st.text("a:.*{}|'\" \\`#/-_%0", max_size=20))
def test_lint_and_collector_refuse_the_same(chosen: tuple[str, LogForm], text: str) -> None:
    """What lint lets pass is asked for as it is; what it refuses never reaches a store."""
    family, form = chosen
    asset = Asset(id="store", family=family, address="192.0.2.1")
    if form.fits(text):
        assert matching(asset, form, text) == (text or form.default)
        assert "\x00" not in text
    else:
        with pytest.raises(GapError, match="cannot be asked for") as caught:
            matching(asset, form, text)
        assert form.example in str(caught.value)
