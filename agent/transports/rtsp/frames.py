"""What a few seconds of RTP hold: packets, octets, losses and key frames of H.264 and H.265; pure.

RTP: RFC 3550 §5.1. Payloads: RFC 6184 (H.264), RFC 7798 (H.265). Only the kind of each NAL unit is looked at. Time of
recorded pictures: the header extension of ONVIF's replay (Streaming Specification, Playback, RTP header extension).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

__all__ = ["Tally"]

_H264_IDR, _H264_STAP_A, _H264_FU_A, _H264_FU_B = 5, 24, 28, 29
_H265_IRAP = range(16, 22)
"""BLA, IDR and CRA pictures: decoding can begin there."""
_H265_AP, _H265_FU = 48, 49
_HEADER = 12
_REPLAY = 0xABAC
_REPLAY_WORDS = 3
"""NTP time stamp, and a word of flags."""
_NTP = datetime(1900, 1, 1, tzinfo=UTC)
_NTP_AGAIN = datetime(2036, 2, 7, 6, 28, 16, tzinfo=UTC)
"""Where its seconds begin anew; a first bit of 0 means from here on (RFC 4330 §3)."""


@dataclass
class Tally:
    """Counts over the packets of one video stream.

    Args:
        codec: encoding name of the session description, upper case; of others than H264 and H265 no key frame is seen.
    """

    codec: str
    packets: int = 0
    octets: int = 0
    lost: int = 0
    key_frames: int = 0
    pictured: datetime | None = None
    """When the first picture was taken that tells it."""
    _last_sequence: int | None = None
    _key_time: int | None = None
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256, repr=False)

    def take(self, packet: bytes) -> None:
        """Count a packet; what is no RTP is ignored."""
        payload = _payload(packet)
        if payload is None:
            return
        self.packets += 1
        self.octets += len(payload)
        self._hash.update(payload)
        if self.pictured is None:
            self.pictured = _taken(packet)
        sequence = int.from_bytes(packet[2:4], "big")
        if self._last_sequence is not None:
            ahead = (sequence - self._last_sequence) & 0xFFFF
            self.lost += ahead - 1 if 1 < ahead < 0x8000 else 0
        self._last_sequence = sequence
        stamp = int.from_bytes(packet[4:8], "big")
        # A picture has many slices and packets of one time stamp.
        if stamp != self._key_time and self._key(payload):
            self._key_time = stamp
            self.key_frames += 1

    @property
    def digest(self) -> str | None:
        """Return the digest of the payloads in order; None if there were none."""
        return f"sha256:{self._hash.hexdigest()}" if self.packets else None

    def _key(self, payload: bytes) -> bool:
        if self.codec == "H264":
            return any(kind == _H264_IDR for kind in _h264_kinds(payload))
        if self.codec in {"H265", "HEVC"}:
            return any(kind in _H265_IRAP for kind in _h265_kinds(payload))
        return False


def _payload(packet: bytes) -> bytes | None:
    """Return what an RTP packet carries; None if it is none."""
    if len(packet) < _HEADER or packet[0] >> 6 != 2:
        return None
    begin = _HEADER + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        if len(packet) < begin + 4:
            return None
        begin += 4 + 4 * int.from_bytes(packet[begin + 2 : begin + 4], "big")
    end = len(packet) - (packet[-1] if packet[0] & 0x20 else 0)
    return packet[begin:end] if begin < end else None


def _taken(packet: bytes) -> datetime | None:
    """Return when the picture was taken that a packet with a payload begins, where its header extension tells."""
    if not packet[0] & 0x10:
        return None
    begin = _HEADER + 4 * (packet[0] & 0x0F)
    kind, words = int.from_bytes(packet[begin : begin + 2], "big"), int.from_bytes(packet[begin + 2 : begin + 4], "big")
    stamp = int.from_bytes(packet[begin + 4 : begin + 12], "big")
    if kind != _REPLAY or words < _REPLAY_WORDS or not stamp:
        return None
    era = _NTP if stamp >> 63 else _NTP_AGAIN
    return era + timedelta(seconds=stamp >> 32, milliseconds=(stamp & 0xFFFF_FFFF) * 1000 >> 32)


def _h264_kinds(payload: bytes) -> list[int]:
    kind = payload[0] & 0x1F
    if kind in (_H264_FU_A, _H264_FU_B) and len(payload) > 1:
        return [payload[1] & 0x1F] if payload[1] & 0x80 else []
    if kind == _H264_STAP_A:
        return [unit[0] & 0x1F for unit in _aggregated(payload[1:])]
    return [kind]


def _h265_kinds(payload: bytes) -> list[int]:
    kind = payload[0] >> 1 & 0x3F
    if kind == _H265_FU and len(payload) > 2:
        return [payload[2] & 0x3F] if payload[2] & 0x80 else []
    if kind == _H265_AP:
        return [unit[0] >> 1 & 0x3F for unit in _aggregated(payload[2:])]
    return [kind]


def _aggregated(rest: bytes) -> list[bytes]:
    """Return the NAL units that one packet carries with their lengths in front."""
    units = []
    while len(rest) > 2:
        size = int.from_bytes(rest[:2], "big")
        if not 0 < size <= len(rest) - 2:
            break
        units.append(rest[2 : 2 + size])
        rest = rest[2 + size :]
    return units
