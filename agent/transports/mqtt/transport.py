"""The MQTT transport: asyncio on the outside, one bounded thread per connection inside."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

from agent.clock import SystemClock
from agent.errors import ConfigError, GapError
from agent.model.exchange import GapReason, MqttListen, MqttMessages
from agent.transports.mqtt.broker import Broker, MqttLimits, MqttLogin
from agent.transports.mqtt.conversation import Conversation
from agent.transports.mqtt.inbox import Inbox
from agent.transports.mqtt.topics import Routes, is_filter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.clock import Clock
    from agent.model.exchange import Request
    from agent.transports.mqtt.dial import Address

__all__ = ["MqttTransport", "tls_context"]


def tls_context(ca: Path | None = None, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """Return a context that verifies the broker: TLS 1.2 or later, certificate and name checked, always.

    Args:
        ca: PEM file of the authority that issued the broker's certificate; None: those of the system.
        certificate: PEM file with the agent's own certificate, where the broker wants one.
        key: PEM file with its private key, unencrypted; None: it is in `certificate`.

    Raises:
        ConfigError: a file is missing or not what it should be.
    """
    try:
        context = ssl.create_default_context(cafile=ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if certificate is not None:
            # A service cannot type a passphrase; without this callback OpenSSL would ask on the terminal.
            context.load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise ConfigError(
            "cannot use these files for TLS: {why}",
            where=", ".join(str(path) for path in (ca, certificate, key) if path is not None),
            todo="Give PEM files, the private key without a passphrase",
            why=getattr(error, "strerror", None) or str(error),
        ) from error
    return context


class MqttTransport:
    """Listens to one broker. Holds nothing between two exchanges.

    Args:
        host: name, IPv4 or IPv6 address of the broker.
        port: 1883 for plain MQTT, 8883 for TLS by custom.
        credentials: user name and password, if the broker wants them.
        tls: what `tls_context` gives; None for plain TCP.
        limits: bounds of a conversation.
        client_id: how the agent calls itself; empty lets the broker choose. Two clients must not share one.
        clock: gives messages their wall time.
    """

    def __init__(
        self,
        host: str,
        port: int = 1883,
        credentials: MqttLogin | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        limits: MqttLimits | None = None,
        client_id: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._login = credentials
        self._tls = tls
        self._limits = limits or MqttLimits()
        self._client_id = client_id
        self._clock = clock or SystemClock()
        self._one_at_a_time = asyncio.Lock()
        self._stop = threading.Event()

    def __repr__(self) -> str:
        return f"MqttTransport({self._host!r}, {self._port})"

    async def exchange(self, request: Request) -> MqttMessages:
        """Listen for `request.seconds`; takes at most `connect_seconds` and `close_seconds` longer.

        Raises:
            GapError: unreachable, refused (login, subscription, certificate), or not an MQTT broker.
        """
        async with self._one_at_a_time:
            self._stop = threading.Event()
            broker = self._broker(())
            if not isinstance(request, MqttListen):
                raise broker.gap(
                    GapReason.UNSUPPORTED,
                    "request",
                    "a broker cannot answer {op}",
                    todo="Ask it of an asset whose family has another transport",
                    op=request.op,
                )
            _check(request, broker)
            broker = self._broker(await self._resolve(broker))
            return await self._listen(request, broker)

    async def close(self) -> None:
        """End a running exchange (it raises a gap) and wait for its threads; may be called more than once."""
        self._stop.set()
        async with self._one_at_a_time:
            pass

    def _broker(self, addresses: tuple[Address, ...]) -> Broker:
        return Broker(self._host, self._port, addresses, self._login, self._tls, self._client_id, time.monotonic())

    async def _resolve(self, broker: Broker) -> tuple[Address, ...]:
        loop = asyncio.get_running_loop()
        why = "no answer from the name service"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.connect_seconds):
                try:
                    found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
                    return tuple(dict.fromkeys((family, address) for family, _, _, _, address in found))
                except (socket.gaierror, UnicodeError) as error:
                    why = getattr(error, "strerror", None) or "not a host name"
        raise broker.gap(
            GapReason.UNREACHABLE,
            "resolve",
            "the host has no address: {why}",
            todo="Check the address of the asset in the campus file, and the name service of this machine",
            why=why,
        )

    async def _listen(self, request: MqttListen, broker: Broker) -> MqttMessages:
        routes = Routes(request.topics)
        inbox = Inbox(routes, request.max_messages, self._limits.max_topic_octets, self._clock)
        stop = self._stop

        def work(number: int, filters: list[str]) -> Callable[[], float]:
            return lambda: Conversation(broker, self._limits, number, filters, inbox, stop).listen(request.seconds)

        heard = await _all_in_threads(
            [work(number, filters) for number, filters in enumerate(routes.connections)],
            stop,
            f"mqtt {self._host}:{self._port}",
        )
        return MqttMessages(messages=inbox.messages(), listened_ms=int(min(heard) * 1000), dropped=inbox.dropped)


def _check(request: MqttListen, broker: Broker) -> None:
    wrong = next((topic.filter for topic in request.topics if not is_filter(topic.filter)), None)
    if wrong is not None or not request.topics:
        raise broker.gap(
            GapReason.UNSUPPORTED,
            "request",
            "{filter!r} is not an MQTT topic filter",
            todo="Correct the topics of this asset in the campus file (MQTT 3.1.1, section 4.7)",
            filter=wrong or "",
        )


async def _all_in_threads(works: list[Callable[[], float]], stop: threading.Event, name: str) -> list[float]:
    """Run each work in a thread; the first failure stops the others. No thread is left when this returns or raises."""
    loop = asyncio.get_running_loop()
    ends: list[asyncio.Future[float | BaseException]] = [loop.create_future() for _ in works]

    def body(work: Callable[[], float], end: asyncio.Future[float | BaseException]) -> None:
        result: float | BaseException
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - it is raised again in the event loop
            result = error
            stop.set()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, end, result)

    threads = [
        threading.Thread(target=body, args=(work, end), name=name, daemon=True)
        for work, end in zip(works, ends, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        await asyncio.wait(ends)
    finally:
        stop.set()
        await asyncio.wait(ends)
        for thread in threads:
            thread.join()
    return _results([end.result() for end in ends])


def _settle(end: asyncio.Future[float | BaseException], result: float | BaseException) -> None:
    if not end.done():
        end.set_result(result)


def _results(results: list[float | BaseException]) -> list[float]:
    """Return the results, or raise the failure that tells most: not that of a thread which was only stopped."""
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in sorted(failures, key=lambda error: isinstance(error, GapError) and "stopped" in error.what):
        raise failure
    return [result for result in results if isinstance(result, float)]
