"""The way to one backend: pinned keys, challenges, and the outbox that sends the journal."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.errors import ConfigError, MalformedError, UplinkError
from agent.evidence import keys
from agent.evidence.note import verify_receipt
from agent.evidence.statement import open_challenge
from agent.evidence.vkey import parse_vkey
from agent.language import N_
from agent.model.upload import enrolment_proof
from agent.uplink.client import BackendClient
from agent.uplink.outbox import Flushed, Outbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.clock import Clock
    from agent.journal.store import Journal

__all__ = ["BackendLink", "FreshChallenge", "Pins", "load_pins", "pin_trust", "token_proof"]

IDLE_SECONDS = 30.0
"""How long the uplink rests when nothing waits."""
CHALLENGE_SECONDS = 5.0
"""How long a run waits for a challenge: without one it is still evidence, late it is not a measurement of the slot."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FreshChallenge:
    """A challenge to answer: what the statement names, and the envelope that proves it."""

    nonce: str
    issued_at: str
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Pins:
    """The backend's keys that this agent trusts; pinned at enrolment."""

    log_vkey: str
    challenge_pub: bytes


class Faults:
    """What is wrong with the backend, logged once for each cause, and once more when it is over.

    Challenges and entries go their own ways: a backend may take the one and refuse the other. What both meet (it is
    away, mostly) is one cause.
    """

    def __init__(self, translate: Callable[[str], str]) -> None:
        self._translate = translate
        self._causes: dict[str, set[str]] = {}

    def met(self, way: str, error: UplinkError) -> None:
        """Log an error on one of the two ways, unless its cause is known."""
        if not any(error.what in causes for causes in self._causes.values()):
            log.warning("%s", error.render(self._translate))
        self._causes.setdefault(way, set()).add(error.what)

    def over(self, way: str) -> None:
        """Take in that something went through on a way."""
        if self._causes.pop(way, None) and not self._causes:
            log.info("%s", self._translate(N_("the backend answers again")))

    def refused(self, seq: int, why: str) -> None:
        """Log an entry that the backend will never take."""
        told = self._translate(N_("entry {seq} was refused for good: {why}"))
        log.error("%s", told.format(seq=seq, why=why))


class BackendLink:
    """A backend as a run and the service need it.

    Args:
        url: base URL.
        pins: the keys that receipts and challenges must be signed with.
        keyid: this agent's key.
        clock: for retries and the offset of `Date`.
        translate: into the language of the log.
    """

    def __init__(self, url: str, pins: Pins, keyid: str, clock: Clock, translate: Callable[[str], str] = str) -> None:
        challenge_key = keys.public_from_pem(pins.challenge_pub, where="challenge.pub")
        trusted = {keys.keyid_of(challenge_key): challenge_key}
        self.url = url
        self.pins = pins
        self._keyid = keyid
        self._clock = clock
        self._outbox: Outbox | None = None
        self._faults = Faults(translate)
        self._client = BackendClient(
            url,
            check_receipt=lambda proof, digest: verify_receipt(proof, digest, pins.log_vkey),
            open_challenge=lambda envelope: open_challenge(envelope, trusted),
            clock=clock,
        )

    @property
    def clock_offset_ms(self) -> int | None:
        """Return the backend's Date minus our clock, in ms; None before the first answer."""
        return self._client.clock_offset_ms

    async def challenge(self) -> FreshChallenge | None:
        """Fetch a challenge; None when the backend cannot give one now: the run then goes on without."""
        try:
            async with asyncio.timeout(CHALLENGE_SECONDS):
                fetched = await self._client.fetch_challenge(self._keyid)
        except UplinkError as error:
            self._faults.met("challenge", error)
            return None
        except TimeoutError:
            late = UplinkError(
                "the backend gave no challenge within {seconds} s",
                where=self.url,
                todo="Measuring goes on without one",
                seconds=f"{CHALLENGE_SECONDS:g}",
            )
            self._faults.met("challenge", late)
            return None
        self._faults.over("challenge")
        challenge = fetched.challenge
        return FreshChallenge(challenge.nonce, challenge.issued_at, fetched.envelope)

    async def send(self, journal: Journal) -> Flushed:
        """Send what waits and is due; never raises for the backend's or the network's faults, and logs none."""
        if self._outbox is None:
            self._outbox = Outbox(journal, self._client, self._clock)
        return await self._outbox.flush()

    async def flush(self, journal: Journal) -> float:
        """Send what is due, log what is wrong, and return the seconds until it is worth trying again."""
        done = await self.send(journal)
        if done.error is not None:
            self._faults.met("entries", done.error)
        elif done.sent:
            self._faults.over("entries")  # a look that found nothing due proves nothing
        for seq, why in done.rejected:
            self._faults.refused(seq, why)
        return IDLE_SECONDS if done.wait_seconds is None else min(done.wait_seconds, 3600.0)

    def resume(self, journal: Journal) -> None:
        """Send again at once, because a person asks for it: no back-off, and no halt after a refusal."""
        if self._outbox is not None:
            self._outbox.resume()
        for waiting in journal.pending(self._clock.now(), limit=1):
            journal.note_attempt(waiting.entry.seq, 0, None, None)

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()


def load_pins(directory: Path) -> Pins:
    """Read the pinned keys.

    Raises:
        ConfigError: nothing is pinned here.
    """
    try:
        return Pins(
            (directory / "log.vkey").read_text(encoding="utf-8").strip(),
            (directory / "challenge.pub").read_bytes(),
        )
    except OSError as error:
        raise ConfigError(
            "the backend's keys are not pinned: {why}",
            where=str(directory),
            todo="Run campus-agent enrol with the backend's URL and the token that the bureau gave you",
            why=error.strerror,
        ) from error


async def pin_trust(url: str, directory: Path, clock: Clock) -> Pins:
    """Fetch the backend's keys once and pin them; they are compared with the printed ones by a person.

    Raises:
        UplinkError: the backend cannot be reached or gives no keys.
        ConfigError: other keys are pinned already.
    """

    def nothing_yet(*_: object) -> None:
        raise UplinkError("no key is pinned yet")

    async with BackendClient(
        url,
        check_receipt=nothing_yet,  # type: ignore[arg-type] # never returns
        open_challenge=nothing_yet,  # type: ignore[arg-type] # never returns
        clock=clock,
    ) as client:
        told = await client.trust()
    try:
        pins = Pins(parse_vkey(told["log"]["vkey"], where=url).text(), told["challenge"]["publicKey"].encode())
        keys.public_from_pem(pins.challenge_pub, where=url)
    except (KeyError, TypeError, AttributeError, MalformedError) as error:
        raise UplinkError(
            "this does not answer like a scoring backend", where=url, todo="Compare --backend with the bureau's URL"
        ) from error
    if (directory / "log.vkey").exists() and load_pins(directory) != pins:
        raise ConfigError(
            "this backend has other keys than the pinned ones",
            where=str(directory),
            todo="Ask the bureau whether its keys changed before you remove the pinned ones",
        )
    _keep(directory, pins)
    return pins


def token_proof(token: str, keyid: str) -> str:
    """Return the proof that this key holds the one-time token, without telling the token (hex)."""
    return enrolment_proof(hashlib.sha256(token.encode()).digest(), keyid)


def _keep(directory: Path, pins: Pins) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(directory / "log.vkey", pins.log_vkey.encode() + b"\n")
    _write(directory / "challenge.pub", pins.challenge_pub)


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
