"""Strict YAML with the place of every value."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from agent.errors import ConfigError
from agent.packs.load import config_directory
from agent.packs.yaml_source import MAX_BYTES, PackError, parse, spell

if TYPE_CHECKING:
    from pathlib import Path


def test_scalars_keep_what_was_written() -> None:
    """Only true, false and plain integers are special; a decimal, a date and `no` stay text."""
    source = parse(b"a: 499.999\nb: no\nc: true\nd: 12\ne: '12'\nf: 2026-01-01\ng: 010\nh: 1e5\ni: .inf\n", "x.yaml")
    assert source.data == {
        "a": "499.999",
        "b": "no",
        "c": True,
        "d": 12,
        "e": "12",
        "f": "2026-01-01",
        "g": "010",
        "h": "1e5",
        "i": ".inf",
    }


def test_every_value_and_key_has_its_place() -> None:
    """A fault can be named by line and column, also deep inside and in flow style."""
    source = parse(b"list:\n  - name: one\n  - { name: two, size: 3 }\n", "x.yaml")
    assert source.where(("list", 0, "name")) == "x.yaml:2:11"
    assert source.where(("list", 1, "size")) == "x.yaml:3:24"
    assert source.where(("list", 1, "size"), key=True) == "x.yaml:3:18"
    assert source.where(("list", 1, "absent", 4)) == "x.yaml:3:5"


def test_paths_are_spelled_as_a_person_writes_them() -> None:
    """Keys are joined by dots, positions stand in brackets."""
    assert spell(("links", 2, "asset")) == "links[2].asset"


@pytest.mark.parametrize(
    ("data", "where", "what"),
    [
        (b"a: 1\na: 2\n", "x.yaml:2:1", "given twice; first on line 1"),
        (b"a: &one 1\n", "x.yaml:1:4", "anchor"),
        (b"a: *one\n", "x.yaml:1:4", "alias"),
        (b"a: !!str 1\n", "x.yaml:1:4", "tag"),
        (b"a: !thing 1\n", "x.yaml:1:4", "tag"),
        (b"<<: {a: 1}\n", "x.yaml:1:1", "plain word"),
        (b"? [a]\n: 1\n", "x.yaml:1:3", "plain word"),
        (b"a:\n\tb: 1\n", "x.yaml:2:1", "tab"),
        (b"a:\nb: 1\n", "x.yaml:1:3", "no value"),
        (b"a: ~\n", "x.yaml:1:4", "no value"),
        (b"a: 1\n---\nb: 1\n", "x.yaml:2:1", "another document"),
        (b"a: [1\n", "x.yaml:2:1", "not valid YAML"),
        (b"a: 1\nb: \xff\n", "x.yaml:2", "not UTF-8"),
        (b"a: 1\nb: \x07\n", "x.yaml:2", "U+0007"),
        (b'a: "\\e[31m"\n', "x.yaml:1:4", "control character"),
        (b'a: "\\ud800"\n', "x.yaml:1:4", "control character"),
        (b'a: "\\U00110000"\n', "x.yaml", "not valid YAML"),
        (b"- a\n", "x.yaml:1:1", "keys and values"),
        (b"", "x.yaml", "empty"),
        (b"[" * 100, "x.yaml:1:33", "nested deeper"),
        (b"a" * (MAX_BYTES + 1), "x.yaml", "more than"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_place(data: bytes, where: str, what: str) -> None:
    """Nothing clever gets in, and the message says where it stands."""
    with pytest.raises(PackError) as caught:
        parse(data, "x.yaml")
    assert caught.value.where == where
    assert what in str(caught.value)


def test_all_duplicates_and_empty_values_are_reported_together() -> None:
    """A person who mends a file sees everything at once."""
    with pytest.raises(PackError) as caught:
        parse(b"a: 1\na: 2\nb:\nc:\n  d: 1\n  d: 2\n", "x.yaml")
    assert [fault.where for fault in caught.value.faults] == ["x.yaml:2:1", "x.yaml:3:3", "x.yaml:6:3"]
    assert str(caught.value).count("\n") == 2


def test_a_byte_order_mark_and_windows_lines_are_read() -> None:
    """A file from Windows Notepad works."""
    assert parse(b"\xef\xbb\xbfa: 1\r\nb: x\r\n", "x.yaml").data == {"a": 1, "b": "x"}


def texts(value: object) -> object:
    """Return data with every scalar as the text that stands in the file."""
    if isinstance(value, dict):
        return {key: texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [texts(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


VALUES = st.recursive(
    st.text(alphabet="ab 1-:#'\"[]{}\n学", max_size=6),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text("ab学", min_size=1), inside, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text("abc学", min_size=1), VALUES, min_size=1), st.sampled_from([True, False, None]))
def test_what_another_program_wrote_is_read_as_it_was_meant(data: dict[str, object], flow: bool | None) -> None:
    """Block and flow style, every quoting, empty lists and maps: the structure that was written comes back."""
    text = yaml.safe_dump(data, default_flow_style=flow, allow_unicode=True)
    assert texts(parse(text.encode(), "x.yaml").data) == texts(data)


@given(st.text(alphabet="ab1:-[]{}#|>'\",?\n ", max_size=40))
@example("--- {a: 1}\n...\n")
@example("a: 1\n--- \nb: 1\n")
@example("a: []\nb: {}\n")
def test_what_is_accepted_is_what_libyaml_reads(text: str) -> None:
    """No file gets in with other values than every other program sees in it."""
    with contextlib.suppress(ConfigError):
        assert texts(parse(text.encode(), "x.yaml").data) == yaml.load(text, Loader=yaml.CBaseLoader)


@given(st.one_of(st.binary(max_size=80), st.text(alphabet="ab:-[]{}#&*!|>'\"%@`,?\n \\x0123u", max_size=60)))
@example('"\\U00110000"')
@example("a: |2\n x")
@example("%TAG ! x\n--- !a b")
def test_any_bytes_give_a_file_or_our_error(data: bytes | str) -> None:
    """No input makes the parser raise anything but a ConfigError."""
    with contextlib.suppress(ConfigError):
        parse(data if isinstance(data, bytes) else data.encode(), "x.yaml")


@pytest.mark.parametrize("path", sorted(config_directory().glob("[fms]*/*.yaml")), ids=lambda path: path.stem)
def test_both_parsers_read_every_pack_alike(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With libyaml and without: the same values, the same places of keys and values, the same spelling of numbers."""
    quick = parse(path.read_bytes(), path.name)
    monkeypatch.setattr(yaml, "CSafeLoader", None)
    slow = parse(path.read_bytes(), path.name)
    assert quick == slow
