"""The composition root: the only place where secrets, keys, journal, transports and backend meet."""

from __future__ import annotations

import os
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import __version__
from agent.clock import Clock, SystemClock, boot_id, time_text
from agent.collectors import COLLECTORS
from agent.errors import AgentError, ConfigError, JournalError, KeyFileError
from agent.evidence import keys
from agent.evidence.statement import named, predicate_type_of, sign_statement
from agent.journal.records import Entry, Signed
from agent.journal.store import Journal
from agent.model.evidence import (
    AgentIdentity,
    DigestSet,
    EntryKind,
    Predicate,
    Statement,
    Times,
)
from agent.packs.load import config_directory, family_packs, load_campus
from agent.runtime.canary import CanaryTransport, StoreTransport
from agent.runtime.command_line import open_command_line, ssh_gate
from agent.runtime.credentials import Credential, load_credential
from agent.runtime.lines import Line, Lines
from agent.runtime.listening import Receivers
from agent.runtime.opening import must_fit, open_transport, snmp_access
from agent.sessions.redact import Redactor
from agent.transports.host import HostTransport
from agent.transports.notifications import NotificationTransport, Peer, Peers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime

    from agent.evidence.keys import Signer
    from agent.model.asset import Asset
    from agent.model.base import Digest
    from agent.model.campus import Campus
    from agent.model.exchange import Transport
    from agent.model.family import Family
    from agent.runtime.backend_link import BackendLink, FreshChallenge
    from agent.transports.ssh import SshGate

__all__ = ["Agent", "open_agent"]

CLOCK_STEP = 2.0
"""Seconds by which wall and monotonic time may drift apart during a run before it is called a step."""


@dataclass
class Agent:
    """Everything a run needs, assembled once."""

    campus: Campus
    campus_bytes: bytes
    campus_digest: str
    families: Mapping[str, Family]
    family_files: Mapping[str, bytes]
    """The exact bytes of each family's pack, by id: a run's statement carries those that it used."""
    journal: Journal
    signer: Signer
    redactor: Redactor
    clock: Clock
    credential_directories: tuple[Path, ...]
    backend: BackendLink | None = None
    fatal: tuple[type[AgentError], ...] = (JournalError, KeyFileError)
    """Errors that end a run instead of one asset."""
    lines: Lines | None = None
    """Transports that outlive a run; the service has them, a single run has not."""
    _credentials: dict[str, Credential] = field(default_factory=dict, repr=False)
    _ssh_gate: SshGate | None = field(default=None, repr=False)
    _receivers: Receivers | None = field(default=None, repr=False)

    @property
    def receivers(self) -> Receivers:
        """The receivers of notifications, which outlive the runs."""
        self._receivers = self._receivers or Receivers(self.clock)
        return self._receivers

    @property
    def plan_files(self) -> dict[str, bytes]:
        """Return the files that say what is measured, as every run's statement names them."""
        return {"campus.yaml": self.campus_bytes}

    async def challenge(self) -> FreshChallenge | None:
        """Fetch a challenge from the backend; None when there is no backend or it does not answer now."""
        return await self.backend.challenge() if self.backend else None

    def times(self, started: datetime, since_ns: int | None = None) -> Times:
        """Return the time facts of something that started then and ends now.

        Args:
            started: wall time of the start.
            since_ns: monotonic time of the start; with it, a step of the wall clock in between is noticed.
        """
        finished, now_ns = self.clock.now(), self.clock.monotonic_ns()
        offset = self.backend.clock_offset_ms if self.backend else None
        step_ms = None
        if since_ns is not None:
            apart = (finished - started).total_seconds() - (now_ns - since_ns) / 1e9
            step_ms = str(round(apart * 1000)) if abs(apart) > CLOCK_STEP else None
        return Times(
            started=time_text(started),
            finished=time_text(finished),
            monotonic_ns=str(now_ns),
            clock_offset_ms=None if offset is None else str(offset),
            clock_step_ms=step_ms,
        )

    def state(self, kind: EntryKind, files: Mapping[str, bytes | Digest], **fields: Any) -> Entry:
        """Keep the files, then append a signed statement about them to the chain.

        Args:
            kind: what the statement is.
            files: contents by name; of what the journal has already, its digest.
            **fields: what else the predicate says.

        Raises:
            JournalError: it could not be made durable.
        """
        digests = {name: data if isinstance(data, str) else self.journal.put_blob(data) for name, data in files.items()}

        def sign(seq: int, prev: str) -> Signed:
            predicate = Predicate(
                kind=kind,
                campus=self.campus.school.id,
                agent=AgentIdentity(id=f"{self.campus.school.id}/agent", version=__version__, boot_id=boot_id()),
                keyid=self.signer.keyid,
                seq=seq,
                prev=DigestSet(sha256=prev),
                **fields,
            )
            statement = Statement(
                subject=named(digests),
                predicate_type=predicate_type_of(kind),
                predicate=predicate,
            )
            payload, envelope = sign_statement(statement, self.signer)
            return Signed(kind=kind, payload=payload, envelope=envelope)

        return self.journal.append(sign)

    def credential(self, asset: Asset) -> Credential:
        """Return what opens the asset; an asset without credentials gets an empty one."""
        name = asset.credentials
        if name is None:
            return Credential()
        if name not in self._credentials:
            self._know({name: load_credential(name, self.credential_directories)})
        return self._credentials[name]

    def transport(self, asset: Asset) -> Transport:
        """Return a new transport to the asset, as its family speaks.

        Raises:
            ConfigError: family or credential are missing or do not fit each other.
        """
        family = self.families.get(asset.family)
        if family is None:
            raise ConfigError(
                "asset {asset!r} has the unknown family {family!r}",
                todo="Correct it in the campus file; campus-agent devices lists the families",
                asset=asset.id,
                family=asset.family,
            )
        if family.transport == "notifications":
            return self._notifications(asset)
        if family.transport == "host":
            return HostTransport(self.journal.directory)
        if family.transport == "syslog":
            return CanaryTransport(asset, self.redactor.key, self.journal.directory.parent, self.clock)
        if family.cli is not None:
            if self._ssh_gate is None:
                self._ssh_gate = ssh_gate()
            return open_command_line(asset, family.cli, self.credential(asset), self._ssh_gate)
        opened = open_transport(asset, family, self.credential(asset))
        if family.http is not None and any(one.logs and one.logs.canary_of == asset.id for one in self.campus.assets):
            return StoreTransport(opened, self.redactor.key, self.journal.directory.parent, self.clock)
        return opened

    @asynccontextmanager
    async def line(self, asset: Asset) -> AsyncIterator[Line]:
        """Give the transport to the asset to one conversation: a kept one in the service, else one of its own.

        Raises:
            ConfigError: family or credential are missing or do not fit each other.
        """
        family = self.families.get(asset.family)
        lines = self.lines if self.lines is not None and family is not None and family.transport == "snmp" else Lines()
        try:
            async with lines.open(asset.id, (asset, self.credential(asset)), lambda: self.transport(asset)) as line:
                yield line
        finally:
            if lines is not self.lines:
                await lines.close()

    async def listen(self) -> None:
        """Begin to receive notifications, so that none is missed before the first run."""
        await self.receivers.listen(
            self._notifications(one) for one in self.campus.assets if self._speaks(one, "notifications")
        )

    def _notifications(self, asset: Asset) -> NotificationTransport:
        senders = (one for one in self.campus.assets if self._speaks(one, "snmp"))
        peers = Peers(
            tuple(Peer(one.id, one.address, snmp_access(self.credential(one), one.id)) for one in senders),
            snmp_access(self.credential(asset), asset.id) if asset.credentials is not None else None,
        )
        return self.receivers.transport(asset, peers, self.campus.school.id)

    def _speaks(self, asset: Asset, transport: str) -> bool:
        family = self.families.get(asset.family)
        return family is not None and family.transport == transport

    def use_campus(self, campus: Campus, data: bytes, digest: str) -> None:
        """Go on with another campus file; credentials are read anew, so that a changed secret is redacted as well.

        Raises:
            ConfigError: a credential of the new file is missing or does not fit, or the file is of another school than
                the chain; the old file stays in use.
        """
        if campus.school.id != self.campus.school.id:
            raise ConfigError(
                "this campus file is of school {new!r}, but this agent's chain is of {old!r}",
                todo="A school's id never changes; another school needs another state directory and its own enrolment",
                new=campus.school.id,
                old=self.campus.school.id,
            )
        known: dict[str, Credential] = {}
        for asset in campus.assets:
            if asset.credentials is not None and asset.credentials not in known:
                known[asset.credentials] = load_credential(asset.credentials, self.credential_directories)
            must_fit(asset, self.families, known)
        self.campus, self.campus_bytes, self.campus_digest = campus, data, digest
        self._credentials = {}
        self._know(known)

    def _know(self, credentials: Mapping[str, Credential]) -> None:
        """Use these credentials; what was secret stays so, for conversations that go on with an old one."""
        self._credentials |= credentials
        secret = {*self.redactor.secrets, *(text for item in credentials.values() for text in item.secrets())}
        self.redactor = Redactor(self.redactor.key, tuple(sorted(secret)))

    def close(self) -> None:
        """Release the journal."""
        self.journal.close()


def open_agent(
    campus_path: Path, state: Path, *, clock: Clock | None = None, backend: BackendLink | None = None
) -> Agent:
    """Assemble an agent from its campus file and its state directory; the key must exist (`campus-agent keys`).

    Raises:
        ConfigError: the campus file or a pack is wrong.
        KeyFileError: there is no usable signing key.
        JournalError: the journal cannot be opened.
    """
    packs = family_packs(config_directory(), collectors=COLLECTORS)
    families = {pack.value.id: pack.value for pack in packs}
    campus = load_campus(campus_path, families=families, collectors=COLLECTORS)
    signer = keys.load(state / "keys" / "agent.pem")
    directories = [state / "secrets"]
    if os.environ.get("CREDENTIALS_DIRECTORY"):
        directories.insert(0, Path(os.environ["CREDENTIALS_DIRECTORY"]))
    agent = Agent(
        campus=campus.value,
        campus_bytes=campus.data,
        campus_digest=campus.digest,
        families=families,
        family_files={pack.value.id: pack.data for pack in packs},
        journal=Journal(state / "journal", clock=clock or SystemClock()),
        signer=signer,
        redactor=Redactor(pseudonym_key(state / "keys" / "pseudonym.key")),
        clock=clock or SystemClock(),
        credential_directories=tuple(directories),
        backend=backend,
    )
    try:
        _must_continue(agent, state)
        agent.use_campus(campus.value, campus.data, campus.digest)
    except AgentError:
        agent.close()
        raise
    return agent


def _must_continue(agent: Agent, state: Path) -> None:
    """Refuse to go on with a chain that another key or another school began: no backend would take it.

    Raises:
        ConfigError: the campus file is of another school.
        KeyFileError: the key is another one.
    """
    first = next(agent.journal.entries(), None)
    if first is None:
        return
    begun = Statement.from_bytes(first.payload, where="journal entry 0").predicate
    if begun.keyid != agent.signer.keyid:
        raise KeyFileError(
            "this journal was begun with key {old}, but the key here is {new}",
            where=str(state),
            todo="Restore keys/agent.pem from your backup, or begin anew with another state directory",
            old=begun.keyid[:16],
            new=agent.signer.keyid[:16],
        )
    if begun.campus != agent.campus.school.id:
        raise ConfigError(
            "this campus file is of school {new!r}, but this agent's chain is of {old!r}",
            where=str(state),
            todo="A school's id never changes; another school needs another state directory and its own enrolment",
            new=agent.campus.school.id,
            old=begun.campus,
        )


def pseudonym_key(path: Path) -> bytes:
    """Return the campus's pseudonym key, made on first use with mode 0600.

    Raises:
        KeyFileError: it cannot be read or made, or is too short.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            key = path.read_bytes()
        else:
            key = secrets.token_bytes(32)
            with os.fdopen(descriptor, "wb") as file:
                file.write(key)
                file.flush()
                os.fsync(file.fileno())
        mode = path.stat().st_mode
    except OSError as error:
        raise KeyFileError(
            "the pseudonym key cannot be read or made: {why}",
            where=str(path),
            todo="Give the file and its directory to the agent's user",
            why=error.strerror,
        ) from error
    if mode & 0o077:
        raise KeyFileError(
            "others may read this key (mode {mode})",
            where=str(path),
            todo="Run: chmod 600 {path}",
            mode=oct(mode & 0o777),
            path=path,
        )
    if len(key) < 16:
        raise KeyFileError(
            "the pseudonym key has {size} octets; at least 16 are needed",
            where=str(path),
            todo="Restore it from your backup; with a new key, pseudonyms change",
            size=len(key),
        )
    return key
