"""Files of a bundle are parsed once, and never mistaken for one another."""

from __future__ import annotations

import pytest

from agent.packs.load import config_directory
from agent.packs.yaml_source import PackError
from agent.verify.parsed import ParsedFiles

CAMPUS = b"version: 1\nschool: {id: demo, name: Demo}\n"
STANDARD = "standards/bozhou-school-2024.yaml"


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """What an assessment's statement names, as far as packs go."""
    config = config_directory()
    paths = [config / STANDARD, *(config / "metrics").glob("*.yaml"), *(config / "families").glob("net-snmp.yaml")]
    return {str(path.relative_to(config)): path.read_bytes() for path in paths}


def test_equal_bytes_are_parsed_once(files: dict[str, bytes]) -> None:
    """Every run names the campus file again, every assessment the packs: the second time costs nothing."""
    parsed, again = ParsedFiles(), {name: bytes(bytearray(data)) for name, data in files.items()}
    assert parsed.campus(CAMPUS) is parsed.campus(bytes(bytearray(CAMPUS)))
    name = "families/net-snmp.yaml"
    assert parsed.family(files[name], name) is parsed.family(again[name], name)
    assert parsed.metrics(files) is parsed.metrics(again)
    assert parsed.standard(files, STANDARD) is parsed.standard(again, STANDARD)


def test_other_bytes_are_another_file(files: dict[str, bytes]) -> None:
    """A campus file or pack that changed between two statements is read as it is in each of them."""
    parsed = ParsedFiles()
    assert parsed.campus(CAMPUS).value.school.name == "Demo"
    assert parsed.campus(CAMPUS.replace(b"Demo", b"Other")).value.school.name == "Other"
    first = parsed.standard(files, STANDARD).value
    renamed = {**files, STANDARD: files[STANDARD].replace(b"\nid: bozhou-school-2024\n", b"\nid: another\n")}
    assert (first.id, parsed.standard(renamed, STANDARD).value.id) == ("bozhou-school-2024", "another")
    assert parsed.standard(files, STANDARD).value is first


def test_a_standard_is_read_anew_with_other_metrics(files: dict[str, bytes]) -> None:
    """What was sound beside one set of metrics is refused beside another that lacks one of them."""
    parsed = ParsedFiles()
    assert parsed.standard(files, STANDARD).value.indicators
    fewer = {name: data for name, data in files.items() if name != "metrics/links.yaml"}
    assert len(fewer) == len(files) - 1
    with pytest.raises(PackError):
        parsed.standard(fewer, STANDARD)


def test_a_file_that_does_not_parse_is_refused_every_time(files: dict[str, bytes]) -> None:
    """Each check that needs it fails with the reason, not only the first."""
    parsed = ParsedFiles()
    broken = {**files, "metrics/zz.yaml": b"metrics: 3\n"}
    for _ in range(2):
        with pytest.raises(PackError, match=r"campus\.yaml:1"):
            parsed.campus(b"version: x\n")
        with pytest.raises(PackError, match=r"metrics/zz\.yaml:1"):
            parsed.standard(broken, STANDARD)
