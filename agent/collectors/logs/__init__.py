"""Log stores: how long logs are kept. One small interface (`interface.Reader`), one module per kind of store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.collectors.logs import clickhouse, elasticsearch, files, graylog, loki, victorialogs
from agent.collectors.logs.interface import named, readings
from agent.errors import GapError
from agent.model.exchange import GapReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.collectors.logs.interface import Reader
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Session
    from agent.model.reading import Reading

__all__ = ["STORES", "collect"]

STORES: Mapping[str, Reader] = {
    "clickhouse": clickhouse.read,
    "elasticsearch": elasticsearch.read,
    "graylog": graylog.read,
    "journal-files": files.read,
    "log-files": files.read,
    "loki": loki.read,
    "victorialogs": victorialogs.read,
}
"""By the family, or what stands before its hyphen: a collector is given the asset alone, and its family says which
words the store speaks."""


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:
    """Read how long the store keeps the logs that the campus file places on it.

    Raises:
        GapError: the store does not answer or let us in, or its family names no kind of store that is known here.
        MalformedError: it answers with something that cannot be understood at all.
    """
    reader = named(asset.family, STORES)
    if reader is None:
        raise GapError(GapReason.UNSUPPORTED, "no kind of log store is called {family}", family=asset.family)
    return readings(asset, await reader(asset, campus, session))
