"""Playing a few seconds of a recording (`RtspPlay`) and what was seen of it (`RtspPlayed`): counts and a digest."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from agent.model.base import Digest, Timestamp, Word
from agent.model.http import _path

__all__ = ["RtspPlay", "RtspPlayed"]


class RtspPlay(Word):
    """DESCRIBE, SETUP and PLAY (RFC 2326, RFC 7826) of a recorded stream inside the connection, then TEARDOWN."""

    op: Literal["rtsp.play"] = "rtsp.play"
    path: Annotated[str, AfterValidator(_path)]
    """Absolute path with query; the host is always the asset's."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Where the device said that it plays elsewhere than on the asset's port."""
    clock_range: str = Field(default="", pattern=r"^(?:[0-9]{8}T[0-9]{6}Z-(?:[0-9]{8}T[0-9]{6}Z)?)?$")
    """The Range header's UTC span (RFC 2326 §3.7, without `clock=`), where the path does not say which hour."""
    require: Literal["", "onvif-replay"] = ""
    """The extension that the device must know (RFC 2326 §12.32): ONVIF's replay (Streaming Specification, Playback)."""
    seconds: int = Field(default=5, ge=1, le=30)
    max_octets: int = Field(default=16_777_216, ge=1, le=67_108_864)


class RtspPlayed(Word):
    """What was received; no picture is kept."""

    op: Literal["rtsp.played"] = "rtsp.played"
    status: int
    """Of PLAY, or of the step that was refused."""
    codec: str = ""
    """Encoding name of the video in the session description: H264, H265, ..."""
    packets: int = 0
    octets: int = 0
    key_frames: int = 0
    lost: int = 0
    """Packets missing by their sequence numbers."""
    starts: str = ""
    """The Range header of the reply to PLAY: which time the device says it plays."""
    pictured: Timestamp | None = None
    """When the first picture was taken, by the header extension that ONVIF's replay puts on each (ID 0xABAC)."""
    digest: Digest | None = None
    """Of the payloads received, in order."""
    elapsed_ms: int
