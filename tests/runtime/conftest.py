"""One real device for the tests of this directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.lab.snmpd import running_snmpd
from tests.runtime.world import COMMUNITY

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def device() -> Iterator[int]:
    """Return the port of a real snmpd."""
    with running_snmpd(community=COMMUNITY, extra="override 1.3.6.1.2.1.31.1.1.1.15.1 uinteger 1000") as peer:
        yield peer.port
