"""Whose keys are enrolled, and which of them a reviewer of a school needs.

A school has one key, and another after a new server or a lost one: bundles of before are still checked with the key
of before, so no row ever goes. What a key was withdrawn for lies in the past of its revocation as much as after it;
a trust directory says no times, so revoked keys are in it only when they are asked for.
"""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from agent.backend import tables
from agent.errors import UsageError, VerificationError
from agent.evidence import keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from agent.backend.backend import Backend
    from agent.backend.store import Store

__all__ = [
    "SHORT_CHARACTERS",
    "Enrolment",
    "KeyState",
    "Revocation",
    "SchoolKeys",
    "enrolments",
    "named",
    "revoke_key",
    "school_keys",
    "trust_files",
]

SHORT_CHARACTERS: Final = 16
"""Of a keyid where the whole one would not fit; as many as `campus-agent demo` shows."""
_SHORTEST: Final = 8
"""Of a keyid that is to be revoked: fewer could hit another school's key by a slip."""
_REASON_CHARACTERS: Final = 500


class KeyState(StrEnum):
    """What became of a key."""

    ACTIVE = "active"
    REPLACED = "replaced"
    """A newer key of the same agent is enrolled. It may still send: only a revocation ends that."""
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """An enrolled key; times are RFC 3339 in UTC, by the backend's clock."""

    campus: str
    agent: str
    keyid: str
    state: KeyState
    enrolled: str
    revoked: str | None
    reason: str | None
    """Why it was revoked, in the operator's words."""
    last_upload: str | None
    """When its newest statement was received, accepted or not; None where the database has lost it."""
    entries: int
    """Of its chain, the enrolment included."""
    public_key: str
    """PEM SubjectPublicKeyInfo, one block and nothing else."""

    @property
    def short(self) -> str:
        """Return the beginning of the keyid."""
        return self.keyid[:SHORT_CHARACTERS]

    def to_json(self) -> dict[str, Any]:
        """Return what programs read."""
        return {**asdict(self), "short": self.short}


@dataclass(frozen=True, slots=True)
class SchoolKeys:
    """What becomes of a school's keys in a trust directory; the newest first."""

    pinned: tuple[Enrolment, ...]
    left_out: tuple[Enrolment, ...]
    """Revoked ones."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """A key that may send nothing any more."""

    key: Enrolment
    changed: bool
    """False: it had been revoked before, and nothing was changed."""
    others: tuple[Enrolment, ...]
    """Keys of the same school that are not revoked; the newest first."""


def enrolments(store: Store, campus: str | None = None) -> list[Enrolment]:
    """Return the enrolled keys by school, the newest of each first.

    Args:
        store: of the backend.
        campus: only of this school.

    Raises:
        UsageError: this school has enrolled no key.
        MalformedError, VerificationError: the database holds something else than the key that was enrolled.
        ProblemError: the database is busy or fails.
    """
    agent, entry = tables.agent, tables.entry
    with store.read() as connection:
        rows = connection.execute(
            select(agent, entry.c.received)
            .join(entry, entry.c.sha256 == agent.c.head, isouter=True)  # the head of a chain is its newest statement
            .order_by(agent.c.enrolled.desc(), agent.c.keyid)
        ).all()
        # Not by the database: how it sorts names depends on its language.
        rows = sorted(rows, key=lambda row: str(row.campus))
        if campus is not None and all(row.campus != campus for row in rows):
            raise _not_enrolled(campus, {row.campus for row in rows}, invited=_is_invited(connection, campus))
    found: list[Enrolment] = []
    in_use: set[tuple[str, str]] = set()
    for row in (row for row in rows if campus in (None, row.campus)):
        found.append(_enrolment(row, replaced=(row.campus, row.agent) in in_use))
        if row.revoked is None:
            in_use.add((row.campus, row.agent))
    return found


def school_keys(store: Store, campus: str, *, with_revoked: bool = False) -> SchoolKeys:
    """Return the keys that a reviewer of a school's bundles pins.

    Args:
        store: of the backend.
        campus: the school's id.
        with_revoked: revoked ones too, for bundles of before the revocation.

    Raises:
        UsageError: the school has enrolled no key, or all are revoked.
        MalformedError, VerificationError: the database holds something else than the key that was enrolled.
        ProblemError: the database is busy or fails.
    """
    found = enrolments(store, campus)
    pinned = tuple(one for one in found if with_revoked or one.state is not KeyState.REVOKED)
    if not pinned:
        raise UsageError(
            "every key of {campus} is revoked",
            todo="Have the school make a new key and enrol again; --with-revoked is for bundles of before",
            campus=campus,
        )
    return SchoolKeys(pinned, tuple(one for one in found if one not in pinned))


def revoke_key(store: Store, given: str, reason: str) -> Revocation:
    """Withdraw a key that an operator names.

    Args:
        store: of the backend.
        given: the keyid in hex, or at least its first 8 digits.
        reason: in the operator's words; kept for good and shown in the list of keys.

    Raises:
        UsageError: no key, or more than one, begins like that; or the reason is no text.
        MalformedError, VerificationError: the database holds something else than the key that was enrolled.
        ProblemError: the database is busy or fails.
    """
    reason = reason.strip()
    if not tables.is_name(reason, _REASON_CHARACTERS):
        raise UsageError(
            "the reason is 1 to {limit} printable characters",
            todo="Say in one line why the key is withdrawn",
            limit=_REASON_CHARACTERS,
        )
    keyid = named(enrolments(store), given.strip().lower()).keyid
    changed = store.revoke(keyid, reason)
    found = enrolments(store)
    key = next(one for one in found if one.keyid == keyid)
    others = tuple(one for one in found if one.campus == key.campus and one.state is not KeyState.REVOKED)
    return Revocation(key, changed, others)


def named(found: Sequence[Enrolment], given: str) -> Enrolment:
    """Return the one key whose id begins like that.

    Raises:
        UsageError: there is none, or more than one; or the beginning is too short to be meant.
    """
    fitting = [one for one in found if one.keyid.startswith(given)] if len(given) >= _SHORTEST else []
    if len(fitting) == 1:
        return fitting[0]
    if len(given) < _SHORTEST:
        raise UsageError(
            "{given!r} is too short for the id of a key",
            todo="Give at least {least} digits; all keys are in campus-agent backend keys",
            given=given,
            least=_SHORTEST,
        )
    if fitting:
        raise UsageError(
            "{count} keys begin with {given}: {near}",
            todo="Give more digits of the id; campus-agent backend keys --full shows all",
            count=len(fitting),
            given=given,
            near=_told(fitting),
        )
    short = {one.keyid[: len(given)]: one for one in found}
    near = [short[name] for name in difflib.get_close_matches(given, sorted(short), n=3, cutoff=0.7)]
    raise UsageError(
        "no key {given} is enrolled",
        todo="Did you mean {near}? All are in campus-agent backend keys --full"
        if near
        else "All keys are in campus-agent backend keys --full",
        given=given[:64],
        near=_told(near),
    )


def trust_files(backend: Backend, school: SchoolKeys | None = None) -> dict[str, bytes]:
    """Return the files of a reviewer's trust directory, by name.

    Args:
        backend: whose log and challenge keys they are.
        school: whose keys become `agent.pub`, the newest first, so that a tool that reads one key reads the one in use;
            without a school there is none.
    """
    files = {
        "log.vkey": f"{backend.log.key.text()}\n".encode(),
        "challenge.pub": backend.challenge_signer.public_pem,
    }
    if school is not None:
        files["agent.pub"] = "".join(one.public_key for one in school.pinned).encode("ascii")
    return dict(sorted(files.items()))


def _enrolment(row: Row[Any], *, replaced: bool) -> Enrolment:
    state = KeyState.REPLACED if replaced else KeyState.ACTIVE
    # Written anew: an enrolment may carry anything around its key, and a second block would be pinned with it.
    public = keys.public_from_pem(row.public_key.encode(), where=f"key {row.keyid}")
    if keys.keyid_of(public) != row.keyid:
        raise VerificationError(
            "the database holds another key under this keyid",
            where=f"key {row.keyid}",
            todo="Run campus-agent backend check and restore the database from its backup",
        )
    return Enrolment(
        campus=row.campus,
        agent=row.agent,
        keyid=row.keyid,
        state=state if row.revoked is None else KeyState.REVOKED,
        enrolled=row.enrolled,
        revoked=row.revoked,
        reason=row.reason,
        last_upload=row.received,
        entries=row.next_seq,
        public_key=keys.public_pem_of(public).decode("ascii"),
    )


def _told(found: Sequence[Enrolment]) -> str:
    return ", ".join(f"{one.keyid} ({one.campus})" for one in found)


def _is_invited(connection: Connection, campus: str) -> bool:
    if not tables.is_name(campus):
        return False
    query = select(tables.token.c.campus).where(tables.token.c.campus == campus)
    return connection.execute(query).first() is not None


def _not_enrolled(campus: str, known: set[str], *, invited: bool) -> UsageError:
    """Return the error about a school without a key: it got a token, its id is misspelt, or nobody knows it."""
    if invited:
        return UsageError(
            "the school {campus!r} has a token but has not enrolled",
            todo="Have the school run campus-agent enrol; a token older than 24 hours needs a new one",
            campus=campus,
        )
    near = difflib.get_close_matches(campus, sorted(known), n=5, cutoff=0.5)
    return UsageError(
        "no school {campus!r} is enrolled",
        todo="Did you mean {near}? All are in campus-agent backend keys"
        if near
        else "See campus-agent backend keys for those that are; campus-agent backend token invites a school",
        campus=campus,
        near=", ".join(near),
    )
