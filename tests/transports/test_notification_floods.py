"""One receiver of notifications over time: floods, runs that come and go, ports that cannot be had."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import ber
from agent.clock import SystemClock
from agent.errors import GapError, UsageError
from agent.model.exchange import SnmpColumn, SnmpGet, SnmpNotifications
from agent.transports.notifications import (
    NotificationLimits,
    NotificationReceiver,
    NotificationTransport,
    Peer,
    Peers,
)
from agent.transports.notifications.shelf import Shelf
from agent.transports.snmp import Community
from tests.peers.trapper import (
    SWITCH,
    USER,
    Sender,
    kind_of,
    listening,
    send,
    v2c_trap,
)

if TYPE_CHECKING:
    from agent.model.exchange import Notifications

# --- floods -------------------------------------------------------------------------------------------------------


def test_a_flood_is_bounded_counted_and_hides_no_other_device() -> None:
    """20,000 traps from one device: all accounted for, the loop stays quick, and one trap of another gets through."""
    flood = 20_000
    limits = NotificationLimits(waiting=200, kept=100)

    async def main() -> tuple[Notifications, Notifications, float]:
        slowest = 0.0
        async with listening(limits=limits) as receiver:

            async def watch() -> None:
                nonlocal slowest
                while True:
                    before = time.monotonic()
                    await asyncio.sleep(0.005)
                    slowest = max(slowest, time.monotonic() - before)

            watcher = asyncio.create_task(watch())
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noisy:
                for number in range(flood):
                    noisy.sendto(v2c_trap(number), ("127.0.0.1", receiver.port))
                    if number == flood // 2:
                        await Sender(receiver.port, USER, "udp6:[::1]").trap()
                    if number % 50 == 0:
                        await asyncio.sleep(0)
            first = await receiver.take(30)
            second = await receiver.take(0)
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
        return first, second, slowest

    found, rest, slowest = asyncio.run(main())
    senders = Counter(one.sender for one in found.notifications)
    assert senders["ups1"] == 1
    assert 2 <= senders["sw1"] < limits.kept
    assert {kind_of(one) for one in found.notifications} == {"1.3.6.1.6.3.1.1.5.3", "1.3.6.1.6.3.1.1.5.2"}
    assert len(found.notifications) + found.dropped == flood + 1
    assert rest.notifications == ()
    assert slowest < 1


def test_the_last_datagrams_that_the_kernel_dropped_are_counted_with_the_next() -> None:
    """While the loop is busy the kernel's buffer runs over; nothing is lost without a word."""

    async def main() -> int:
        async with listening(limits=NotificationLimits(waiting=10, share=1)) as receiver:
            large = ber.encode_varbind(ber.oid_bytes("1.3.6.1.2.1.1.1.0"), ber.OCTET_STRING, bytes(60_000))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noisy:
                for number in range(1000):  # without a turn of the loop
                    noisy.sendto(v2c_trap(number, more=large), ("127.0.0.1", receiver.port))
            total = 0
            for _ in range(3):
                found = await receiver.take(1)
                total += len(found.notifications) + found.dropped
                await send(receiver, v2c_trap(-2 - total))
            return total

    assert asyncio.run(main()) >= 1000


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 40)), max_size=100), st.integers(40, 200))
def test_the_shelf_is_bounded_in_octets(items: list[tuple[str, int]], most: int) -> None:
    """Large datagrams fill no memory, whoever sends them, and taking by turns gives back what was added."""
    shelf: Shelf[int] = Shelf(1_000, most)
    for number, (sender, octets) in enumerate(items):
        shelf.add(sender, number, number, octets)
    left = len(shelf)
    taken: list[int] = []
    while (item := shelf.next()) is not None:
        taken.append(item)
    assert sum(items[number][1] for number in taken) <= most
    assert len(taken) + shelf.dropped == len(items)
    assert (len(taken), len(shelf)) == (left, 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=200), st.integers(1, 12))
def test_the_shelf_keeps_the_last_word_of_the_quiet(items: list[tuple[str, int]], room: int) -> None:
    """Never more than its room, nothing uncounted, and whoever has less than a fair share loses nothing."""
    shelf: Shelf[int] = Shelf(room)
    for number, (sender, topic) in enumerate(items):
        shelf.add(sender, topic, number)
    kept = shelf.take_all()
    assert len(kept) + shelf.dropped == len(items)
    assert len(kept) <= room
    assert kept == sorted(kept)
    count = Counter(sender for sender, _ in items)
    for sender, sent in count.items():
        if sent <= room // len(count):
            assert sum(items[number][0] == sender for number in kept) == sent
        last = max(number for number, item in enumerate(items) if item[0] == sender)
        assert last in kept or not any(items[number][0] == sender for number in kept)


# --- one receiver for all runs ------------------------------------------------------------------------------------


def ask(seconds: int = 0) -> SnmpNotifications:
    return SnmpNotifications(seconds=seconds, columns=(SnmpColumn(oid="1.3.6.1.6.3.1.1.4.1"),))


def test_what_comes_between_two_runs_is_taken_by_the_next() -> None:
    """A run's transport opens and closes; the receiver goes on listening, and nothing is told twice."""

    async def main() -> list[int]:
        receiver = NotificationReceiver(identity="school/traps", clock=SystemClock())
        counts = []
        try:
            for wait in (0, 1, 0):
                transport = NotificationTransport(receiver, ("127.0.0.1", 0), Peers((SWITCH,)))
                found = await transport.exchange(ask(wait))
                await transport.close()
                counts.append(len(found.notifications))
                if len(counts) == 1:
                    await send(receiver, v2c_trap(2), v2c_trap(3))
            return counts
        finally:
            await receiver.close()

    assert asyncio.run(main()) == [0, 2, 0]


def test_waiting_ends_with_the_first_notification_and_never_late() -> None:
    """The wait is up to `seconds`, not always that long."""

    async def main() -> tuple[float, float]:
        async with listening() as receiver:
            begun = time.monotonic()
            assert (await receiver.take(1)).notifications == ()
            silent = time.monotonic() - begun
            asyncio.get_running_loop().call_later(0.2, lambda: asyncio.ensure_future(send(receiver, v2c_trap())))
            begun = time.monotonic()
            assert len((await receiver.take(20)).notifications) == 1
            return silent, time.monotonic() - begun

    silent, waited = asyncio.run(main())
    assert 0.9 < silent < 2
    assert waited < 5


def test_a_cancelled_wait_loses_nothing() -> None:
    """A deadline that ends the asking leaves what comes for the next run."""

    async def main() -> int:
        async with listening() as receiver:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await receiver.take(10)
            await send(receiver, v2c_trap())
            return len((await receiver.take(1)).notifications)

    assert asyncio.run(main()) == 1


def test_a_new_campus_file_counts_at_once() -> None:
    """Another port, another community, another asset: from the next run on, without losing what has arrived."""

    async def main() -> tuple[int, list[str], int]:
        async with listening(place=("127.0.0.1", 0)) as receiver:
            before = receiver.port
            await send(receiver, v2c_trap(2))
            await asyncio.sleep(0.1)
            renamed = Peer("sw9", "localhost", Community("2c", b"new-community"))
            await receiver.open(("::", 0), Peers((renamed,)))
            await send(receiver, v2c_trap(4), v2c_trap(6, b"new-community"))
            await asyncio.sleep(0.1)
            found = await receiver.take(1)
            return before - receiver.port, [one.sender for one in found.notifications], found.refused

    moved, senders, refused = asyncio.run(main())
    assert moved != 0
    assert (senders, refused) == (["sw1", "sw9"], 1)


def test_a_port_in_use_says_what_to_do() -> None:
    """A gap, not a traceback; and when the port is free again, the next run has it."""

    async def main() -> tuple[GapError, int]:
        receiver = NotificationReceiver(identity="school/traps", clock=SystemClock())
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                other.bind(("127.0.0.1", 0))
                place = ("127.0.0.1", other.getsockname()[1])
                with pytest.raises(GapError) as caught:
                    await receiver.open(place, Peers())
            await receiver.open(place, Peers())
            return caught.value, receiver.port - place[1]
        finally:
            await receiver.close()

    gap, difference = asyncio.run(main())
    assert gap.reason == "unreachable"
    assert "another program" in str(gap)
    assert "campus file" in str(gap)
    assert difference == 0


@pytest.mark.parametrize("place", ["192.0.2.1", "no-such-host.invalid", "x" * 300])
def test_an_address_that_is_not_ours_says_what_to_do(place: str) -> None:
    """Another machine's address, or no name at all."""

    async def main() -> None:
        await NotificationReceiver(identity="school/traps", clock=SystemClock()).open((place, 0), Peers())

    with pytest.raises(GapError, match="one of this machine"):
        asyncio.run(main())


UNPRIVILEGED = """
import asyncio, encodings.idna, os
from agent.clock import SystemClock
from agent.errors import GapError
from agent.transports.notifications import NotificationReceiver, Peers
async def main():
    await asyncio.to_thread(int)  # the rest of Python may be out of reach without privilege
    if os.geteuid() == 0:
        os.setgroups([]); os.setgid(65534); os.setuid(65534)
    receiver = NotificationReceiver(identity="x", clock=SystemClock())
    try:
        await receiver.open(("127.0.0.1", 162), Peers())
    except GapError as gap:
        print(gap.reason, gap)
    finally:
        await receiver.close()
asyncio.run(main())
"""


def test_without_privilege_the_way_out_is_named() -> None:
    """Port 162 needs a capability: the gap names it, and the port that needs none."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text(encoding="ascii"))
    if lowest <= 162:
        pytest.skip("this machine lets everybody have port 162")
    done = subprocess.run([sys.executable, "-c", UNPRIVILEGED], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.startswith("refused "), done.stderr[-500:]
    assert "1162" in done.stdout
    assert "CAP_NET_BIND_SERVICE" in done.stdout


def test_other_requests_are_a_defect_of_the_caller() -> None:
    """A receiver answers nothing but what it is for."""

    async def main() -> None:
        receiver = NotificationReceiver(identity="school/traps", clock=SystemClock())
        transport = NotificationTransport(receiver, ("127.0.0.1", 0), Peers())
        await transport.exchange(SnmpGet(oids=("1.3.6.1.2.1.1.1.0",)))

    with pytest.raises(UsageError):
        asyncio.run(main())


def test_listening_leaves_nothing_open() -> None:
    """Ten receivers one after the other: no socket, task or thread is left, and closing twice is fine."""

    async def main() -> tuple[int, int]:
        async with listening():
            pass
        before = sum(1 for _ in Path("/proc/self/fd").iterdir())
        for _ in range(9):
            async with listening() as receiver:
                await receiver.close()
        return sum(1 for _ in Path("/proc/self/fd").iterdir()) - before, len(asyncio.all_tasks()) - 1

    assert asyncio.run(main()) == (0, 0)
