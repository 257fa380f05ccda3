"""After how many days Elasticsearch or OpenSearch deletes an index: what its lifecycle says. A setting, not a proof.

The age is counted from rollover (ILM) or from creation, so what is deleted is at least as old as the setting where
indices roll over, and younger by the time that an index is written to where they do not. Several policies on the
indices of one store: the shortest counts, since some of the logs live no longer.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from agent.collectors.logs.replies import document, items, member, quoted, reply_of
from agent.errors import GapError
from agent.model.exchange import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.model.exchange import Session

__all__ = ["age_days", "policy_days"]

MOST_POLICIES: Final = 10
_AGE: Final = re.compile(r"(\d{1,12})(d|h|m|s|ms|micros|nanos)")
_UNITS: Final = {
    "d": Decimal(1),
    "h": Decimal(1) / 24,
    "m": Decimal(1) / 1440,
    "s": Decimal(1) / 86_400,
    "ms": Decimal(1) / 86_400_000,
    "micros": Decimal(0),
    "nanos": Decimal(0),
}
_NAME: Final = re.compile(r"[A-Za-z0-9_.@ -]{1,255}")


def age_days(text: Any) -> int | None:
    """Return a time of Elasticsearch (`180d`, `4320h`) in whole days, rounded down; None for another spelling."""
    match = _AGE.fullmatch(text) if isinstance(text, str) else None
    return int(int(match[1]) * _UNITS[match[2]] + Decimal("1e-9")) if match else None


async def policy_days(session: Session, places: Sequence[str], *, opensearch: bool) -> int | None:
    """Return after how many days the store deletes: the shortest of the policies on the indices.

    None where no policy deletes, or the store does not tell.

    Raises:
        GapError: the store went silent or closed the door.
        MalformedError: a reply is no JSON.
    """
    pattern = quoted(",".join(places))
    if opensearch:
        return _least(await _managed(session, pattern))
    streams = await _told(
        session,
        f"/_data_stream/{pattern}/_lifecycle?filter_path=data_streams.lifecycle",
    )
    found: list[int | None] = []
    for stream in items(member(streams, "data_streams")):
        lifecycle = member(stream, "lifecycle")
        if member(lifecycle, "enabled") is not False:
            kept = member(lifecycle, "effective_retention") or member(lifecycle, "data_retention")
            found.append(age_days(kept))
    return _least([*found, *await _lifecycles(session, pattern)])


async def _lifecycles(session: Session, pattern: str) -> list[int | None]:
    """Return what the ILM policies of the indices delete after.

    The explanation is asked without index names beside the policy's: its keys are index names all the same, which the
    school chose itself and the campus file names by a pattern.
    """
    explained = await _told(session, f"/{pattern}/_ilm/explain?only_managed=true&filter_path=indices.*.policy")
    indices = member(explained, "indices")
    names = {member(each, "policy") for each in (indices.values() if isinstance(indices, dict) else ())}
    found = []
    for name in _askable(names):
        path = f"/_ilm/policy/{quoted(name)}?filter_path=*.policy.phases.delete.min_age"
        found.append(age_days(member(await _told(session, path), name, "policy", "phases", "delete", "min_age")))
    return found


async def _managed(session: Session, pattern: str) -> list[int | None]:
    """Return what OpenSearch's index state management deletes after."""
    explained = await _told(session, f"/_plugins/_ism/explain/{pattern}?filter_path=*.policy_id")
    rows = explained.values() if isinstance(explained, dict) else ()
    found = []
    for name in _askable({member(row, "policy_id") for row in rows}):
        path = f"/_plugins/_ism/policies/{quoted(name)}?filter_path=policy.states"
        found.append(_deletes_after(items(member(await _told(session, path), "policy", "states"))))
    return found


def _deletes_after(states: Sequence[Any]) -> int | None:
    """Return the age at which some state goes over to one that deletes."""
    deleting = {
        member(state, "name") for state in states if any("delete" in (action or ()) for action in _actions(state))
    }
    ages = [
        age_days(member(step, "conditions", "min_index_age") or member(step, "conditions", "min_rollover_age"))
        for state in states
        for step in items(member(state, "transitions"))
        if member(step, "state_name") in deleting
    ]
    return _least(ages)


def _actions(state: Any) -> Iterable[Any]:
    return [action for action in items(member(state, "actions")) if isinstance(action, dict)]


def _askable(names: Iterable[Any]) -> list[str]:
    return sorted(name for name in names if isinstance(name, str) and _NAME.fullmatch(name))[:MOST_POLICIES]


def _least(days: Iterable[int | None]) -> int | None:
    return min((each for each in days if each is not None), default=None)


async def _told(session: Session, path: str) -> Any:
    """Return the JSON of a reply; None where the store does not have it or does not show it to this account."""
    try:
        answer = await session.ask(HttpRequest(path=path, form="json"))
    except GapError as gap:
        if gap.reason == "unsupported":
            return None
        raise
    return document(answer) if reply_of(answer).status == 200 else None
