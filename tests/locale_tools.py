"""The catalogues: collect every text that a person can see, refresh the .po, compile the .mo.

    python tests/locale_tools.py            refresh the .po, compile the .mo, list what has no Chinese yet
    python tests/locale_tools.py --check    change nothing; exit 1 if something is missing or stale

A text counts as visible when it is the argument of ``_()``, ``N_()`` or ``translate()`` (in code or in a
template), the `what` or `todo` of an `AgentError` (also where a function hands it on to one), or a help text of the
command line.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import jinja2
import typer
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import extract_from_ast

from agent import errors
from agent.cli import app
from agent.cli.localise import help_texts
from agent.language import DOMAIN, LOCALE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Found", "compile_catalogue", "extract", "load", "missing", "places", "refresh"]

AGENT = LOCALE.parent
PO = LOCALE / "zh_CN" / "LC_MESSAGES" / f"{DOMAIN}.po"
MARKERS = ("_", "N_", "translate")
Taker = frozenset[tuple[str, int]]
"""The parameters of a function or class that become the text of an error: name, and position or -1 for none."""


@dataclass
class Found:
    """What the search brought up: message id -> places, and texts that are built at run time and so cannot be found."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    dynamic: list[str] = field(default_factory=list)

    def add(self, text: str, place: str) -> None:
        # A text of places only ("{detail}") is the same in every language.
        if re.search(r"[A-Za-z]", re.sub(r"\{[^{}]+\}", "", text)):
            self.texts.setdefault(text, []).append(place)


def extract(root: Path = AGENT) -> Found:
    """Return every visible text of the package."""
    found = Found()
    trees = {path: ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in sorted(root.rglob("*.py"))}
    takers = _takers(trees)
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                _visit(node, f"{path.relative_to(root.parent)}:{node.lineno}", takers[path], found)
    for path in sorted(root.rglob("*.html")):
        template = jinja2.Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))
        for line, _, message in extract_from_ast(template, MARKERS):
            if isinstance(message, str):
                found.add(message, f"{path.relative_to(root.parent)}:{line}")
    if root == AGENT:
        for text in help_texts(typer.main.get_command(app)):
            found.add(text, "campus-agent --help")
    return found


def _takers(trees: Mapping[Path, ast.Module]) -> dict[Path, dict[str, Taker]]:
    """Return by module the names there that take the text of an error: classes, functions and `.methods`.

    A function takes one if it hands a parameter called `what` or `todo` on to an error, directly or through another.
    """
    known = {path: _error_classes(tree) for path, tree in trees.items()}
    while True:
        before = {path: dict(takers) for path, takers in known.items()}
        methods: dict[str, Taker] = {}
        for path, tree in trees.items():
            inside = {part for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for part in node.body}
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (taker := _taker(node, known[path])):
                    if node in inside:
                        methods[f".{node.name}"] = methods.get(f".{node.name}", frozenset()) | taker
                    else:
                        known[path][node.name] = taker
        for path, tree in trees.items():
            known[path] |= methods | _imported(tree, known)
        if known == before:
            return known


def _imported(tree: ast.Module, known: Mapping[Path, dict[str, Taker]]) -> dict[str, Taker]:
    """Return the takers that a module imports from another one."""
    by_module = {".".join(path.with_suffix("").parts): takers for path, takers in known.items()}
    return {
        alias.asname or alias.name: takers[alias.name]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for module, takers in by_module.items()
        if f".{module}".endswith(f".{node.module}")
        for alias in node.names
        if alias.name in takers
    }


def _taker(function: ast.FunctionDef | ast.AsyncFunctionDef, known: Mapping[str, Taker]) -> Taker:
    """Return which parameters of a function become the text of an error."""
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    names = names[1:] if names[:1] in (["self"], ["cls"]) else names
    handed = {
        text.id
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        for text in _taken(node, known.get(_name(node), frozenset()))
        if isinstance(text, ast.Name)
    }
    return frozenset((name, names.index(name) if name in names else -1) for name in handed & {"what", "todo"})


def _name(node: ast.Call) -> str:
    return f".{node.func.attr}" if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _taken(node: ast.Call, taker: Taker) -> list[ast.expr]:
    """Return the arguments of a call that become the text of an error.

    Where methods of one name take it at several positions, the last that is there counts: what stands before it says
    which kind of error, or in which phase.
    """
    found = []
    by_name = {keyword.arg: keyword.value for keyword in node.keywords}
    for name in sorted({name for name, _ in taker}):
        places = [at for one, at in taker if one == name and 0 <= at < len(node.args)]
        if name in by_name:
            found.append(by_name[name])
        elif places:
            found.append(node.args[max(places)])
    return found


def _error_classes(tree: ast.Module) -> dict[str, Taker]:
    """Return the error classes that the module may raise, with the position of `what` among their arguments."""
    classes: dict[str, Taker] = {
        name: frozenset({("what", 1 if name == "GapError" else 0), ("todo", -1)}) for name in errors.__all__
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for base in node.bases:
                if isinstance(base, ast.Name) and base.id in classes and not _has_init(node):
                    classes[node.name] = classes[base.id]
    return classes


def _has_init(node: ast.ClassDef) -> bool:
    return any(isinstance(part, ast.FunctionDef) and part.name == "__init__" for part in node.body)


def _visit(node: ast.Call, place: str, takers: Mapping[str, Taker], found: Found) -> None:
    name = _name(node)
    for argument in node.args[:1] if name.lstrip(".") in MARKERS else _taken(node, takers.get(name, frozenset())):
        texts, dynamic = _texts(argument)
        for text in texts:
            found.add(text, place)
        if dynamic:
            found.dynamic.append(f"{place}: {ast.unparse(argument)}")


def _texts(argument: ast.expr) -> tuple[list[str], bool]:
    """Return the literal texts of an argument, and whether it builds a text (f-string, +, %) that no catalogue knows.

    A plain name or attribute is no fault: the text it stands for is marked where it is written.
    """
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return [argument.value], False
    if isinstance(argument, ast.IfExp):
        first, second = _texts(argument.body), _texts(argument.orelse)
        return first[0] + second[0], first[1] or second[1]
    return [], isinstance(argument, ast.JoinedStr | ast.BinOp)


def load() -> Catalog:
    """Return the Chinese catalogue as it is in the tree."""
    if not PO.exists():
        return Catalog(locale="zh_CN")
    with PO.open("rb") as file:
        return read_po(file, locale="zh_CN")


def missing(found: Found, catalogue: Catalog) -> dict[str, list[str]]:
    """Return the visible texts without a Chinese translation, with their places."""
    return {
        text: where
        for text, where in sorted(found.texts.items())
        if not (entry := catalogue.get(text)) or not entry.string or entry.fuzzy
    }


def places(text: str) -> set[str]:
    """Return the ``{named}`` places of a text, conversions and formats included."""
    return set(re.findall(r"\{[^{}]+\}", text))


def refresh(found: Found, old: Catalog) -> Catalog:
    """Return the catalogue of what is visible now: known translations kept, new ids empty, unused ones dropped."""
    # A fixed header without dates, and no line numbers: the file changes only when a text does.
    new = Catalog(locale="zh_CN", domain=DOMAIN, project=DOMAIN, fuzzy=False, header_comment="# Chinese texts.")
    for text in sorted(found.texts):
        entry = old.get(text)
        new.add(text, entry.string if entry else "", flags=["python-brace-format"] if places(text) else [])
    return new


def po_bytes(catalogue: Catalog) -> bytes:
    """Return the .po file."""
    out = io.BytesIO()
    write_po(out, catalogue, no_location=True, sort_output=True, omit_header=True, width=116)
    header = f'# Chinese texts of {DOMAIN}; refresh with: python tests/locale_tools.py\nmsgid ""\nmsgstr ""\n'
    lines = ["Language: zh_CN", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8"]
    lines.append("Content-Transfer-Encoding: 8bit")
    return (header + "".join(f'"{line}\\n"\n' for line in lines) + "\n").encode() + out.getvalue()


class _Dateless(Catalog):
    """A catalogue with a fixed header: Babel's own holds its version and the time of writing."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        return [("Language", "zh_CN"), ("Content-Type", "text/plain; charset=utf-8")]


def compile_catalogue(catalogue: Catalog) -> bytes:
    """Return the .mo file: translated texts only, and a header that never changes."""
    plain = _Dateless(locale="zh_CN", fuzzy=False)
    for entry in catalogue:
        if entry.id and entry.string and not entry.fuzzy:
            plain.add(entry.id, entry.string)
    out = io.BytesIO()
    write_mo(out, plain)
    return out.getvalue()


def main(arguments: list[str]) -> int:
    """Refresh, or with ``--check`` only compare."""
    found = extract()
    catalogue = load()
    if "--check" not in arguments:
        catalogue = refresh(found, catalogue)
        PO.write_bytes(po_bytes(catalogue))
        PO.with_suffix(".mo").write_bytes(compile_catalogue(load()))
    gaps = missing(found, catalogue)
    for text, where in gaps.items():
        sys.stdout.write(f"{where[0]}: {text!r} has no Chinese" + "\n")
    for place in found.dynamic:
        sys.stdout.write(f"{place} is built at run time; use {{named}} places" + "\n")
    stale = PO.with_suffix(".mo").read_bytes() != compile_catalogue(load())
    sys.stdout.write(
        f"{len(found.texts)} texts, {len(gaps)} without Chinese, .mo {'stale' if stale else 'current'}" + "\n"
    )
    return 1 if gaps or found.dynamic or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
