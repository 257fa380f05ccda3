"""The MQTT transport against a real mosquitto, real publishers, and peers that only pretend to be brokers."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import subprocess
import threading
import time
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from agent.clock import SystemClock, parse_time
from agent.errors import ConfigError, GapError
from agent.lab.mosquitto import Mosquitto, free_port, mosquitto
from agent.model.exchange import GapReason, MqttListen, MqttMessages, SnmpGet, Topic
from agent.transports.mqtt import MqttLimits, MqttLogin, MqttTransport, tls_context
from agent.transports.mqtt.dial import StoppedError, dial
from agent.transports.mqtt.frames import FrameGuard
from agent.transports.mqtt.inbox import Inbox
from agent.transports.mqtt.topics import Routes, covers, is_filter, overlap

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from datetime import datetime

LIGHT = Topic(kind="lighting", filter="campus/+/light", device_level=1)
QUICK = MqttLimits(connect_seconds=1.5, close_seconds=1, reconnect_seconds=0.2)
CANARY = "canary-secret-1"
CONNACK = b"\x20\x02\x00\x00"


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    """One broker for the tests that do not hurt it."""
    with mosquitto() as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Every conversation, however it ends, leaves no thread and no socket behind."""
    before = _sockets()
    yield
    gc.collect()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("mqtt ")]
    assert _sockets() <= before


def _sockets() -> int:
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found += str(entry.readlink()).startswith("socket:")
    return found


def listen(
    port: int,
    *topics: Topic,
    seconds: int = 1,
    cap: int = 20_000,
    meanwhile: Callable[[], object] | None = None,
    after: float = 0.3,
    host: str = "127.0.0.1",
    credentials: MqttLogin | None = None,
    tls: ssl.SSLContext | None = None,
    limits: MqttLimits = QUICK,
) -> MqttMessages:
    """Listen once; run something else while listening."""

    async def conversation() -> MqttMessages:
        transport = MqttTransport(host, port, credentials, tls=tls, limits=limits)
        other = asyncio.create_task(_later(meanwhile, after)) if meanwhile else None
        try:
            answer = await transport.exchange(MqttListen(topics=topics or (LIGHT,), seconds=seconds, max_messages=cap))
        finally:
            await transport.close()
            if other:
                await other
        assert isinstance(answer, MqttMessages)
        return answer

    return asyncio.run(conversation())


async def _later(work: Callable[[], object], seconds: float) -> None:
    await asyncio.sleep(seconds)
    await asyncio.to_thread(work)


def gap(port: int, *topics: Topic, **options: object) -> GapError:
    """Listen once and return the gap that it must end in."""
    with pytest.raises(GapError) as caught:
        listen(port, *topics, **options)  # type: ignore[arg-type]
    return caught.value


@contextlib.contextmanager
def pretender(*replies: bytes, hang_up: bool = True, unsuback: bytes = b"") -> Iterator[int]:
    """A TCP peer that answers the n-th thing it receives with the n-th reply, then hangs up or waits.

    `unsuback` answers the UNSUBSCRIBE, however many acknowledgements came before it in how many pieces.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        done = threading.Event()

        def serve() -> None:
            with contextlib.suppress(OSError), server.accept()[0] as peer:
                peer.settimeout(10)
                for reply in replies:
                    if not peer.recv(65536):
                        return
                    peer.sendall(reply)
                while unsuback and (heard := peer.recv(65536)):
                    if b"\xa2" in heard:
                        peer.sendall(unsuback)
                        break
                if not hang_up:
                    done.wait(10)

        thread = threading.Thread(target=serve, name="pretender")
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            done.set()
            thread.join()


def publish_frame(topic: bytes, payload: bytes = b"", *, header: int = 0x30, mid: int | None = None) -> bytes:
    """A PUBLISH packet (MQTT 3.1.1 §3.3) of less than 128 octets."""
    body = len(topic).to_bytes(2, "big") + topic + (b"" if mid is None else mid.to_bytes(2, "big")) + payload
    return bytes([header, len(body)]) + body


SUBACK = b"\x90\x03\x00\x01\x01"


# --- what is heard ---


def test_retained_messages_are_told_apart_from_live_ones(broker: Mosquitto) -> None:
    """A message that the broker kept shows as retained, one that a device sends now does not; sizes are those sent."""
    broker.publish({"campus/lamp-1/light": b"on"}, retain=True)
    begin = SystemClock().now()
    answer = listen(broker.port, meanwhile=lambda: broker.publish({"campus/lamp-2/light": b"12345"}))
    broker.publish({"campus/lamp-1/light": b""}, retain=True)
    seen = [(m.kind, m.topic, m.device, m.retained, m.size, m.qos) for m in answer.messages]
    assert seen == [
        ("lighting", "campus/lamp-1/light", "lamp-1", True, 2, 1),
        ("lighting", "campus/lamp-2/light", "lamp-2", False, 5, 1),
    ]
    assert answer.dropped == 0
    assert 1000 <= answer.listened_ms < 1500
    times = [parse_time(m.at) for m in answer.messages]
    assert begin.replace(microsecond=0) <= times[0] <= times[1] <= SystemClock().now()


def test_payload_content_is_never_kept(broker: Mosquitto) -> None:
    """Ten megabytes arrive, are counted as ten megabytes, and nothing of them is in the answer."""
    payload = CANARY.encode() + bytes(10_000_000)
    answer = listen(broker.port, meanwhile=lambda: broker.publish({"campus/cam/light": payload}), seconds=2)
    assert [m.size for m in answer.messages] == [len(payload)]
    assert CANARY not in answer.to_bytes().decode()


def test_overlapping_filters_count_a_message_once() -> None:
    """Nested and crossing filters give each message once, as the first declared kind; a plain client gets copies."""
    topics = (
        Topic(kind="lab", filter="x/lab/+/state", device_level=2),
        Topic(kind="light", filter="x/+/lamp/#", device_level=2),
        Topic(kind="all", filter="x/#", device_level=1),
        Topic(kind="crossing", filter="+/lab/lamp/state", device_level=2),
    )
    names = ["x/lab/lamp/state", "x/lab/fan/state", "x/hall/lamp/a/b", "x/hall/door", "y/lab/lamp/state"]
    copies: list[str] = []
    with mosquitto(extra="allow_duplicate_messages true") as broker, broker.publisher() as naive:
        naive.on_message = lambda _c, _d, message: copies.append(message.topic)
        naive.subscribe([(topic.filter, 1) for topic in topics])
        answer = listen(broker.port, *topics, meanwhile=lambda: broker.publish(dict.fromkeys(names, b"1")))
    assert copies.count("x/lab/lamp/state") > 1, "the broker sends copies: this test can fail"
    assert sorted((m.kind, m.topic) for m in answer.messages) == [
        ("all", "x/hall/door"),
        ("crossing", "y/lab/lamp/state"),
        ("lab", "x/lab/fan/state"),
        ("lab", "x/lab/lamp/state"),
        ("light", "x/hall/lamp/a/b"),
    ]
    assert answer.dropped == 0


def test_equal_messages_of_one_device_are_two_messages(broker: Mosquitto) -> None:
    """A device that says the same twice over QoS 1 has spoken twice: only copies are dropped, not repetitions."""

    def twice() -> None:
        with broker.publisher() as client:
            for sent in [client.publish("campus/a/light", b"on", 1) for _ in range(2)]:
                sent.wait_for_publish(5)

    assert len(listen(broker.port, meanwhile=twice).messages) == 2


def test_a_redelivery_over_qos_1_is_not_a_second_message() -> None:
    """A packet that the broker sends again (DUP, same identifier and content) counts once; a new one counts."""
    first = publish_frame(b"campus/a/light", b"on", header=0x32, mid=7)
    again = publish_frame(b"campus/a/light", b"on", header=0x3A, mid=7)
    other = publish_frame(b"campus/a/light", b"off", header=0x32, mid=7)
    told = (CONNACK, SUBACK + first + again + other)
    with pretender(*told, hang_up=False, unsuback=b"\xb0\x02\x00\x02") as port:
        answer = listen(port)
    assert [m.size for m in answer.messages] == [2, 3]


def test_a_topic_too_short_for_its_device_level_is_dropped_and_counted(broker: Mosquitto) -> None:
    """A message that names no device is not invented into one: it is left out, and the answer says so."""
    deep = Topic(kind="air", filter="short/#", device_level=2)
    names = ("short/a", "short/a/sensor-1", "short/a/")
    answer = listen(broker.port, deep, meanwhile=lambda: broker.publish(dict.fromkeys(names, b"")))
    assert [m.device for m in answer.messages] == ["sensor-1"]
    assert answer.dropped == 2


def test_bad_utf8_never_reaches_the_answer(broker: Mosquitto) -> None:
    """Mosquitto refuses such topics; a broker that relays them costs one dropped message, not the conversation."""

    def crooked() -> None:
        with socket.create_connection((broker.host, broker.port), timeout=5) as peer:
            peer.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01z")
            assert peer.recv(4) == CONNACK
            peer.sendall(publish_frame(b"campus/\xff\xfe/light", b"x"))
            assert peer.recv(1) == b"", "the broker hangs up"

    assert listen(broker.port, meanwhile=crooked).messages == ()
    lying = SUBACK + publish_frame(b"campus/\xff\xfe/light") + publish_frame("campus/灯/light".encode())
    with pretender(CONNACK, lying, b"\xb0\x02\x00\x02", hang_up=False) as port:
        answer = listen(port)
    assert ([m.device for m in answer.messages], answer.dropped) == (["灯"], 1)


def test_a_flood_beyond_the_cap_hides_no_device(broker: Mosquitto) -> None:
    """Of 3001 messages 100 are kept and the rest counted; the quiet device is among them, and so is the last word."""

    def flood() -> None:
        with broker.publisher() as client:
            sent = [client.publish("campus/loud/light", str(n), 1) for n in range(2999)]
            sent.append(client.publish("campus/quiet/light", b"", 1))
            sent.append(client.publish("campus/loud/light", b"the end", 1))
            for one in sent:
                one.wait_for_publish(20)

    answer = listen(broker.port, cap=100, seconds=4, meanwhile=flood)
    assert (len(answer.messages), answer.dropped) == (100, 2901)
    assert [m.device for m in answer.messages[-2:]] == ["quiet", "loud"]
    assert answer.messages[-1].size == len("the end")


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans()), max_size=60),
    st.integers(1, 20),
)
def test_the_cap_keeps_as_many_speakers_as_it_can(spoken: list[tuple[str, bool]], cap: int) -> None:
    """Whatever is said: kept plus dropped is everything, the cap holds, and repetition never pushes out a newcomer."""
    topics = (Topic(kind="k", filter="t/+/#", device_level=1),)
    inbox = Inbox(Routes(topics), cap, 100, SystemClock())
    for number, (device, retained) in enumerate(spoken):
        inbox.take(0, f"t/{device}/{number}", number, 0, retained=retained)
    kept = inbox.messages()
    assert len(kept) + inbox.dropped == len(spoken)
    assert len(kept) == min(cap, len(spoken))
    assert [m.size for m in kept] == sorted(m.size for m in kept)
    speakers = {(m.device, m.retained) for m in kept}
    assert len(speakers) == min(cap, len(set(spoken)))
    for speaker in speakers:
        last = max(n for n, said in enumerate(spoken) if said == speaker)
        assert last in {m.size for m in kept}


# --- how it fails ---


def test_nobody_listening_is_unreachable() -> None:
    """A closed port is told as such, with host, phase and elapsed time."""
    port = free_port()
    error = gap(port)
    assert error.reason == GapReason.UNREACHABLE
    assert error.where.startswith(f"127.0.0.1:{port}, phase connect, after 0.")
    assert "refused" in str(error)
    assert error.todo


@pytest.mark.parametrize("login", [None, MqttLogin("agent", CANARY)], ids=["none", "wrong"])
def test_a_wrong_login_is_refused_and_shows_no_secret(login: MqttLogin | None) -> None:
    """CONNACK 4 or 5 ends as refused, at the first try, and the password is in no text."""
    with mosquitto(login=("agent", "right")) as broker:
        error = gap(broker.port, credentials=login)
        log = (broker.directory / "log").read_text()
    assert error.reason == GapReason.REFUSED
    assert "phase connect" in str(error)
    assert CANARY not in f"{error!s}{error!r}{error.values}{login!r}"
    assert log.count("not authorised") == 1


def test_a_right_login_is_let_in() -> None:
    """User name and password reach the broker."""
    with mosquitto(login=("agent", CANARY)) as broker:
        transport = MqttTransport("127.0.0.1", broker.port, MqttLogin("agent", CANARY))
        assert CANARY not in repr(transport)
        assert listen(broker.port, credentials=MqttLogin("agent", CANARY)).messages == ()


def test_a_forbidden_subscription_is_refused_by_name() -> None:
    """SUBACK 0x80 names the filter that the user may not read; silence would look like dead devices."""
    with mosquitto(login=("agent", "right"), readable=("campus/#",)) as broker:
        login = MqttLogin("agent", "right")
        other = Topic(kind="water", filter="plant/+/flow", device_level=1)
        error = gap(broker.port, LIGHT, other, credentials=login)
        assert listen(broker.port, LIGHT, credentials=login).messages == ()
    assert error.reason == GapReason.REFUSED
    assert "phase subscribe" in str(error)
    assert "plant/+/flow" in str(error)


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        b"\x15\x03\x03\x00\x02\x02\x46",
        b"\x00",
        b"\x20\x03\x00\x00\x00",
        b"\x20\xff\xff\xff\xff",
        CONNACK + b"\x10\x00",
        CONNACK + b"\x30\xff\xff\xff\xff\x7f",
        CONNACK + b"\x34\x08\x00\x04abcd\x00\x01",
        CONNACK + b"\x30\x02\x00\x09",
        CONNACK + b"\x90\x01\x00",
    ],
    ids=["ssh", "http", "tls", "zero", "connack", "length", "type", "varint", "qos2", "publish", "suback"],
)
def test_what_is_no_broker_is_malformed(reply: bytes) -> None:
    """Foreign or broken bytes end the conversation at once as malformed, never as a traceback."""
    began = time.monotonic()
    with pretender(reply, hang_up=False) as port:
        error = gap(port)
    assert error.reason == GapReason.MALFORMED
    assert "not an MQTT broker" in str(error)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("code", "reason"),
    [(1, "unsupported"), (2, "refused"), (3, "unreachable"), (4, "refused"), (5, "refused"), (77, "malformed")],
)
def test_every_connack_code_has_its_reason(code: int, reason: str) -> None:
    """CONNACK return codes (MQTT 3.1.1 §3.2.2.3), become the gap that tells them apart; others are no MQTT."""
    refusal = bytes([0x20, 2, 0, code])
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            server.settimeout(1)
            with contextlib.suppress(OSError):
                while True:  # code 1 makes the library try MQTT 3.1 on a second connection
                    with server.accept()[0] as peer:
                        peer.settimeout(2)
                        peer.recv(1000)
                        peer.sendall(refusal)

        thread = threading.Thread(target=serve)
        thread.start()
        error = gap(server.getsockname()[1])
        thread.join()
    assert error.reason == reason


def test_silence_ends_within_the_time_allowed() -> None:
    """A peer that accepts and says nothing is unreachable after connect_seconds."""
    began = time.monotonic()
    with pretender(b"", hang_up=False) as port:
        error = gap(port)
    assert (error.reason, error.values["otherwise"]) == (GapReason.UNREACHABLE, "no answer to CONNECT")
    assert 1.4 < time.monotonic() - began < 20


def test_hanging_up_is_unreachable() -> None:
    """A peer that closes before it answered CONNECT (connection limit, wrong protocol) says nothing about us."""
    with pretender(b"") as port:
        error = gap(port)
    assert error.reason == GapReason.UNREACHABLE
    assert "closed" in str(error)


def test_a_packet_above_the_limit_is_not_buffered(broker: Mosquitto) -> None:
    """A message larger than allowed ends the conversation with what to do, before it fills the memory."""
    small = MqttLimits(connect_seconds=1.5, close_seconds=1, max_packet_octets=100_000)
    error = gap(broker.port, limits=small, meanwhile=lambda: broker.publish({"campus/a/light": bytes(200_000)}))
    assert error.reason == GapReason.UNSUPPORTED
    assert "200018" in str(error)


def test_a_broker_that_dies_is_a_gap_not_silence() -> None:
    """Killed in the middle and gone: unreachable, naming what was heard before, when the time is over."""
    with mosquitto() as broker:
        broker.publish({"campus/a/light": b"1"}, retain=True)
        error = gap(broker.port, seconds=2, meanwhile=broker.kill)
    assert error.reason == GapReason.UNREACHABLE
    assert "phase listen" in str(error)
    assert error.values["messages"] == 1


def test_a_broker_that_comes_back_is_subscribed_again() -> None:
    """After a restart in the middle the listening goes on; the time without subscription is not counted."""
    with mosquitto() as broker:

        def flap() -> None:
            broker.kill()
            time.sleep(0.5)
            broker.start()
            broker.publish({"campus/back/light": b"1"}, retain=True)

        answer = listen(broker.port, seconds=4, meanwhile=flap)
    assert [m.device for m in answer.messages] == ["back"]
    assert 0 < answer.listened_ms < 3800, "half a second without a broker is not counted"


def test_retained_messages_repeated_after_a_reconnect_count_once() -> None:
    """Each new subscription brings the retained messages again; they are the same messages."""
    frames = SUBACK + publish_frame(b"campus/a/light", header=0x31)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for last in (False, True):
                with server.accept()[0] as peer:
                    peer.settimeout(5)
                    for reply in (CONNACK, frames):
                        peer.recv(1000)
                        peer.sendall(reply)
                    if last:
                        peer.recv(1000)
                        peer.sendall(b"\xb0\x02\x00\x02")
                        peer.recv(1000)
                    else:
                        time.sleep(0.2)

        thread = threading.Thread(target=serve)
        thread.start()
        answer = listen(server.getsockname()[1], seconds=2)
        thread.join()
    assert len(answer.messages) == 1


def test_a_broker_that_freezes_is_a_gap_not_silence() -> None:
    """A connection that stays open while the broker no longer answers does not pass for quiet devices."""
    with mosquitto() as broker:
        assert broker.process
        frozen = broker.process.pid
        try:
            error = gap(broker.port, meanwhile=lambda: os.kill(frozen, signal.SIGSTOP))
        finally:
            os.kill(frozen, signal.SIGCONT)
    assert error.reason == GapReason.UNREACHABLE
    assert "stopped answering" in str(error)


def test_keepalive_notices_a_frozen_broker_while_listening() -> None:
    """During a long listening the ping finds the dead connection, well before the end."""
    limits = MqttLimits(connect_seconds=1, close_seconds=1, keepalive_seconds=1, reconnect_seconds=0.1)
    with mosquitto() as broker:
        assert broker.process
        frozen = broker.process.pid

        def nap() -> None:
            os.kill(frozen, signal.SIGSTOP)
            time.sleep(3.5)
            os.kill(frozen, signal.SIGCONT)

        answer = listen(broker.port, seconds=7, limits=limits, meanwhile=nap)
    assert answer.listened_ms < 6500, "the time without connection is not counted"


class BrokenClock(SystemClock):
    """A clock that fails: whatever goes wrong while a message is taken."""

    def now(self) -> datetime:
        """Fail."""
        raise RuntimeError("no time")


def test_an_error_while_taking_a_message_does_not_end_the_conversation(broker: Mosquitto) -> None:
    """Messages that cannot be taken are lost and counted; the conversation goes on to its end."""

    async def conversation() -> MqttMessages:
        transport = MqttTransport("127.0.0.1", broker.port, limits=QUICK, clock=BrokenClock())
        publish = asyncio.create_task(_later(lambda: broker.publish({f"campus/{n}/light": b"" for n in range(5)}), 0.3))
        answer = await transport.exchange(MqttListen(topics=(LIGHT,), seconds=1))
        await publish
        assert isinstance(answer, MqttMessages)
        return answer

    answer = asyncio.run(conversation())
    assert (answer.messages, answer.dropped) == ((), 5)
    assert answer.listened_ms >= 1000


def test_a_caller_that_stops_waiting_leaves_nothing_running(broker: Mosquitto) -> None:
    """Cancelling ends thread and socket within a fraction of a second, not at the end of the listening time."""

    async def conversation() -> float:
        transport = MqttTransport("127.0.0.1", broker.port, limits=QUICK)
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await transport.exchange(MqttListen(topics=(LIGHT,), seconds=60))
        await transport.close()
        return time.monotonic() - began

    assert asyncio.run(conversation()) < 20


def test_closing_ends_a_running_exchange_with_a_gap(broker: Mosquitto) -> None:
    """`close` from elsewhere ends the conversation at once; it may be called again."""

    async def conversation() -> GapError:
        transport = MqttTransport("127.0.0.1", broker.port, limits=QUICK)
        running = asyncio.create_task(transport.exchange(MqttListen(topics=(LIGHT,), seconds=60)))
        await asyncio.sleep(0.3)
        await transport.close()
        await transport.close()
        with pytest.raises(GapError) as caught:
            await running
        return caught.value

    assert "stopped" in str(asyncio.run(conversation()))


def test_a_host_that_does_not_resolve_is_unreachable() -> None:
    """A name that cannot be one is told in the phase that found it."""
    error = gap(1883, host="broker..example")
    assert error.reason == GapReason.UNREACHABLE
    assert "phase resolve" in str(error)


def test_a_name_is_resolved_and_its_addresses_are_tried_in_turn(broker: Mosquitto) -> None:
    """`localhost` works although the broker listens on one of its addresses only; so does a second address."""
    assert listen(broker.port, host="localhost").messages == ()
    addresses = [
        (socket.AF_INET, ("127.0.0.1", free_port())),
        (socket.AF_INET, (broker.host, broker.port)),
    ]
    found = dial(addresses, None, 1000, time.monotonic() + 2, threading.Event())
    found.close()


def test_dialling_stops_when_told() -> None:
    """A connection attempt that would take long ends when its owner stops it."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, contextlib.ExitStack() as full:
        for _ in range(3):  # fill the backlog: further SYNs stay unanswered
            waiting = full.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        threading.Timer(0.3, stop.set).start()
        began = time.monotonic()
        with pytest.raises(StoppedError):
            dial([(socket.AF_INET, server.getsockname())], None, 1000, began + 20, stop)
        assert time.monotonic() - began < 15, "not at the end of the 20 s that it may take"


def test_a_request_for_another_protocol_is_unsupported(broker: Mosquitto) -> None:
    """An SNMP question to a broker is a gap that says what to correct."""
    with pytest.raises(GapError) as caught:
        asyncio.run(MqttTransport("127.0.0.1", broker.port).exchange(SnmpGet(oids=("1.3.6.1.2.1.1.1.0",))))
    assert caught.value.reason == GapReason.UNSUPPORTED


@pytest.mark.parametrize("wrong", ["", "a/#/b", "a+", "#a", "a\0b", "\ud800", "x" * 65_536])
def test_a_wrong_filter_is_not_sent(wrong: str, broker: Mosquitto) -> None:
    """A filter that breaks the rules of MQTT 3.1.1 §4.7 is named; the broker never sees it."""
    error = gap(broker.port, Topic.model_construct(kind="x", filter=wrong, device_level=0))
    assert error.reason == GapReason.UNSUPPORTED


# --- TLS ---


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, made by openssl."""
    place = tmp_path_factory.mktemp("tls")
    certificate, key = place / "broker.pem", place / "broker.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    return certificate, key


def test_tls_is_verified(certificate: tuple[Path, Path]) -> None:
    """A trusted certificate lets messages through; an unknown issuer or another name is refused."""
    with mosquitto(tls=certificate) as broker:
        trusted = tls_context(certificate[0])
        assert listen(broker.port, host="localhost", tls=trusted).messages == ()
        unknown = gap(broker.port, host="localhost", tls=tls_context())
        misnamed = gap(broker.port, host="127.0.0.1", tls=trusted)
        plain = gap(broker.port, host="localhost")
    assert [unknown.reason, misnamed.reason] == [GapReason.REFUSED, GapReason.REFUSED]
    assert "self-signed" in str(unknown)
    assert plain.reason in (GapReason.MALFORMED, GapReason.UNREACHABLE)
    assert "TLS" in plain.todo


def test_tls_to_a_plain_broker_is_malformed(broker: Mosquitto, certificate: tuple[Path, Path]) -> None:
    """A port without TLS ends the handshake as such, or is unreachable where the peer only hangs up."""
    error = gap(broker.port, host="localhost", tls=tls_context(certificate[0]))
    assert error.reason in (GapReason.MALFORMED, GapReason.UNREACHABLE)
    with pretender(b"220 mail.example ESMTP\r\n", hang_up=False) as port:
        assert gap(port, tls=tls_context(certificate[0])).reason == GapReason.MALFORMED


def test_tls_files_that_do_not_work_are_a_configuration_error(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    """A missing file, or a key that wants a passphrase, is told by name and never asks on the terminal."""
    with pytest.raises(ConfigError, match="missing"):
        tls_context(tmp_path / "missing.pem")
    locked = tmp_path / "locked.key"
    subprocess.run(
        ["openssl", "ec", "-in", str(certificate[1]), "-aes256", "-passout", "pass:1234", "-out", str(locked)],
        check=True,
        capture_output=True,
        timeout=30,
    )
    with pytest.raises(ConfigError, match="passphrase"):
        tls_context(None, certificate[0], locked)


# --- topic filters and frames ---

LEVELS = ("a", "b", "$s", "")
TOPICS = ["/".join(levels) for depth in (1, 2, 3) for levels in product(LEVELS, repeat=depth)]
FILTERS = ["/".join(levels) for depth in (1, 2, 3) for levels in product((*LEVELS, "+"), repeat=depth)]
FILTERS += ["#"] + ["/".join([*levels, "#"]) for depth in (1, 2) for levels in product(("a", "b", "+"), repeat=depth)]
FILTERS = [text for text in FILTERS if text]
TOPICS = [text for text in TOPICS if text]


def test_filters_match_as_the_specification_says() -> None:
    """`covers` with a topic name agrees with an independent implementation, for every small case."""
    for wanted in FILTERS:
        for name in TOPICS:
            assert covers(wanted, name) == topic_matches_sub(wanted, name), (wanted, name)


@given(st.sampled_from(FILTERS), st.sampled_from(FILTERS))
@example("a/#", "a")
@example("#", "$s/a")
@example("+/+", "a/#")
def test_cover_and_overlap_are_what_their_topics_say(one: str, two: str) -> None:
    """`covers` is inclusion, `overlap` a common topic, checked against every topic of up to four levels."""
    topics = TOPICS + [f"{name}/{level}" for name in TOPICS for level in LEVELS]
    mine = {name for name in topics if topic_matches_sub(one, name)}
    other = {name for name in topics if topic_matches_sub(two, name)}
    assert overlap(one, two) == bool(mine & other)
    if covers(one, two):
        assert other <= mine
    assert covers(one, one)


@given(st.lists(st.sampled_from(FILTERS), min_size=1, max_size=6), st.sampled_from(TOPICS))
def test_each_message_counts_on_exactly_one_connection(filters: list[str], name: str) -> None:
    """However filters overlap: one connection carries the topic once and counts it, and only if it is wanted."""
    topics = tuple(Topic(kind=str(n), filter=text, device_level=0) for n, text in enumerate(filters))
    routes = Routes(topics)
    for carried in routes.connections:
        assert all(not overlap(a, b) for n, a in enumerate(carried) for b in carried[n + 1 :])
    wanted = [topic for topic in topics if topic_matches_sub(topic.filter, name)]
    found = routes.find(name)
    assert (found is None) == (not wanted)
    if found:
        assert found[0] == wanted[0]
        assert sum(topic_matches_sub(text, name) for text in routes.connections[found[1]]) == 1


def test_topic_filters_are_recognised() -> None:
    """Filters of the specification's own kind are accepted."""
    assert all(is_filter(text) for text in ["a", "/", "+", "#", "+/+", "a/+/b/#", "$SYS/#", "灯/+", " "])


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=8))
@example(CONNACK + SUBACK + publish_frame(b"a", b"b"), [1, 2, 3, 5])
@example(CONNACK + b"\x30\xff\xff\xff\x7f", [5])
def test_the_guard_does_not_depend_on_how_bytes_arrive(data: bytes, cuts: list[int]) -> None:
    """Whole or in pieces, the same bytes lead to the same verdict, and never to another exception."""

    def verdict(pieces: list[bytes]) -> str:
        guard = FrameGuard(1000)
        try:
            for piece in pieces:
                guard.feed(piece)
        except ConnectionError as error:
            return f"{type(error).__name__} {error}"
        return f"fine {guard.received}"

    marks = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    assert verdict([data]) == verdict([data[a:b] for a, b in pairwise(marks)])


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_the_guard_lets_a_broker_through(payloads: list[bytes]) -> None:
    """Messages of any size below the limit, one after another, are followed to their exact ends."""
    guard = FrameGuard(1000)
    guard.feed(CONNACK)
    for payload in payloads:
        size = 3 + len(payload)
        length = bytes([size]) if size < 128 else bytes([size & 0x7F | 0x80, size >> 7])
        guard.feed(b"\x30" + length + b"\x00\x01t" + payload)
    guard.feed(SUBACK)
