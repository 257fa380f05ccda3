"""Looking up canaries in a store over HTTP: how many records carry each nonce, and nothing else of them.

A nonce stands for one source and one day, so that a count of records by nonce says which canaries are still there. The
requests are counts like all others of a store: its family's allow-list knows their form, and admits a search of text
for 32 hexadecimal digits only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from agent.collectors.logs.counting import stretches
from agent.errors import GapError, MalformedError
from agent.model.calendar import local_day, parse_day
from agent.model.canary import CANARY_HOST, CanaryList, CanaryNonces
from agent.model.exchange import GapReason
from agent.model.logs import LogStore

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date

    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session

__all__ = ["CanaryPlace", "Carried", "LookedUp", "Lookup", "Search", "look_up"]

NONCES_AT_ONCE: Final = 50
"""Of one request: 50 nonces make a URL of 6 kB at most, below the 8 kB that proxies take."""
DAYS_AT_ONCE: Final = 26
"""With a day before and after, for a store whose clock is off: below the 30 days that Loki searches at once."""
DAYS_BACK: Final = 215
"""Seven calendar months at most: six are judged."""
_A_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CanaryPlace:
    """Where a store has the canaries."""

    where: str
    """Index pattern, selector, stream, filter or table."""
    host: str
    """The name of their source."""
    text: str
    """The field that holds their text."""


@dataclass(frozen=True, slots=True)
class Carried:
    """Records by nonce; nonces that no record carries may be absent."""

    records: Mapping[str, int]
    answers: tuple[Answer, ...]
    complete: bool = True
    """False: a shard failed, time ran out, or the store cut its answer."""


class Search(Protocol):
    """Counts the records that carry nonces."""

    async def __call__(self, nonces: Sequence[str], since: date, until: date) -> Carried:
        """Count the records of the days from `since` to `until`.

        Raises:
            GapError: the store does not answer or let us in.
            MalformedError: it answers with something that is no such reply.
        """
        ...


class Lookup(Protocol):
    """What the module of every store over HTTP has: `lookup`."""

    async def __call__(self, asset: Asset, campus: Campus, session: Session, place: CanaryPlace) -> Search:
        """Make ready to search, with what the store must be asked before.

        Raises:
            GapError: the store does not answer or let us in, or a name of the campus file cannot be asked for.
            MalformedError: it answers with something that is no such reply.
        """
        ...


@dataclass
class LookedUp:
    """What came of the search for a source's canaries."""

    sent: Collection[str]
    """Days on which one was sent."""
    answers: list[Answer]
    """The first says what was sent, the others what is there."""
    found: set[str] = field(default_factory=set)
    """Days whose canary is there."""
    complete: bool = True


async def look_up(
    lookup: Lookup, asset: Asset, canary: Asset, campus: Campus, session: Session, sources: Sequence[str]
) -> dict[str, LookedUp]:
    """Search a store for the canaries of the last seven months, by source.

    Args:
        lookup: of the kind of store.
        asset: the store.
        canary: the asset that sends the canaries.
        campus: whose days are counted.
        session: the store's.
        sources: ids of the sources, without repetition.

    Raises:
        GapError: the store does not answer or let us in.
        MalformedError: it answers with something that is no such reply.
    """
    listing = await session.ask(CanaryList(store=asset.id, sources=tuple(sources), days=DAYS_BACK))
    told = listing.response
    if not isinstance(told, CanaryNonces):
        raise GapError(GapReason.MALFORMED, "a list of canaries was answered by {op}", op=told.op)
    sent = {one.source: one.nonces for one in told.sources if one.nonces}
    looked = {source: LookedUp(nonces, [listing]) for source, nonces in sent.items()}
    if not looked:
        return {}
    search = await lookup(asset, campus, session, _place(asset, canary))
    asked = False
    for sought, since, until in _portions(sent, local_day(listing.at, campus.timezone)):
        try:
            carried = await search(tuple(sought), since - _A_DAY, until + _A_DAY)
        except GapError:
            if not asked:
                raise
            carried = Carried({}, (), complete=False)
        asked = True
        _take(looked, sought, carried)
    return {source: one for source, one in looked.items() if one.answers[1:]}


def _place(asset: Asset, canary: Asset) -> CanaryPlace:
    """Return where the canaries are: as the canary's own asset says, or else as the store's does."""
    own, usual = canary.logs or LogStore(), asset.logs or LogStore()
    return CanaryPlace(own.where or usual.where, own.canary_host or CANARY_HOST, own.text_field or usual.text_field)


def _portions(
    sent: Mapping[str, Mapping[str, str]], today: date
) -> Iterator[tuple[dict[str, tuple[str, str]], date, date]]:
    """Yield source and day by nonce for one request each, and the days of the request, the newest first."""
    for since, until in reversed(list(stretches(today - timedelta(days=DAYS_BACK), today, DAYS_AT_ONCE))):
        sought = [
            (nonce, (source, day))
            for source, nonces in sent.items()
            for day, nonce in sorted(nonces.items())
            if since <= parse_day(day) <= until
        ]
        for start in range(0, len(sought), NONCES_AT_ONCE):
            yield dict(sought[start : start + NONCES_AT_ONCE]), since, until


def _take(looked: Mapping[str, LookedUp], sought: Mapping[str, tuple[str, str]], carried: Carried) -> None:
    for source in {source for source, _ in sought.values()}:
        looked[source].answers += carried.answers
        looked[source].complete &= carried.complete
    for nonce, records in carried.records.items():
        if nonce not in sought:
            raise MalformedError("the log store's answer counts a canary that was not asked for")
        source, day = sought[nonce]
        if records:
            looked[source].found.add(day)
