"""Replies that are damaged on the way: whatever comes, a recorder is read or refused with one of our errors."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.collectors.recorders import dahua, onvif, uniview
from agent.errors import AgentError
from agent.lab.recorders.dahua import DahuaRecorder
from agent.lab.recorders.onvif import OnvifRecorder
from agent.lab.recorders.uniview import UniviewRecorder
from tests.collectors.recorders.recording import ASSET, CAMPUS, NOW, Direct, hours

if TYPE_CHECKING:
    from agent.collectors.recorders.interface import Brand
    from agent.lab.recorders.server import Asked, Device, Said

FOOTAGE = hours((60, 40), (30, 0))


@dataclass(frozen=True)
class Damage:
    """What happens to one reply."""

    which: int
    at: int
    octets: bytes
    cut: bool
    status: int | None


class Damaged:
    """A device some of whose replies are damaged."""

    def __init__(self, device: Device, damages: list[Damage]) -> None:
        self.device = device
        self.damages = {damage.which: damage for damage in damages}
        self.count = -1

    def answer(self, asked: Asked) -> Said:
        """Answer, and damage it."""
        said = self.device.answer(asked)
        self.count += 1
        damage = self.damages.get(self.count)
        if damage is None:
            return said
        at = damage.at % (len(said.body) + 1)
        body = said.body[:at] + damage.octets + (b"" if damage.cut else said.body[at + len(damage.octets) :])
        return replace(said, body=body, status=damage.status or said.status)


DAMAGES = st.lists(
    st.builds(
        Damage,
        which=st.integers(0, 24),
        at=st.integers(0, 4000),
        octets=st.binary(max_size=6)
        | st.sampled_from([b"9" * 30, b"<", b"Error", b"-1", b"\xff\xfe", b"]]>", b"9999-"]),
        cut=st.booleans(),
        status=st.sampled_from([None, None, 200, 204, 302, 400, 403, 404, 500, 503, 599]),
    ),
    max_size=5,
)


@pytest.mark.parametrize(
    ("brand", "device"),
    [
        (dahua.read, lambda: DahuaRecorder({0: FOOTAGE, 1: FOOTAGE}, lambda: NOW)),
        (onvif.read, lambda: OnvifRecorder({"R1": FOOTAGE, "R2": FOOTAGE}, lambda: NOW)),
        (uniview.read, lambda: UniviewRecorder({1: FOOTAGE, 2: FOOTAGE}, lambda: NOW)),
    ],
    ids=["dahua", "onvif", "uniview"],
)
@settings(max_examples=60, deadline=None)
@given(DAMAGES)
def test_damage(brand: Brand, device, damages: list[Damage]) -> None:  # type: ignore[no-untyped-def]  # a brand's
    """No damage is a traceback, and none makes a search longer than a bounded number of requests."""
    session = Direct(Damaged(device(), damages))
    try:
        found = asyncio.run(brand(ASSET, CAMPUS, session))
    except AgentError:
        return
    finally:
        assert len(session.asked) < 500
    for one in found.channels:
        for span in one.spans or ():
            assert span.since < span.until
