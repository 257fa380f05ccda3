"""Documents that cannot drift: every path exists, every command is one, both READMEs say the same things."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest
import typer

from agent.cli import app

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("README.md", "README.zh-CN.md", "agent/README.md", "CHANGELOG.md", "deploy/systemd/README.md")
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)]+)\)")
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands_of(name: str) -> list[str]:
    """Return the commands that a document shows, in order."""
    shown = [line[2:] for block in BLOCK.findall(text_of(name)) for line in block.splitlines() if line.startswith("$ ")]
    inline = [code for code in CODE.findall(text_of(name)) if code.startswith(("campus-agent ", "make "))]
    return shown + inline


@cache
def options() -> dict[tuple[str, ...], set[str]]:
    """Return every command of the program with its options."""
    found: dict[tuple[str, ...], set[str]] = {}

    def walk(command: object, path: tuple[str, ...]) -> None:
        for name, child in getattr(command, "commands", {}).items():
            walk(child, (*path, name))
        found[path] = {name for parameter in getattr(command, "params", []) for name in parameter.opts}

    walk(typer.main.get_command(app), ())
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name: str) -> None:
    """Relative links and anchors of a document exist."""
    headings = {slug(line) for line in text_of(name).splitlines() if line.startswith("#")}
    for target in LINK.findall(text_of(name)):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        assert not path or ((ROOT / name).parent / path).exists(), target
        assert path or not anchor or anchor in headings, target


@pytest.mark.parametrize("name", ["agent/README.md"])
def test_every_path_in_the_map_exists(name: str) -> None:
    """What the map names in code spans as a path under agent/, config/ or tests/ is there."""
    for code in CODE.findall(text_of(name)):
        if re.fullmatch(r"(agent|config|tests|deploy|benchmarks)/[\w./*-]*", code):
            assert list(ROOT.glob(code.rstrip("/"))), code


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_is_one(name: str) -> None:
    """Each `campus-agent …` in a document names a command and options that exist."""
    for line in commands_of(name):
        words = shlex.split(line.split(" | ")[0].split(" > ")[0].split("&&")[0])
        if words[0] != "campus-agent":
            continue
        path: tuple[str, ...] = ()
        for word in words[1:]:
            if (*path, word) not in options():
                break
            path = (*path, word)
        assert path or words[1].startswith("-"), line
        for word in words[1:]:
            if word.startswith("--"):
                assert word.partition("=")[0] in options()[path], (line, word)


def test_make_targets_exist() -> None:
    """Each `make …` in a document is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    for name in DOCUMENTS:
        for line in commands_of(name):
            if line.startswith("make "):
                assert line.split()[1] in targets, (name, line)


def test_both_readmes_show_the_same_commands_and_sections() -> None:
    """The two READMEs are equal in content: the same commands, in the same order, under as many headings."""
    assert commands_of("README.md") == commands_of("README.zh-CN.md")
    count = [
        sum(line.startswith("#") for line in text_of(name).splitlines()) for name in ("README.md", "README.zh-CN.md")
    ]
    assert count[0] == count[1]


def test_the_ci_calls_the_test_command_of_the_readme() -> None:
    """CI runs what the README tells everybody to run."""
    assert "make test" in text_of(".ci/run")
    assert "$ make test" in text_of("README.md")


def test_layers_of_the_map_are_the_enforced_ones() -> None:
    """The layers drawn in the map are those of the import contract."""
    drawn = re.findall(r"^```\ncli\n(.*?)```", text_of("agent/README.md"), re.DOTALL | re.MULTILINE)[0].split()
    enforced = re.search(r'layers = \[\n\s+"__main__",\n\s+"cli",\n(.*?)\]', text_of("pyproject.toml"), re.DOTALL)
    assert enforced is not None
    assert drawn == re.sub(r'[",]', " ", enforced[1]).split()


def slug(heading: str) -> str:
    """Return the anchor that a heading gets."""
    plain = re.sub(r"[^\w\- ]", "", heading.lstrip("# ").strip().lower())
    return plain.replace(" ", "-")
