"""What the campus file may say to each kind of log store, so that every request stays a count (`LogForm`).

A name of the campus file stands in requests: an index pattern, a label, a source. One that does not have the form of
its kind of store is refused before the store is asked, and by `campus-agent lint --campus` before that. Both read this
table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LOG_FORMS", "LogForm", "forms_of"]


@dataclass(frozen=True, slots=True)
class LogForm:
    """The form of one text."""

    key: str
    """Where it stands in the campus file, below an asset (`logs.where`) or a log source (`stored.name`)."""
    expression: str
    """Regular expression that the whole text matches."""
    example: str
    default: str = ""
    """What is asked for where the campus file says nothing."""

    def fits(self, text: str) -> bool:
        """Return whether the text, or the default where it is empty, can be asked for."""
        return re.fullmatch(self.expression, text or self.default) is not None


_WORD: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_HOST: Final = r"[A-Za-z0-9_.:@-]+"
_FIELD: Final = r"[A-Za-z0-9_@.-]+"
_PLAIN: Final = r"[^|`#\x00-\x1f]+"
_DIRECTORY: Final = r"/(?!(?:.*/)?\.\.(?:/|$))[^\x00-\x1f]*"


def _table(*forms: LogForm) -> Mapping[str, LogForm]:
    return MappingProxyType({form.key.rpartition(".")[2]: form for form in forms})


_FILES: Final = _table(LogForm("logs.where", _DIRECTORY, "/var/log/remote"))

LOG_FORMS: Final[Mapping[str, Mapping[str, LogForm]]] = MappingProxyType(
    {
        "clickhouse": _table(
            LogForm("logs.where", rf"{_WORD}\.{_WORD}", "logs.syslog"),
            LogForm("logs.source_field", _WORD, "host", "host"),
            LogForm("logs.time_field", _WORD, "timestamp", "timestamp"),
            LogForm("logs.text_field", _WORD, "message", "message"),
            LogForm("stored.name", r"[A-Za-z0-9_.:@ -]+", "core-sw1"),
        ),
        "elasticsearch": _table(
            LogForm("logs.where", r"[A-Za-z0-9_.*,+:@<>{}-]+", "syslog-*"),
            LogForm("logs.source_field", _FIELD, "host.name", "host.name"),
            LogForm("logs.time_field", _FIELD, "@timestamp", "@timestamp"),
            LogForm("logs.text_field", _FIELD, "message", "message"),
        ),
        "graylog": _table(
            LogForm("logs.where", r"(?:[0-9a-f]{24})?", "000000000000000000000001"),
            LogForm("logs.source_field", _WORD, "source", "source"),
            LogForm("logs.text_field", _WORD, "message", "message"),
            LogForm("stored.name", _HOST, "core-sw1"),
        ),
        "journal-files": _FILES,
        "log-files": _FILES,
        "loki": _table(
            LogForm("logs.where", r"\{[^{}|`#]*\}", '{job="syslog"}', "{}"),
            LogForm("logs.source_field", _WORD, "host", "host"),
            LogForm("stored.name", _HOST, "core-sw1"),
        ),
        "victorialogs": _table(
            LogForm("logs.where", _PLAIN, "job:syslog", "*"),
            LogForm("logs.source_field", r"(?!_msg$|_stream)[A-Za-z_][A-Za-z0-9_.]*", "hostname", "hostname"),
            LogForm("logs.tenant", r"(?:\d{1,10}:\d{1,10})?", "12:34"),
            LogForm("stored.name", r"[^|`#\"\\\x00-\x1f]+", "core-sw1"),
        ),
    }
)
"""By the family, or what stands before one of its hyphens; then by the last word of the key. What is absent is not
asked for, or may be any text."""


def forms_of(family: str) -> Mapping[str, LogForm]:
    """Return the forms of a family's texts; none of a family that is no log store."""
    return next((forms for name, forms in LOG_FORMS.items() if f"{family}-".startswith(f"{name}-")), {})
