"""Fixtures of the evidence tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evidence.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Keys of every role."""
    return World.made_in(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The directory of published test vectors."""
    return Path(__file__).parent.parent / "vectors"
