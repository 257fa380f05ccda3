"""The error tree: what went wrong, where, and what to do next.

    AgentError
    ├── ConfigError        a campus, pack or settings file is wrong (file:line, cell)
    ├── GapError           a device was asked and gave no usable answer; carries the Gap
    ├── MalformedError     bytes from outside do not decode (BER, JSON, envelope, note, zip)
    ├── ReplayError        a record and the code that replays it disagree
    ├── JournalError       the journal cannot be opened, written or trusted
    │   └── JournalBusyError   another process writes it; looking is possible
    ├── KeyFileError       a key file is missing, unreadable or too open
    ├── VerificationError  evidence does not hold (signature, digest, chain, receipt, time)
    ├── UplinkError        the backend refused or could not be reached
    └── UsageError         a command was called with something that cannot work

The English text is the gettext message id, with its values apart, so that the console can show it in
Chinese. Errors are raised, not logged; one place per process prints them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "AgentError",
    "ConfigError",
    "GapError",
    "JournalBusyError",
    "JournalError",
    "KeyFileError",
    "MalformedError",
    "Phrase",
    "ReplayError",
    "UplinkError",
    "UsageError",
    "VerificationError",
]


class Phrase(str):
    """A word or phrase among the values of an error, marked with `N_`, that is shown in the reader's language."""

    __slots__ = ()


class AgentError(Exception):
    """Base of every error that this program raises on purpose.

    Args:
        what: what happened; a gettext message id with ``{named}`` places.
        where: device and OID, ``file:line``, URL, cell, or check; may be empty.
        todo: what the reader does next; a gettext message id, may be empty.
        values: the values for the places in ``what`` and ``todo``; another error or a `Phrase` is rendered in the
            same language.
    """

    def __init__(self, what: str, *, where: str = "", todo: str = "", **values: object) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.todo = todo
        self.values = values

    def render(self, translate: Callable[[str], str] = str) -> str:
        """Return the error as one line: where, what happened, what to do."""
        values = {name: _rendered(value, translate) for name, value in self.values.items()}
        text = translate(self.what).format(**values)
        if self.where:
            text = f"{self.where}: {text}"
        if self.todo:
            text = f"{text}. {translate(self.todo).format(**values)}"
        return text

    def __str__(self) -> str:
        return self.render()


def _rendered(value: object, translate: Callable[[str], str]) -> object:
    """Return a value as it stands in a text of that language."""
    if isinstance(value, AgentError):
        return value.render(translate)
    return translate(value) if isinstance(value, Phrase) else value


class ConfigError(AgentError):
    """A file written by a person (campus, pack, settings) is not what it should be."""


class MalformedError(AgentError):
    """Bytes that came from outside cannot be decoded."""


class ReplayError(AgentError):
    """A replayed conversation asks for something else than the record holds."""


class JournalError(AgentError):
    """The journal on disk cannot be opened, extended or trusted."""


class JournalBusyError(JournalError):
    """Another process writes the journal, mostly the service; it may still be read."""


class KeyFileError(AgentError):
    """A private key is missing, unreadable or readable by others."""


class VerificationError(AgentError):
    """Evidence does not hold."""


class UplinkError(AgentError):
    """The backend could not be reached, or refused what was sent."""


class UsageError(AgentError):
    """A command was called with something that cannot work."""


class GapError(AgentError):
    """A device was asked and gave no usable answer.

    Attributes:
        reason: one of the spellings of ``agent.model.exchange.GapReason``.
        source: digest of the exchange that recorded the gap; empty until it is recorded.
        at: when it was recorded, RFC 3339; empty until then.
    """

    def __init__(
        self,
        reason: str,
        what: str,
        *,
        where: str = "",
        todo: str = "",
        **values: object,
    ) -> None:
        super().__init__(what, where=where, todo=todo, **values)
        self.reason = reason
        self.source = ""
        self.at = ""
