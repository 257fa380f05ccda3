"""The SSH transport: asyncio on the outside, one thread per session inside."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from agent.errors import GapError
from agent.model.cli import escaped
from agent.model.exchange import CliCommand, CliOutput, GapReason
from agent.transports.ssh.device import Device, SshLimits, SshLogin
from agent.transports.ssh.dialogue import Dialogue
from agent.transports.ssh.gate import SshGate
from agent.transports.ssh.guard import ForbiddenError, Guard
from agent.transports.ssh.hostkey import PinnedKey
from agent.transports.ssh.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.model.cli import CliProfile
    from agent.model.exchange import Request
    from agent.transports.ssh.legacy import LegacyShell

__all__ = ["SshTransport"]

T = TypeVar("T")


class SshTransport:
    """Sends allow-listed commands to one device over one session, which lasts from the first command to `close`.

    What ends the session ends the transport: every later exchange raises the same gap, without another connection.
    So a wrong password is tried once.

    Args:
        host: name, IPv4 or IPv6 address.
        port: of the SSH server.
        login: who we are.
        profile: the family's words and its list of commands.
        host_key: the pinned fingerprint (`SHA256:...`); None: the device's key is shown in a gap, nothing is sent.
        legacy: the device may use algorithms that are broken (SHA-1, CBC, DSA), since it knows no others.
        limits: bounds of the session.
        gate: shared by all SSH transports of the process; without one, this transport has its own.
    """

    def __init__(  # noqa: PLR0913 - each is one word of the campus file or of the process
        self,
        host: str,
        port: int,
        login: SshLogin,
        profile: CliProfile,
        *,
        host_key: str | None = None,
        legacy: bool = False,
        limits: SshLimits | None = None,
        gate: SshGate | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._login = login
        self._profile = profile
        self._host_key = host_key
        self._legacy = legacy
        self._limits = limits or SshLimits()
        self._gate = gate or SshGate()
        self._one_at_a_time = asyncio.Lock()
        self._stop = threading.Event()
        self._held = contextlib.AsyncExitStack()
        self._thread: ThreadPoolExecutor | None = None
        self._session: _Session | None = None
        self._ended: GapError | None = None

    def __repr__(self) -> str:
        return f"SshTransport({self._host!r}, {self._port})"

    async def exchange(self, request: Request) -> CliOutput:
        """Send the command and return what came before the next prompt.

        Raises:
            GapError: unreachable, refused (host key, login, algorithms), too slow, too much, or not on the list.
        """
        async with self._one_at_a_time:
            device = Device(self._host, self._port, time.monotonic())
            if not isinstance(request, CliCommand):
                raise device.gap(
                    GapReason.UNSUPPORTED,
                    "request",
                    "a command line cannot answer {op}",
                    todo="Ask it of an asset whose family has another transport",
                    op=request.op,
                )
            if request.command not in self._profile.commands:
                raise device.gap(
                    GapReason.UNSUPPORTED,
                    "request",
                    "{command!r} is not on this family's list of commands; nothing was sent",
                    todo="Report it: family and collector disagree",
                    command=request.command,
                )
            if self._ended is not None:
                raise _again(self._ended)
            try:
                return await self._run(device, request)
            except GapError as gap:
                self._ended = gap
                await self._release()
                raise
            except BaseException:
                # the session's deadline, or our own fault: nobody knows what the device would answer next
                self._ended = device.stopped("command")
                await self._release()
                raise

    async def close(self) -> None:
        """End the session and wait for its threads; may be called more than once."""
        self._stop.set()
        if self._session is not None and self._one_at_a_time.locked():
            self._session.abort()
        async with self._one_at_a_time:
            if self._ended is None:
                self._ended = Device(self._host, self._port, time.monotonic()).stopped("close")
            await self._release()

    async def _run(self, device: Device, request: CliCommand) -> CliOutput:
        if self._session is None:
            await self._held.enter_async_context(self._gate.session(self._host, self._port))
            sock = await _dial(device, self._limits)
            try:
                guard, key = Guard(self._profile), PinnedKey(device, self._host_key)
                shell = _shell(self._legacy)(device, sock, self._login, key, guard, self._limits)
                self._session = _Session(device, sock, shell, self._profile, self._limits)
            except BaseException:  # a private key that is none
                sock.close()
                raise
            self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"ssh {self._host}:{self._port}")
        session = self._session
        output, elapsed = await self._in_thread(lambda: session.run(device, request.command, request.seconds))
        return CliOutput(output=escaped(output), elapsed_ms=elapsed)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Run in the session's thread; when cancelled, break the connection and wait until the thread noticed."""
        assert self._thread is not None
        assert self._session is not None
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            self._session.abort()
            await asyncio.wait([future])
            if not future.cancelled():
                future.exception()  # it is told as the deadline's gap
            raise

    async def _release(self) -> None:
        session, thread = self._session, self._thread
        self._session = self._thread = None
        try:
            if session is not None and thread is not None:
                future = asyncio.get_running_loop().run_in_executor(thread, session.close)
                try:
                    await asyncio.shield(future)
                finally:
                    thread.shutdown(wait=True)
        finally:
            await self._held.aclose()


class _Session:
    """What lives in the session's thread; only `abort` may be called from another one."""

    def __init__(
        self, device: Device, sock: socket.socket, shell: Shell | LegacyShell, profile: CliProfile, limits: SshLimits
    ) -> None:
        self._socket = sock
        self._stop = threading.Event()
        self._shell = shell
        self._dialogue = Dialogue(self._shell, profile, limits, device, self._stop)
        self._open = False
        self._broken = False

    def run(self, device: Device, command: str, seconds: float) -> tuple[bytes, int]:
        """Connect if this is the first command; run it."""
        try:
            if not self._open:
                self._shell.connect()
                self._dialogue.open()
                self._open = True
            return self._dialogue.run(command, seconds)
        except GapError:
            self._broken = True
            raise
        except ForbiddenError as error:
            self._broken = True
            todo = "Report it: family and collector disagree"
            raise device.gap(GapReason.UNSUPPORTED, "guard", "{why}", todo, why=str(error)) from error
        except (OSError, EOFError) as error:
            self._broken = True
            raise device.lost("command") from error

    def abort(self) -> None:
        """Break the connection, so that the thread ends soon whatever it waits for."""
        self._stop.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Log out if the session is whole, then close everything."""
        try:
            if self._open and not self._broken and not self._stop.is_set():
                with contextlib.suppress(OSError, EOFError):
                    self._dialogue.leave()
        finally:
            self._shell.close()


def _shell(legacy: bool) -> type[Shell | LegacyShell]:  # noqa: FBT001 - the setting itself
    if not legacy:
        return Shell
    from agent.transports.ssh.legacy import LegacyShell  # noqa: PLC0415 - a campus without such devices loads it never

    return LegacyShell


def _again(gap: GapError) -> GapError:
    return GapError(gap.reason, gap.what, where=gap.where, todo=gap.todo, **gap.values)


async def _dial(device: Device, limits: SshLimits) -> socket.socket:
    """Return a connected socket to the first address that accepts.

    Raises:
        GapError: none did, or the name has no address.
    """
    loop = asyncio.get_running_loop()
    why = "no answer in time"
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limits.connect_seconds):
            try:
                found = await loop.getaddrinfo(device.host, device.port, type=socket.SOCK_STREAM)
            except (socket.gaierror, UnicodeError) as error:
                raise device.unreachable("resolve", getattr(error, "strerror", None) or "not a host name") from error
            addresses = list(dict.fromkeys((family, address) for family, _, _, _, address in found))
            for tried, (family, address) in enumerate(addresses):
                share = limits.connect_seconds / (len(addresses) - tried)
                try:
                    return await _connect(family, address, share)
                except OSError as error:
                    why = error.strerror or why
    raise device.unreachable("connect", why)


async def _connect(family: int, address: tuple[object, ...], seconds: float) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        sock.settimeout(0)
        async with asyncio.timeout(seconds):
            await asyncio.get_running_loop().sock_connect(sock, address)
        sock.settimeout(None)
    except BaseException:
        sock.close()
        raise
    return sock
