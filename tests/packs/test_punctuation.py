"""Full-width punctuation where YAML wants its own: found, with its place, and never where it is text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.language import translator
from agent.packs.load import parse_campus
from agent.packs.punctuation import first_wide, half_width, wide_at
from agent.packs.yaml_source import PackError, parse

HEAD = "version: 1.0.0\n"
SCHOOL = 'school:\n  id: s # 校（编号：一）\n  name: 示例：中学（一）"“"\n'
ASSETS = "assets:\n  - id: a\n    family: f\n    address: h\n"


@pytest.mark.parametrize(
    ("text", "where", "plain"),
    [
        (HEAD + "school:\n  id：s\n  name: n\n", "c:3:5", ":"),
        (HEAD + "school:\n  id：s\n  name：n\n", "c:3:3", ":"),
        (HEAD + "school：\n  id: s\n  name: n\n", "c:2:7", ":"),
        (HEAD + SCHOOL + "timezone：Asia/Shanghai\n" + ASSETS, "c:5:9", ":"),
        (HEAD + SCHOOL + "timezone：Asia/Shanghai\n", "c:5:9", ":"),
        (HEAD + SCHOOL + ASSETS.replace("id: a", "id：a"), "c:6:7", ":"),
        (HEAD + SCHOOL + "assets:\n  - { id: a， family: f, address: h }\n", "c:6:12", ","),
        (HEAD + SCHOOL + "assets:\n  - { id: a, family：f, address: h }\n", "c:6:22", ":"),
        (HEAD + SCHOOL + ASSETS + "    port: “161”\n", "c:9:11", '"'),
        (HEAD + SCHOOL.replace("  name", "  stages: [junior，senior]\n  name"), "c:4:12", ","),
        (HEAD + SCHOOL.replace("  name", "  stages: 【junior】\n  name"), "c:4:11", "["),
        (HEAD + SCHOOL + "\u3000timezone: UTC\n", "c:5:1", "a blank"),
        (HEAD + SCHOOL + "“timezone”: UTC\n", "c:5:1", '"'),
        ("timezone：UTC", "c:1:9", ":"),
    ],
)
def test_the_commonest_slip_is_named_with_its_place(text: str, where: str, plain: str) -> None:
    """Wherever the parser stumbles over it: the first fault says which mark to write instead, in both languages."""
    with pytest.raises(PackError) as caught:
        parse_campus(text.encode(), "c")
    first = caught.value.faults[0]
    assert first.where == where
    assert str(first).endswith(f"Use half-width punctuation here: {plain}")
    assert "半角" in first.render(translator("zh_CN"))


def test_text_may_hold_any_punctuation() -> None:
    """Names, quotes and comments are a person's own; other faults of their lines keep their own words."""
    assert parse((HEAD + SCHOOL).encode(), "c").data["school"]["name"] == '示例：中学（一）"“"'
    with pytest.raises(PackError, match="expected <block end>") as caught:
        parse(b'a: 1\nb: "\xef\xbc\x9a" c: d # \xef\xbc\x9a\n', "c")
    assert "half-width" not in str(caught.value)
    assert "Look at this line" in str(caught.value)


@given(st.text(alphabet="a：:，“” \u3000-[{#'\"\n", max_size=40), st.integers(1, 9))
def test_a_mark_is_always_where_it_is_said_to_be(text: str, line: int) -> None:
    """Any text, any line: the place names that very mark, at or above the line, and another mark to write."""
    found = wide_at(text, line)
    if found is not None:
        assert found.line <= line
        assert text.split("\n")[found.line - 1][found.column - 1] == found.mark
        assert half_width(found.mark) != found.mark
        assert first_wide(found.mark) == found.mark
