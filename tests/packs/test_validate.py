"""A parsed file becomes a word, or every reason why it does not."""

from __future__ import annotations

import pytest
from pydantic import Field

from agent.model.base import Word
from agent.packs.validate import validate
from agent.packs.yaml_source import PackError, parse


class Pair(Word):
    """A word with a list that needs more than one item."""

    name: str
    items: tuple[int, ...] = Field(min_length=2)


def test_the_word_holds_what_was_written() -> None:
    """Also where a plain number stood for text, which takes a second look."""
    for text, name in ((b"name: one\nitems: [1, 2]\n", "one"), (b"name: 12\nitems: [1, 2]\n", "12")):
        word = validate(parse(text, "x.yaml"), Pair)
        assert (word.name, word.items) == (name, (1, 2))


def test_keys_in_another_order_give_the_same_word() -> None:
    """The order of keys in a file means nothing."""
    first, second = (parse(text, "x.yaml") for text in (b"name: a\nitems: [1, 2]\n", b"items: [1, 2]\nname: a\n"))
    assert validate(first, Pair).to_bytes() == validate(second, Pair).to_bytes()


def test_a_list_with_too_few_items_is_our_error() -> None:
    """The items are sound, the list is too short: said with its place, never as a traceback."""
    with pytest.raises(PackError, match="items must hold at least 2") as caught:
        validate(parse(b"name: a\nitems: [1]\n", "x.yaml"), Pair)
    assert caught.value.where == "x.yaml:2:8"


def test_a_list_of_wrong_items_is_told_by_its_items() -> None:
    """That the list then counts as empty is no news."""
    with pytest.raises(PackError) as caught:
        validate(parse(b"name: a\nitems: [x, y]\n", "x.yaml"), Pair)
    assert [fault.where for fault in caught.value.faults] == ["x.yaml:2:9", "x.yaml:2:12"]


def test_numbers_that_stand_for_text_and_other_faults_are_told_together() -> None:
    """Mending one kind of fault does not uncover another."""
    with pytest.raises(PackError) as caught:
        validate(parse(b"name: 12\nitems: [1, x]\nsize: 3\n", "x.yaml"), Pair)
    assert [fault.where for fault in caught.value.faults] == ["x.yaml:2:12", "x.yaml:3:1"]
