"""What the reviewer trusts: the agent's key, the log's key, the challenge key. Policy is data passed in.

Keys that travel inside the bundle prove only that the bundle agrees with itself; a reviewer pins them with a trust
directory got from the backend (`campus-agent backend trust --campus`), never from the school.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent import canonical
from agent.errors import ConfigError
from agent.evidence import keys
from agent.evidence.vkey import parse_vkey
from agent.packs.load import config_directory, pack_digests

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    from agent.evidence.bundle import BundleContents

__all__ = ["Trust", "pinned_trust", "released_packs", "trust_of_bundle"]


@dataclass(frozen=True)
class Trust:
    """The keys that signatures are checked with, by keyid."""

    agent_keys: dict[str, EllipticCurvePublicKey]
    log_vkey: str | None
    challenge_keys: dict[str, EllipticCurvePublicKey]
    source: str


def trust_of_bundle(bundle: BundleContents) -> Trust:
    """Return the keys that the bundle itself carries.

    Raises:
        MalformedError: they are not keys.
    """
    return _trust(bundle.agent_pub, bundle.log_vkey, bundle.challenge_pub, "bundle")


def pinned_trust(directory: Path) -> Trust:
    """Read `agent.pub`, `log.vkey` and `challenge.pub` from a directory; only the first must be there.

    `agent.pub` may hold several keys: a school has another one after a new server, and older bundles keep the old one.

    Raises:
        ConfigError: the directory holds no agent key.
        MalformedError: a file is not such a key.
    """
    pem = _read(directory / "agent.pub")
    if pem is None:
        raise ConfigError(
            "there is no agent.pub in this trust directory",
            where=str(directory),
            todo="Have the bureau make it: campus-agent backend trust --campus SCHOOL-ID --output DIRECTORY",
        )
    vkey = (_read(directory / "log.vkey") or b"").decode(errors="replace").strip()
    if vkey:
        parse_vkey(vkey, where="log.vkey")  # here it is one error with its place, later one failure for each receipt
    return _trust(pem, vkey or None, _read(directory / "challenge.pub"), "pinned")


def released_packs(more: Sequence[Path] = ()) -> frozenset[str]:
    """Return the digests of the packs that count: those that this program carries, and files the reviewer names.

    A school could otherwise sign findings by a pack of its own with lower thresholds, and all of it would agree.

    Raises:
        ConfigError: a named file cannot be read.
    """
    named = frozenset(canonical.digest(_read(path) or b"") for path in more)
    return pack_digests(config_directory()) | named


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError("cannot read this key: {why}", where=str(path), why=error.strerror) from error


def _trust(agent_pem: bytes, vkey: str | None, challenge_pem: bytes | None, source: str) -> Trust:
    agents = keys.publics_from_pem(agent_pem, where="agent.pub")
    challenge = keys.public_from_pem(challenge_pem, where="challenge.pub") if challenge_pem else None
    return Trust(
        agent_keys={keys.keyid_of(agent): agent for agent in agents},
        log_vkey=vkey.strip() if vkey else None,
        challenge_keys={keys.keyid_of(challenge): challenge} if challenge else {},
        source=source,
    )
