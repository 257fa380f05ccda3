"""Freshness: nonces that the backend issues, signed, to one key, for one run.

A challenge proves that what answers it did not exist before `issuedAt`. It has to be taken up within ten minutes; the
run that took it up may last longer and may be uploaded later, which is graded when the evidence is verified.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update

from agent.backend import tables
from agent.backend.problems import ProblemError
from agent.backend.store import enrolled_key
from agent.clock import time_text
from agent.evidence.statement import sign_challenge
from agent.model.evidence import Challenge, EntryKind
from agent.model.upload import ProblemType

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from agent.backend.store import Store
    from agent.evidence.keys import Signer
    from agent.model.evidence import Predicate

__all__ = ["EXPIRES_SECONDS", "OPEN_LIMIT", "Issued", "hold", "issue", "issued"]

EXPIRES_SECONDS = 600
OPEN_LIMIT = 100
"""Challenges that a key may get in ten minutes. A keyid is no secret, so a stranger may ask in its name: this bounds
what the stranger makes us write."""
_ENDS = (EntryKind.RUN, EntryKind.RUN_ABORT)


@dataclass(frozen=True, slots=True)
class Issued:
    """A challenge as the backend remembers it."""

    nonce: str
    keyid: str
    issued: str
    expires: str
    run: str | None
    """Who holds it; None: nobody yet."""
    ended: bool


def issue(store: Store, signer: Signer, keyid: str) -> bytes:
    """Return a new signed challenge for a key, as a DSSE envelope.

    Raises:
        ProblemError: the key is unknown or revoked, has too many open challenges, or the store fails.
    """
    now = store.clock.now()
    challenge = Challenge(
        nonce=secrets.token_hex(16),
        agent=keyid,
        issued_at=time_text(now),
        expires=time_text(now + timedelta(seconds=EXPIRES_SECONDS)),
    )
    with store.write() as connection:
        key = enrolled_key(connection, keyid)
        if key is None:
            raise ProblemError(ProblemType.KEY_UNKNOWN, "no key of this keyid is enrolled")
        if key.revoked is not None:
            raise ProblemError(ProblemType.KEY_REVOKED, "the key was revoked at {at}", at=key.revoked)
        # Times of this form sort as text.
        count = connection.execute(
            select(func.count())
            .select_from(tables.challenge)
            .where(tables.challenge.c.keyid == keyid, tables.challenge.c.expires > time_text(now))
        ).scalar_one()
        if count >= OPEN_LIMIT:
            raise ProblemError(
                ProblemType.TOO_MANY_CHALLENGES, "{count} challenges were issued in ten minutes", count=count
            )
        connection.execute(
            insert(tables.challenge).values(
                nonce=challenge.nonce,
                keyid=keyid,
                issued=challenge.issued_at,
                expires=challenge.expires,
                run=None,
                ended=False,
            )
        )
    return sign_challenge(challenge, signer)


def issued(connection: Connection, nonce: str) -> Issued | None:
    """Return a challenge by its nonce; None if none such was issued."""
    row = connection.execute(select(tables.challenge).where(tables.challenge.c.nonce == nonce)).one_or_none()
    if row is None:
        return None
    return Issued(row.nonce, row.keyid, row.issued, row.expires, row.run, row.ended)


def holder(predicate: Predicate) -> str:
    """Return what a nonce is spent on: the run, or the single entry where there is no run."""
    return f"run {predicate.run}" if predicate.run is not None else f"entry {predicate.seq}"


def hold(connection: Connection, predicate: Predicate) -> None:
    """Record that an accepted statement took up its challenge, and whether it ended the run."""
    if predicate.challenge is None:
        return
    connection.execute(
        update(tables.challenge)
        .where(tables.challenge.c.nonce == predicate.challenge.nonce)
        .values(run=holder(predicate), ended=predicate.kind in _ENDS or predicate.run is None)
    )
