"""The page: one self-contained HTML document without scripts or requests, the same bytes for the same input."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from agent import __version__
from agent.language import translator
from agent.report.text import short, visible
from agent.report.view import build

if TYPE_CHECKING:
    from agent.report.given import ReportInput

__all__ = ["render"]

TEMPLATES = Path(__file__).parent / "templates"
_TEXT_LIMIT = 4000
"""Backstop for texts that the view did not shorten."""


def render(given: ReportInput, language: str = "zh_CN") -> str:
    """Return the whole page. Depends on nothing but its arguments and the version of this program.

    Args:
        given: the contents of a verified bundle.
        language: ``zh_CN`` or ``en``.
    """
    language = "en" if language.lower().startswith("en") else "zh_CN"
    page = _environment(language).get_template("page.html")
    style = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    fingerprint = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return page.render(
        page=build(given, language),
        style=Markup(style),  # noqa: S704 - our own file
        # Only this style sheet may act: even text that escaped its place could load and run nothing.
        policy=f"default-src 'none'; style-src 'sha256-{fingerprint}'; base-uri 'none'; form-action 'none'",
        version=__version__,
    )


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_inert,
    )
    environment.globals["_"] = translator(language)
    environment.filters["short"] = short
    return environment


def _inert(value: object) -> object:
    """Make every printed text free of controls, also one that the view let through."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value, _TEXT_LIMIT)
    return value
