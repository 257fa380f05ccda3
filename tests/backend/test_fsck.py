"""The nightly check finds each kind of damage, and nothing where nothing is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from agent import canonical
from agent.backend.fsck import fsck
from agent.model.evidence import EntryKind
from tests.peers.postgresql import BOTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.peers.backend import HandClock, Served, Speaker

pytestmark = BOTH


@pytest.fixture
def full(served: Served, agent: Speaker, clock: HandClock) -> Served:
    """Return a backend with a refused entry among accepted ones."""
    for n in range(5):
        assert served.put(agent.append(EntryKind.RUN, {"raw": b"answers %d" % n})).status_code == 201
    assert served.put(agent.append(EntryKind.RUN, time=agent.times(finished=600))).status_code == 422
    assert served.put(agent.append(EntryKind.HEARTBEAT)).status_code == 201
    return served


def sql(statement: str) -> Callable[[Served], None]:
    """Return a damage done in the database."""

    def damage(served: Served) -> None:
        with served.backend.store.write() as connection:
            values = {"zero": b"\0", "hash": bytes(32)}
            given = {name: value for name, value in values.items() if f":{name}" in statement}
            assert connection.execute(text(statement), given).rowcount == 1

    return damage


def flip(served: Served) -> None:
    """Change one byte of a blob, keeping its length."""
    path = served.backend.store.blobs.path(canonical.digest(b"answers 2"))
    path.write_bytes(b"answerz 2")


def lose(served: Served) -> None:
    served.backend.store.blobs.path(canonical.digest(b"answers 2")).unlink()


def test_a_sound_backend_has_no_faults(full: Served) -> None:
    """Everything is looked at, and nothing is found."""
    checked = fsck(full.backend)
    assert checked.faults == ()
    assert (checked.entries, checked.leaves) == (8, 7)
    assert checked.blobs == 7


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (flip, "the content has another digest"),
        (lose, "its file sha256:"),
        (sql("delete from log_leaf where number = 6"), "the signed head of 7 leaves is not that of the 6"),
        (sql("delete from log_leaf where number = 3"), "leaf 3 is missing"),
        (sql("update log_leaf set entry = :zero where number = 3"), "does not follow from the leaves"),
        (sql("update log_node set hash = :hash where level = 2 and number = 0"), "node 2/0"),
        (sql("update log set checkpoint = replace(checkpoint, '7', '6')"), "the checkpoint does not hold"),
        (sql("update entry set envelope = :zero where seq = 3"), "not a DSSE envelope"),
        (
            sql("update entry set receipt = (select receipt from entry where seq = 2) where seq = 3"),
            "another statement",
        ),
        (sql("update entry set leaf = 99 where seq = 3"), "not for the leaf"),
        (sql("update entry set refused = null where seq = 6"), "neither accepted nor refused"),
        (sql("delete from entry where seq = 3"), "does not follow entry 2"),
        (sql("delete from entry where seq = 7"), "does not end where"),
        (sql("update agent set next_seq = 3"), "does not end where"),
    ],
)
def test_each_damage_is_found(full: Served, damage: Callable[[Served], None], expected: str) -> None:
    """One defect, done behind the backend's back, and the fault that names it."""
    damage(full)
    assert any(expected in fault for fault in fsck(full.backend).faults)
