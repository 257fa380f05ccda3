"""Recorders: how long footage is kept. One small interface (`interface.Brand`), one module per brand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.collectors.recorders import dahua, facts, isapi, onvif, playback, uniview

if TYPE_CHECKING:
    from agent.collectors.recorders.interface import Brand
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Session
    from agent.model.reading import Reading

__all__ = ["BRANDS", "collect"]

BRANDS: dict[str, Brand] = {
    "dahua": dahua.read,
    "hikvision": isapi.read,
    "onvif": onvif.read,
    "uniview": uniview.read,
}
"""By the first word of the family's id."""


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:
    """Read what a recorder keeps of each camera, how it is set up, and its disks.

    Raises:
        GapError: the recorder does not answer, does not let us in, or has none of what is asked.
        MalformedError: it answers with something that cannot be understood at all.
    """
    brand = BRANDS.get(asset.family.split("-")[0])
    if brand is None:
        return []
    recorder = await brand(asset, campus, session)
    found = await playback.played(asset, recorder, session)
    noted = replace(recorder, notes=(*recorder.notes, *sorted(found.notes)))
    return [*facts.readings(asset, noted), *found.readings]
