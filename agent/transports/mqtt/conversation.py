"""One connection to a broker, from CONNECT to DISCONNECT, in a thread of its own.

The library's external-loop interface is driven here instead of its own thread: every wait is bounded and stoppable,
connection errors arrive with their cause, and nothing outlives the conversation. Liveness is never `is_connected()`:
during listening it is the age of the last ping answer (keep-alive), and the end of the listening time is an
UNSUBSCRIBE that the broker must answer, so that silence from a dead connection is not taken for silence of the
devices.
"""

from __future__ import annotations

import select
import struct
import time
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.exception import MQTTException

from agent.errors import GapError
from agent.model.exchange import GapReason
from agent.transports.mqtt.dial import GuardedSocket, StoppedError, dial, poll
from agent.transports.mqtt.frames import ForeignBytesError, OversizeError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from paho.mqtt.reasoncodes import ReasonCode

    from agent.transports.mqtt.broker import Broker, MqttLimits
    from agent.transports.mqtt.inbox import Inbox

__all__ = ["Conversation"]

QOS = 1
"""Messages of QoS 1 arrive at least once; QoS 2 would make the broker keep state for us."""
SERVER_UNAVAILABLE = 136
WRONG_VERSION = 132
"""CONNACK return codes 3 and 1 (MQTT 3.1.1 §3.2.2.3) as the library spells them."""
NO_BROKER = (ValueError, LookupError, struct.error, AttributeError, MQTTException)
"""What the library lets through on packets that do not decode."""


class _Client(Client):
    """The library's client on a socket that we open."""

    def __init__(self, client_id: str, opener: Callable[[], GuardedSocket]) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True, protocol=MQTTv311)
        self.suppress_exceptions = True
        self._opener = opener

    def _create_socket(self) -> Any:
        return self._opener()


class Conversation:
    """Subscribes to some filters and hands every message to the inbox for some seconds.

    Args:
        broker: where to connect.
        limits: the bounds.
        number: which connection of the exchange this is (`Routes`).
        filters: disjoint topic filters.
        inbox: takes the messages.
        stop: set to end early.
    """

    def __init__(
        self,
        broker: Broker,
        limits: MqttLimits,
        number: int,
        filters: Sequence[str],
        inbox: Inbox,
        stop: threading.Event,
    ) -> None:
        self._broker = broker
        self._limits = limits
        self._number = number
        self._filters = list(filters)
        self._inbox = inbox
        self._stop = stop
        self._client: _Client | None = None
        self._socket: GuardedSocket | None = None
        self._phase = "connect"
        self._until = 0.0
        self._connack: ReasonCode | None = None
        self._suback: list[ReasonCode] | None = None
        self._unsuback = False
        self._counting = False
        self._unacked: dict[int, tuple[str, int]] = {}

    def listen(self, seconds: float) -> float:
        """Connect, subscribe, listen; reconnect if the connection breaks meanwhile; disconnect.

        Returns:
            seconds during which the subscription was in force.

        Raises:
            GapError: the broker could not be reached or left, would not let us in, or is none.
        """
        heard = 0.0
        try:
            self._open(time.monotonic() + self._limits.connect_seconds)
            end = time.monotonic() + seconds
            while True:
                since = time.monotonic()
                lost = self._listen_until(end)
                heard += time.monotonic() - since
                if not lost:
                    break
                self._reopen(end)
            self._prove_alive()
        except StoppedError:
            raise self._gap(
                GapReason.UNREACHABLE, "the conversation was stopped before its end", todo="Let the agent measure again"
            ) from None
        finally:
            self._leave()
        return heard

    # --- phases ---

    def _open(self, until: float) -> None:
        """Connect and subscribe, by then."""
        self._leave()
        self._phase, self._until = "connect", until
        self._connack = self._suback = None
        self._unacked.clear()
        self._client = client = _Client(self._broker.client_id, self._dial)
        if self._broker.login is not None:
            client.username_pw_set(self._broker.login.username, self._broker.login.password)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = self._on_unsubscribe
        client.on_message = self._on_message
        try:
            client.connect(self._broker.host, self._broker.port, keepalive=self._limits.keepalive_seconds)
        except OSError as error:
            raise self._broker.no_connection(self._phase, error) from error
        self._await(lambda: self._connack is not None, until, "no answer to CONNECT")
        self._check_connack()
        self._phase = "subscribe"
        self._counting = True
        client.subscribe([(wanted, QOS) for wanted in self._filters])
        self._await(lambda: self._suback is not None, until, "no answer to SUBSCRIBE")
        self._check_suback()
        self._phase = "listen"

    def _listen_until(self, end: float) -> bool:
        """Listen; tell whether the connection was lost before the end."""
        try:
            self._pump(lambda: False, end)
        except ConnectionError:
            return True
        finally:
            self._counting = False
        return False

    def _reopen(self, end: float) -> None:
        """Connect and subscribe again before the end, or give up."""
        wait = self._limits.reconnect_seconds
        while time.monotonic() + wait < end:
            if self._stop.wait(wait):
                raise StoppedError
            wait *= 2
            try:
                self._open(min(end, time.monotonic() + self._limits.connect_seconds))
            except GapError as gap:
                if gap.reason != GapReason.UNREACHABLE:
                    raise
            else:
                return
        self._phase = "listen"
        raise self._gap(
            GapReason.UNREACHABLE,
            "the broker went away while listening and did not come back; {messages} messages were heard before",
            todo="Look at the broker's own log for the reason, then measure again",
            messages=len(self._inbox),
        )

    def _prove_alive(self) -> None:
        """Have the broker answer once more: what was silent was silent, and not cut off."""
        self._phase = "close"
        assert self._client is not None
        assert self._socket is not None
        before = self._socket.guard.received
        try:
            self._client.unsubscribe(self._filters)
            self._pump(lambda: self._unsuback, time.monotonic() + self._limits.close_seconds)
        except ConnectionError:
            pass
        if not self._unsuback and self._socket.guard.received == before:
            raise self._gap(
                GapReason.UNREACHABLE,
                "the broker stopped answering while listening; {messages} messages were heard before",
                todo="Check the network between agent and broker, then measure again",
                messages=len(self._inbox),
            )

    def _leave(self) -> None:
        """Say goodbye where possible; release the socket in any case."""
        self._counting = False
        if self._client is not None and self._socket is not None and self._socket.fileno() >= 0:
            self._client.disconnect()
        if self._socket is not None:
            self._socket.close()
        self._client = self._socket = None

    # --- the wire ---

    def _dial(self) -> GuardedSocket:
        tls = (self._broker.tls, self._broker.host) if self._broker.tls else None
        self._socket = dial(self._broker.addresses, tls, self._limits.max_packet_octets, self._until, self._stop)
        return self._socket

    def _await(self, done: Callable[[], bool], until: float, otherwise: str) -> None:
        try:
            if self._pump(done, until):
                return
        except ConnectionError as error:
            if done():
                return
            raise self._gap(
                GapReason.UNREACHABLE,
                "the connection was closed: {otherwise}",
                todo="Check that an MQTT broker listens on this port, and whether it wants TLS",
                otherwise=otherwise,
            ) from error
        raise self._gap(
            GapReason.UNREACHABLE,
            "{otherwise}",
            todo="Check that an MQTT broker listens on this port, and whether it wants TLS",
            otherwise=otherwise,
        )

    def _pump(self, done: Callable[[], bool], until: float) -> bool:
        """Serve the connection until `done` (True) or that time (False).

        Raises:
            ConnectionError: the connection ended.
            GapError: it is not one with an MQTT broker, or a packet is too large.
            StoppedError: the owner wants to end.
        """
        assert self._client is not None
        while not done():
            if self._client.socket() is None or self._socket is None:
                raise ConnectionResetError("the connection ended")
            want = select.POLLIN | (select.POLLOUT if self._client.want_write() else 0)
            try:
                if not self._socket.pending():
                    poll(self._socket, want, min(until, time.monotonic() + 1), self._stop)
                elif self._stop.is_set():
                    raise StoppedError
            except TimeoutError:
                pass
            else:
                self._serve(self._client)
            self._client.loop_misc()
            if time.monotonic() >= until:
                return done()
        return True

    def _serve(self, client: _Client) -> None:
        try:
            code = client.loop_read()
            if client.want_write():
                client.loop_write()
        except NO_BROKER as error:
            raise self._foreign(type(error).__name__) from error
        except OSError as error:  # a second dial inside the library, after "unacceptable protocol version"
            raise self._broker.no_connection(self._phase, error) from error
        fault = self._socket.fault if self._socket else None
        if isinstance(fault, ForeignBytesError):
            raise self._foreign(str(fault)) from fault
        if isinstance(fault, OversizeError):
            raise self._gap(
                GapReason.UNSUPPORTED,
                "a message of {size} octets is larger than the {limit} that one may have",
                todo="Narrow the topic filters of this asset so that they leave files and images out",
                size=fault.size,
                limit=self._limits.max_packet_octets,
            ) from fault
        if code == MQTTErrorCode.MQTT_ERR_PROTOCOL:
            raise self._foreign("a packet that does not decode")

    # --- gaps ---

    def _gap(self, reason: GapReason, what: str, todo: str = "", **values: object) -> GapError:
        return self._broker.gap(reason, self._phase, what, todo, **values)

    def _foreign(self, why: str) -> GapError:
        return self._broker.foreign(self._phase, why)

    def _check_connack(self) -> None:
        code = self._connack
        if code is None or not code.is_failure:
            return
        if code.value == SERVER_UNAVAILABLE:
            raise self._gap(GapReason.UNREACHABLE, "the broker says that it is unavailable", todo="Try again later")
        if code.value == WRONG_VERSION:
            raise self._gap(
                GapReason.UNSUPPORTED,
                "the broker speaks neither MQTT 3.1.1 nor 3.1",
                todo="Enable MQTT 3.1.1 on the broker",
            )
        raise self._gap(
            GapReason.REFUSED,
            "the broker refuses the login: {why}",
            todo="Check the credential of this asset; it is not tried again in this run",
            why=code.getName(),
        )

    def _check_suback(self) -> None:
        for wanted, code in zip(self._filters, self._suback or (), strict=False):
            if code.is_failure:
                raise self._gap(
                    GapReason.REFUSED,
                    "the broker refuses the subscription to {filter!r}",
                    todo="Allow the agent's user to read these topics, or narrow the filter in the campus file",
                    filter=wanted,
                )
        if len(self._suback or ()) != len(self._filters):
            raise self._foreign("a SUBACK for another number of filters")

    # --- callbacks of the library, in this thread; they only note what happened ---

    def _on_connect(self, _client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
        self._connack = code

    def _on_subscribe(self, _client: Client, _data: Any, _mid: int, codes: list[ReasonCode], _properties: Any) -> None:
        self._suback = codes

    def _on_unsubscribe(self, _client: Client, _data: Any, _mid: int, _codes: Any, _properties: Any) -> None:
        self._unsuback = True

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if not self._counting:
            return
        try:
            topic, size = message.topic, len(message.payload)  # `topic` raises where it is not UTF-8
            if message.qos:
                again = message.dup and self._unacked.get(message.mid) == (topic, size)
                self._unacked[message.mid] = (topic, size)
                if again:
                    return
            self._inbox.take(self._number, topic, size, message.qos, retained=message.retain)
        except Exception:  # noqa: BLE001 - a message may be lost, the conversation not; the loss is counted
            self._inbox.lose()
