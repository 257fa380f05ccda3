"""Where an ONVIF recorder plays a recording: `GetReplayUri` of its Replay service, and what of the address is used.

A device may name any host, its own behind an address translation or somebody else's: only port, path and query are
used, the host is the asset's. The hour is not part of the address but of PLAY's Range header, in UTC by the
specification; a device whose `Z` is local where it lists footage is asked in the times that it lists. Facts: ONVIF
Replay Control Service Specification, 5.1; ONVIF Streaming Specification, Playback.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from agent.collectors.recorders.onvif_soap import REPLAY, Soap, xml_text

if TYPE_CHECKING:
    from agent.collectors.recorders.interface import Recorder
    from agent.model.asset import Asset
    from agent.model.exchange import Answer, Session

__all__ = ["Place", "Replay", "place_of"]

_SETUP: Final = (
    "<trp:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>"
    "</trp:StreamSetup>"
)
"""RTP inside the RTSP connection (tt:TransportProtocol)."""
_URI: Final = re.compile(
    r"rtsp://(?:[^/?#@\s]*@)?(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::([0-9]{1,5}))?(/[!-?A-~]{0,999})",
    re.IGNORECASE,
)
"""Without `@` in the path: what stands before one may be a password with a slash in it."""
_CREDENTIAL: Final = re.compile(r"\[redacted:|(?:password|passwd|pass|psw|pwd|pw)=", re.IGNORECASE)
"""What may not come into a record, or has been taken out of it: such a path is not asked for."""
_LAST_PORT: Final = 65_535


@dataclass(frozen=True, slots=True)
class Place:
    """Where a recording is played; the host is the asset's."""

    path: str
    port: int | None
    """None where the address has none, which means 554."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the device answered."""

    answer: Answer
    state: Literal["ok", "unsupported", "unknown"]
    """An address, or a word that cannot be one; no such operation; anything else."""
    place: Place | None = None


class Replay:
    """The device's Replay service.

    Args:
        asset: which device.
        session: asks it.
        recorder: what it told about itself.
    """

    def __init__(self, asset: Asset, session: Session, recorder: Recorder) -> None:
        ahead = recorder.clock.offset_ms if recorder.clock is not None else None
        self._soap = Soap(asset, session, ahead_ms=ahead or 0)
        self._path = recorder.replay

    async def address(self, recording: str) -> Told | None:
        """Ask where a recording is played; None for a reply that does not decode.

        Raises:
            GapError: the device is silent or does not let us in.
        """
        inner = f"{_SETUP}<trp:RecordingToken>{xml_text(recording)}</trp:RecordingToken>"
        told = await self._soap.call(REPLAY, self._path, "GetReplayUri", inner)
        if told is None:
            return None
        if told.body is None:
            return Told(told.answer, "unsupported" if told.state == "unsupported" else "unknown")
        return Told(told.answer, "ok", place_of(told.body.value("Uri")))


def place_of(uri: str) -> Place | None:
    """Return what is used of an address; None for one that is none of RTSP, or that holds a password."""
    match = _URI.fullmatch(uri.strip())
    if match is None or _CREDENTIAL.search(match[2]) or "#" in match[2]:
        return None
    port = int(match[1]) if match[1] else None
    return Place(match[2], port) if port is None or 1 <= port <= _LAST_PORT else None
