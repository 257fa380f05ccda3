"""One discovery from end to end: sweep, understanding, proposal, and the loader's word that the proposal holds."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from agent.clock import Clock, SystemClock
from agent.collectors import COLLECTORS
from agent.model.asset import Asset
from agent.packs.load import config_directory, load_families, parse_campus
from agent.packs.models import known_models
from agent.runtime.discover import discover
from agent.runtime.proposal import propose
from agent.sessions.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.runtime.discover import Discovery, Sweep
    from agent.runtime.proposal import Proposal

__all__ = ["run"]


async def run(
    sweep: Sweep, progress: Callable[[Discovery], None] | None = None, *, clock: Clock | None = None
) -> Proposal:
    """Sweep the networks and return what to propose; pseudonyms are made under a key that is thrown away.

    Raises:
        ConfigError: a credential opens no SNMP agent, or a pack is wrong.
        UsageError: there is no credential.
        MalformedError: the name of a credential cannot stand in a campus file.
    """
    for name, _ in sweep.credentials:  # before the sweep: what no campus file can name is no use
        Asset.from_json({"id": "x", "family": "x", "address": "x", "credentials": name}, where=name)
    families = load_families(config_directory(), collectors=COLLECTORS)
    secret = {text for _, credential in sweep.credentials for text in credential.secrets()}
    redactor = Redactor(secrets.token_bytes(32), tuple(sorted(secret, key=len, reverse=True)))
    found = await discover(sweep, redactor, clock or SystemClock(), progress)
    proposal = propose(sweep, found, families.values(), known_models(), redactor)
    parse_campus(proposal.to_yaml().encode(), "proposal", families=families, collectors=COLLECTORS)
    return proposal
