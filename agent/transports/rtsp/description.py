"""The session description of a stream (SDP, RFC 8866): its video track's control URL and codec; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Video", "video_of"]

_RTPMAP = re.compile(r"a=rtpmap:\d+ ([A-Za-z0-9.+-]{1,30})/\d+.*")


@dataclass(frozen=True, slots=True)
class Video:
    """The first video track."""

    control: str
    """As printed: absolute, relative to the base, or empty."""
    codec: str
    """Encoding name, upper case; empty where not said."""


def video_of(description: str) -> Video | None:
    """Return the first video track; None if there is none."""
    control, codec, within = "", "", False
    for line in description.splitlines()[:500]:
        if line.startswith("m="):
            if within:
                break
            within = line.startswith("m=video ")
        elif within and line.startswith("a=control:"):
            control = line.removeprefix("a=control:").strip()
        elif within and not codec and (match := _RTPMAP.fullmatch(line.strip())):
            codec = match[1].upper()
    return Video(control, codec) if within or control or codec else None
