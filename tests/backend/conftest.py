"""Fixtures: a backend that runs, and an agent that is enrolled at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.peers.backend import HandClock, Served, Speaker, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def served(tmp_path: Path, clock: HandClock) -> Iterator[Served]:
    with serving(tmp_path / "backend", clock) as running:
        yield running


@pytest.fixture
def agent(served: Served, tmp_path: Path) -> Speaker:
    return served.enrolled(tmp_path / "agent")
