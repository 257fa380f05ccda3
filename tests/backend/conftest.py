"""Fixtures: a backend that runs, and an agent that is enrolled at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.peers.backend import HandClock, Served, Speaker, serving
from tests.peers.postgresql import Cluster, needed, running_postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    needed()
    with running_postgresql() as running:
        yield running


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty database, as `Settings` takes it; SQLite unless the test is marked `BOTH`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return ""
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.url(cluster.emptied())


@pytest.fixture
def served(tmp_path: Path, clock: HandClock, database: str) -> Iterator[Served]:
    with serving(tmp_path / "backend", clock, database=database) as running:
        yield running


@pytest.fixture
def agent(served: Served, tmp_path: Path) -> Speaker:
    return served.enrolled(tmp_path / "agent")
