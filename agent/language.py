"""Texts for people, in Chinese and English: gettext catalogues, and the names of the record's spellings.

The English text is the message id; `agent/locale/zh_CN/LC_MESSAGES/campus-agent.po` holds the Chinese. Records stay
in one language: only what a person reads on a screen or in a report goes through here.
"""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["DOMAIN", "LANGUAGES", "LOCALE", "NAMES", "N_", "name_of", "preferred", "translator"]

DOMAIN = "campus-agent"
LOCALE = Path(__file__).parent / "locale"
LANGUAGES = ("zh_CN", "en")


def N_(text: str) -> str:  # noqa: N802 - the marker that every gettext tool knows
    """Mark a text for extraction where it stands, without translating it yet."""
    return text


def translator(language: str) -> Callable[[str], str]:
    """Return the function that turns an English message id into the language (``zh_CN`` or ``en``).

    Chinese in any spelling (``zh``, ``zh-CN``, ``zh_CN.UTF-8``) gives Chinese, everything else English. An id without a
    translation comes back as it is.
    """
    return _catalogue("zh_CN" if language.lower().startswith("zh") else "en")


@cache
def _catalogue(language: str) -> Callable[[str], str]:
    if language == "en":
        return _untranslated
    found = gettext.translation(DOMAIN, LOCALE, languages=[language], fallback=True)
    # The empty id is gettext's file header; an absent text must stay absent.
    return lambda text: found.gettext(text) if text else ""


def _untranslated(text: str) -> str:
    return text


def preferred(environ: Mapping[str, str]) -> str:
    """Return ``zh_CN`` or ``en`` as the environment asks (POSIX order: LC_ALL, LC_MESSAGES, LANG).

    The first variable that is set decides; without any, English, as the C locale has it.
    """
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environ.get(name):
            return "zh_CN" if value.lower().startswith("zh") else "en"
    return "en"


NAMES: Mapping[str, str] = {
    # Outcomes, from agent.model.finding
    "satisfied": N_("met"),
    "partially-satisfied": N_("partly met"),
    "not-satisfied": N_("not met"),
    "inconclusive": N_("undecided"),
    "not-applicable": N_("does not apply"),
    # Reasons: agent.model.finding, and of gaps agent.model.exchange
    "no-target": N_("nothing to measure is configured"),
    "unreachable": N_("no answer from the device"),
    "refused": N_("the device refused access"),
    "unsupported": N_("the device does not offer this"),
    "too-few-samples": N_("too few samples"),
    "window-too-short": N_("window too short"),
    "clock-unsure": N_("clock not certain"),
    "contradicted": N_("sources contradict each other"),
    "weak-proof": N_("proof too weak"),
    "undeclared": N_("no document declared"),
    "malformed": N_("the answer does not decode"),
    "deadline": N_("time for the conversation ran out"),
    # results of a conversation that are no gap (agent.model.evidence.TargetResult)
    "ok": N_("ok"),
    "partial": N_("partial"),
    "failed": N_("failed"),
    "resting": N_("resting"),
    "aborted": N_("broken off"),
    # Grades, from agent.model.reading
    "measured": N_("measured"),
    "corroborated": N_("corroborated"),
    "reported": N_("reported"),
    "declared": N_("declared"),
    # assurance of a run
    "live": N_("live"),
    "challenged": N_("challenged"),
    "deferred": N_("deferred"),
    "chained": N_("chained"),
    # statistics
    "median": N_("median"),
    "minimum": N_("minimum"),
    "maximum": N_("maximum"),
    "last": N_("last value"),
    "mean": N_("mean"),
    "derived": N_("derived"),
    "sum": N_("sum"),
    "each": N_("each one"),
    "share": N_("share of subjects"),
    "count": N_("number of subjects"),
    "holds": N_("met by"),
    "fails": N_("not met by"),
    "open": N_("undecided for"),
    "p5": N_("5th percentile"),
    "p95": N_("95th percentile"),
    "peak": N_("peak"),
    # why a sample or interval was not used
    "missing": N_("missing"),
    "invalid": N_("not a number"),
    "reset": N_("counter reset"),
    "reindex": N_("port renumbered"),
    "over-line-rate": N_("above line speed"),
    "discontinuity": N_("counter interrupted"),
    "ambiguous-wrap": N_("counter may have wrapped twice"),
    "no-uptime": N_("device uptime unknown"),
    "stale": N_("counter not refreshed"),
    "down": N_("link was down"),
    # journal entries (agent.model.evidence.EntryKind)
    "enrol": N_("enrolment"),
    "run-start": N_("run begun"),
    "run": N_("run"),
    "run-abort": N_("run broken off"),
    "gap": N_("measurement interrupted"),
    "heartbeat": N_("sign of life"),
    "config": N_("configuration"),
    "assessment": N_("assessment"),
    # subjects (the part before the colon)
    "asset": N_("device"),
    "interface": N_("port"),
    "egress": N_("Internet line"),
    "backbone": N_("backbone link"),
    "uplink": N_("uplink"),
    "classroom": N_("classroom"),
    "subject-room": N_("subject room"),
    "laboratory": N_("laboratory"),
    "computer-room": N_("computer room"),
    "library": N_("library"),
    "activity": N_("activity room"),
    "hall": N_("hall"),
    "living": N_("living area"),
    "canteen": N_("canteen"),
    "studio": N_("studio"),
    "recording-room": N_("recording room"),
    "innovation-room": N_("innovation room"),
    "ai-room": N_("AI room"),
    "virtual-space": N_("virtual-real space"),
    "data-centre": N_("data centre"),
    "ipv6": N_("IPv6"),
    "school": N_("school"),
    "general-school": N_("school without kindergartens and vocational schools"),
    "region-class": N_("class of the region"),
    "other": N_("other"),
    "office": N_("office"),
    "access": N_("access port"),
    "iot": N_("IoT"),
    "stage": N_("stage"),
    "camera": N_("camera"),
    "area": N_("area"),
    "powered": N_("powered device"),
    "security": N_("security function"),
    "system": N_("system"),
    "platform": N_("platform"),
    "network-device": N_("network device"),
    "system-log": N_("system log"),
    "user-access-log": N_("user access log"),
    "class": N_("class"),
    "class-from-grade-three": N_("class of grade three and up"),
    "criterion": N_("declaration"),
    # stages of a school (agent.model.rule.Stage)
    "kindergarten": N_("kindergarten"),
    "primary": N_("primary school"),
    "junior": N_("junior secondary school"),
    "senior": N_("senior secondary school"),
    "vocational": N_("vocational school"),
    # how much of a clause a machine can prove
    "reach-full": N_("provable"),
    "reach-partly": N_("partly provable"),
    "reach-declared": N_("by documents"),
    "reach-outside": N_("not judged here"),
}
"""Spelling in the record -> English name (a message id)."""


def name_of(spelling: str, translate: Callable[[str], str]) -> str:
    """Return what a person calls a spelling of the record; an unknown spelling is shown as it is."""
    known = NAMES.get(spelling)
    return translate(known) if known is not None else spelling
