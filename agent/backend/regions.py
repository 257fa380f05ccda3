"""Regions in the backend: their lists of schools, and what the schools' accepted statements come to together.

Only an assessment counts that was accepted (it has a receipt), judged by a pack that this program carries, over a
window that ends inside the one of the roll-up; the newest received of each school and standard. A statement that is
passed over is named with the reason. That findings follow from the raw answers, `campus-agent verify` shows, not this.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, insert, select, update

from agent import canonical
from agent.assess.regions import Accepted, roll_up, summary_sheet
from agent.backend import tables
from agent.clock import parse_time, time_text
from agent.errors import AgentError, UsageError
from agent.evidence import dsse
from agent.evidence.statement import read_statement
from agent.model.evidence import EntryKind
from agent.model.finding import Assessment, Window
from agent.packs.load import Pack, config_directory, load_metrics, load_standard
from agent.packs.region import parse_region

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from agent.backend.store import Store
    from agent.model.base import Digest
    from agent.model.evidence import Statement
    from agent.model.metric import Metric
    from agent.model.region import Region, RegionResult, SummarySheet
    from agent.model.standard import Standard

__all__ = [
    "WINDOW_DAYS",
    "StoredRegion",
    "may_read",
    "read_region",
    "region_result",
    "region_sheet",
    "remove_region",
    "stored_regions",
    "write_region",
]

WINDOW_DAYS: Final = 366
"""How old an assessment may be that still speaks for a school, unless another window is asked for."""


@dataclass(frozen=True, slots=True)
class StoredRegion:
    """A region's list as it was given."""

    region: Region
    digest: Digest
    """Of the file."""
    reader: str
    """SHA-256 (hex) of the token that may read its roll-up."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Assessments that count, by school and standard, and statements passed over, by school."""

    accepted: dict[str, dict[str, Accepted]]
    passed_over: dict[str, str]


def write_region(store: Store, data: bytes, name: str, *, renew: bool = False) -> str | None:
    """Keep a region's list, in place of an older one of the same id.

    Args:
        store: of the backend.
        data: the region file.
        name: what errors call it.
        renew: withdraw the token that may read, and make another.

    Returns:
        The token that may read the region's roll-up, where one was made: it is shown once, and only its SHA-256 kept.

    Raises:
        PackError: with every fault of the file.
        ProblemError: the database is busy, full or fails.
    """
    region = parse_region(data, name)
    text = secrets.token_urlsafe(32)
    values = {"file": data, "stored": time_text(store.clock.now())}
    reader = {"reader": hashlib.sha256(text.encode()).hexdigest()}
    with store.write() as connection:
        same = tables.region.c.id == region.id
        known = connection.execute(select(tables.region.c.id).where(same)).one_or_none() is not None
        if known:
            kept = values | reader if renew else values
            connection.execute(update(tables.region).where(same).values(**kept))
        else:
            connection.execute(insert(tables.region).values(id=region.id, **values, **reader))
    return None if known and not renew else text


def remove_region(store: Store, name: str) -> None:
    """Forget a region's list; statements stay.

    Raises:
        UsageError: there is no such region.
    """
    with store.write() as connection:
        if connection.execute(delete(tables.region).where(tables.region.c.id == name)).rowcount == 0:
            raise _unknown_region(name)


def stored_regions(store: Store) -> list[str]:
    """Return the ids of all regions, sorted."""
    with store.read() as connection:
        return sorted(connection.execute(select(tables.region.c.id)).scalars())


def read_region(store: Store, name: str) -> StoredRegion:
    """Return a region's list.

    Raises:
        UsageError: there is no such region.
        PackError: this version of the program refuses what an older one took.
    """
    row = None
    if tables.is_name(name):  # it comes from a URL
        with store.read() as connection:
            row = connection.execute(select(tables.region).where(tables.region.c.id == name)).one_or_none()
    if row is None:
        raise _unknown_region(name)
    return StoredRegion(parse_region(row.file, f"region {name}"), canonical.digest(row.file), row.reader)


def may_read(stored: StoredRegion, token: str) -> bool:
    """Tell whether a token is the one that may read the region's roll-up; takes the same time for every wrong one."""
    return hmac.compare_digest(hashlib.sha256(token.encode()).hexdigest(), stored.reader)


def region_result(
    store: Store, stored: StoredRegion, standard: str, since: datetime | None = None, until: datetime | None = None
) -> RegionResult:
    """Judge a region by a pack about regions.

    Args:
        store: of the backend.
        stored: the region.
        standard: id of the pack.
        since: windows of assessments end after this; None: `WINDOW_DAYS` before `until`.
        until: and not after this; None: now.

    Raises:
        UsageError: there is no such standard, or it is not about regions.
        AgentError: a blob or the database cannot be read.
    """
    pack = _pack(standard)
    by = _judged_by(pack.value)
    if not by:
        raise UsageError("{name} is about schools, not about regions", todo="Ask for its sheet", name=standard)
    window = _window(store, since, until)
    found = _find(store, stored.region, by, window)
    result = roll_up(
        pack.value, pack.digest, stored.region, stored.digest, found.accepted, metrics=_metrics(), window=window
    )
    return result.model_copy(update={"passed_over": found.passed_over})


def region_sheet(
    store: Store, stored: StoredRegion, standard: str, since: datetime | None = None, until: datetime | None = None
) -> SummarySheet:
    """Return the sheet of all schools under one standard (Wuhan's annex 4); arguments as `region_result`.

    Raises:
        UsageError: there is no such standard, or it is about regions.
        AgentError: a blob or the database cannot be read.
    """
    pack = _pack(standard)
    if _judged_by(pack.value):
        raise UsageError("{name} is about regions, not about schools", todo="Ask for its roll-up", name=standard)
    found = _find(store, stored.region, frozenset({standard}), _window(store, since, until))
    sheet = summary_sheet(stored.region, standard, found.accepted)
    return sheet.model_copy(update={"passed_over": found.passed_over})


def _window(store: Store, since: datetime | None, until: datetime | None) -> Window:
    end = until or store.clock.now()
    begin = since or end - timedelta(days=WINDOW_DAYS)
    if begin > end:
        raise UsageError("the window ends before it begins", todo="Give since before until")
    return Window(since=time_text(begin), until=time_text(end))


@cache
def _metrics() -> Mapping[str, Metric]:
    """Return all metrics that this program carries; like the packs, they do not change while it runs."""
    return load_metrics(config_directory())


@lru_cache(maxsize=64)  # ids come from URLs
def _carried(name: str) -> Pack[Standard] | None:
    """Return the standard of that id that this program carries; each is a file named after its id."""
    paths = {path.stem: path for path in (config_directory() / "standards").glob("*.yaml")}
    pack = load_standard(paths[name], _metrics()) if name in paths else None
    return pack if pack is not None and pack.value.id == name else None


def _pack(name: str) -> Pack[Standard]:
    found = _carried(name)
    if found is None:
        raise UsageError(
            "there is no standard {name!r}", todo="Look at campus-agent standards for those that there are", name=name
        )
    return found


def _judged_by(standard: Standard) -> frozenset[str]:
    """Return the standards whose assessments a pack about regions needs; empty for one about schools."""
    methods = (part.measure.method for one in standard.indicators for part in one.criteria if part.measure is not None)
    return frozenset(method["standard"] for method in methods if "standard" in method)


def _find(store: Store, region: Region, standards: frozenset[str], window: Window) -> _Found:
    """Return the newest assessment of each school and standard that counts."""
    found = _Found({}, {})
    with store.read() as connection:
        for school in region.schools:
            missing = set(standards)
            for sha256, received, envelope in _assessments(connection, school.id):
                if not missing:
                    break
                try:
                    statement = read_statement(dsse.parse(envelope).payload)
                    fits = _ends_inside(statement, window)
                    names = sorted(missing & _standards_of(statement)) if fits else []
                    for name in names:
                        one = _accepted(store, statement, name, f"sha256:{sha256}", received)
                        found.accepted.setdefault(school.id, {})[name] = one
                        missing.discard(name)
                except AgentError as error:
                    found.passed_over.setdefault(school.id, f"sha256:{sha256}: {error.render()}")
    return found


def _assessments(connection: Connection, school: str) -> Iterator[tuple[str, str, bytes]]:
    """Yield the accepted assessments of a school, newest first: payload digest (hex), when received, envelope."""
    entry, agent = tables.entry, tables.agent
    query = (
        select(entry.c.sha256, entry.c.received, entry.c.envelope)
        .join(agent, agent.c.keyid == entry.c.keyid)
        .where(agent.c.campus == school, entry.c.kind == EntryKind.ASSESSMENT.value, entry.c.receipt.is_not(None))
        .order_by(entry.c.leaf.desc())
    )
    for row in connection.execute(query):
        yield row.sha256, row.received, row.envelope


def _ends_inside(statement: Statement, window: Window) -> bool:
    judged = statement.predicate.window
    return judged is not None and parse_time(window.since) <= parse_time(judged[1]) <= parse_time(window.until)


def _standards_of(statement: Statement) -> set[str]:
    names = (subject.name for subject in statement.subject)
    return {
        name.removeprefix("findings/").removesuffix(".json")
        for name in names
        if name.startswith("findings/") and name.endswith(".json")
    }


def _accepted(store: Store, statement: Statement, name: str, digest: Digest, received: str) -> Accepted:
    """Return what a statement says under a standard, after checking that it is what it says it is.

    Raises:
        UsageError: it was judged by a pack that this program does not carry.
        MalformedError: the findings are damaged, or of another standard.
    """
    where = f"findings/{name}.json"
    wanted = next(subject.digest.digest() for subject in statement.subject if subject.name == where)
    data = store.blobs.read(wanted)
    if data is None or canonical.digest(data) != wanted:
        raise UsageError("the findings are not here, or damaged", where=where, todo="Run campus-agent backend check")
    assessment = Assessment.from_bytes(data, where=where)
    pack = _carried(name)
    if pack is None or assessment.pack != pack.digest or assessment.standard != name:
        raise UsageError(
            "judged by a pack that is not one of this program's",
            where=where,
            todo="Have the school judge again with the released version",
        )
    if statement.predicate.window != (assessment.window.since, assessment.window.until):
        raise UsageError("the findings are about another window than the statement", where=where)
    return Accepted(assessment, pack.value, digest, received)


def _unknown_region(name: str) -> UsageError:
    return UsageError(
        "there is no region {name!r}", todo="Add its list with campus-agent backend region add", name=name
    )
