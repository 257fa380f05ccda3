"""Lab devices on loopback: any number in one event loop, or beside the caller in a thread or in a process.

async with running_lab([Device("sw1", recording)]) as lab:
    lab["sw1"].address

with lab_thread(devices) as lab: ...        # for code that has its own event loop
with lab_process(devices) as addresses: ...  # when the lab's CPU must not count, or must not share one interpreter
"""

from __future__ import annotations

import asyncio
import ipaddress
import multiprocessing
import resource
import socket
import threading
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

from agent.errors import UsageError
from agent.lab.snmp.agent import Agent, Sending

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from multiprocessing.connection import Connection

    from agent.lab.snmp.device import Device

__all__ = ["Address", "Speaker", "lab_process", "lab_thread", "running_lab"]

Address = tuple[str, int]
_MAX_DATAGRAM = 65_535
_MAX_PER_WAKE = 16
_SPARE_FILES = 64
_START_SECONDS = 60
_RECEIVE_BUFFER = 1 << 20


class Speaker:
    """A device with its socket.

    Attributes:
        agent: what it does, with its counts.
        address: where it listens.
    """

    def __init__(self, device: Device, loop: asyncio.AbstractEventLoop) -> None:
        self.agent = Agent(device)
        self._loop = loop
        self._socket = _bound(device.host, device.port)
        self._other: socket.socket | None = None
        self._timers: set[asyncio.TimerHandle] = set()
        name = self._socket.getsockname()
        self.address: Address = (name[0], name[1])
        loop.add_reader(self._socket, self._readable)

    def close(self) -> None:
        """Close the sockets and forget late answers."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        if self._other is not None:
            self._other.close()
        for timer in self._timers:
            timer.cancel()

    def _readable(self) -> None:
        for _ in range(_MAX_PER_WAKE):
            try:
                data, peer = self._socket.recvfrom(_MAX_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # an ICMP error about an earlier answer: the asker has gone
                continue
            for sending in self.agent.receive(data):
                if sending.delay:
                    self._later(sending, peer)
                else:
                    self._send(sending, peer)

    def _later(self, sending: Sending, peer: Address) -> None:
        def due() -> None:
            self._timers.discard(timer)
            self._send(sending, peer)

        timer = self._loop.call_later(sending.delay, due)
        self._timers.add(timer)

    def _send(self, sending: Sending, peer: Address) -> None:
        source = self._socket
        if sending.other_port:
            self._other = source = self._other or _bound(self.agent.device.host, 0)
        with suppress(OSError):  # a full buffer or an asker that has gone is a lost datagram, as on a network
            source.sendto(sending.data, peer)


@asynccontextmanager
async def running_lab(devices: Iterable[Device]) -> AsyncIterator[dict[str, Speaker]]:
    """Serve the devices in the running loop; yields name -> `Speaker`.

    Raises:
        UsageError: an address is not of loopback, is taken, or two devices have one name.
    """
    loop = asyncio.get_running_loop()
    wanted = list(devices)
    _allow_files(len(wanted))
    speakers: dict[str, Speaker] = {}
    try:
        for device in wanted:
            if device.name in speakers:
                raise UsageError("two lab devices are called {name}", name=device.name)
            speakers[device.name] = Speaker(device, loop)
        yield speakers
    finally:
        for speaker in speakers.values():
            speaker.close()


@contextmanager
def lab_thread(devices: Iterable[Device]) -> Iterator[dict[str, Speaker]]:
    """Serve the devices in a thread with an event loop of its own; yields name -> `Speaker`.

    Raises:
        UsageError: as `running_lab`.
    """
    wanted = list(devices)
    ready = threading.Event()
    found: dict[str, Speaker] = {}
    failed: list[BaseException] = []
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        async with running_lab(wanted) as speakers:
            found.update(speakers)
            stop.append((asyncio.get_running_loop(), asyncio.Event()))
            ready.set()
            await stop[0][1].wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except UsageError as error:
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="lab-snmp", daemon=True)
    thread.start()
    ready.wait()
    try:
        if failed:
            raise failed[0]
        yield found
    finally:
        for loop, event in stop:
            loop.call_soon_threadsafe(event.set)
        thread.join()


@contextmanager
def lab_process(devices: Iterable[Device]) -> Iterator[dict[str, Address]]:
    """Serve the devices in a process of their own; yields name -> address.

    Raises:
        UsageError: as `running_lab`, or the process did not start.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), name="lab-snmp", daemon=True)
    process.start()
    theirs.close()
    try:
        ours.send(list(devices))
        if not ours.poll(_START_SECONDS):
            raise UsageError("the lab's process did not start within {seconds} s", seconds=_START_SECONDS)
        answer = ours.recv()
        if isinstance(answer, UsageError):
            raise answer
        yield answer
    except EOFError as error:
        raise UsageError("the lab's process ended before it served") from error
    finally:
        ours.close()  # it ends when its end of the pipe reads nothing more
        process.join(10)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()


def _serve(pipe: Connection) -> None:
    """Run in the child: serve until the parent closes its end of the pipe, or dies."""
    asyncio.run(_serve_until_closed(pipe))


async def _serve_until_closed(pipe: Connection) -> None:
    closed = asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        async with running_lab(pipe.recv()) as speakers:
            pipe.send({name: speaker.address for name, speaker in speakers.items()})
            loop.add_reader(pipe.fileno(), closed.set)
            await closed.wait()
            loop.remove_reader(pipe.fileno())
    except UsageError as error:
        pipe.send(error)
    except EOFError:
        return


def _bound(host: str, port: int) -> socket.socket:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise UsageError("{host!r} is not an IP address", host=host) from None
    if not address.is_loopback:
        raise UsageError("a lab device listens on loopback only, not on {host}", host=host)
    made = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)  # noqa: FBT003 (the socket API)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise UsageError(
            "cannot listen: {why}",
            where=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            todo="choose another port; below 1024 needs root",
            why=error.strerror,
        ) from error
    return made


def _allow_files(devices: int) -> None:
    """Raise the soft limit of open files where the devices need it and the hard limit has room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * devices + _SPARE_FILES  # who asks them often sits in this process too
    if soft != resource.RLIM_INFINITY and soft < needed:
        limit = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
