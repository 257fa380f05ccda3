"""The agent's own server as a conversation: psutil, the kernel's clock discipline, and chrony where it runs.

Nothing leaves the machine, and nothing that identifies it: addresses are counted by family and scope. Whether the
clock is synchronised is what chrony says; without chrony, what the kernel says (adjtimex, which timedatectl shows as
well): systemd-timesyncd, ntpd and virtual machines all tell the kernel. An error bound of 16 seconds is the kernel's
way to say that nobody has set the clock.
"""

from __future__ import annotations

import asyncio
import ctypes
import ipaddress
import os
import socket
import subprocess
import time
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, NamedTuple

import psutil

from agent.canonical import decimal_text
from agent.clock import boot_id
from agent.errors import GapError
from agent.model.exchange import GapReason, HostAddress, HostFacts, HostState
from agent.model.inet import scope_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent.model.exchange import Request, Response

__all__ = ["ClockState", "HostTransport", "chrony_clock", "kernel_clock"]

_CHRONY = ("chronyc", "-n", "-c", "tracking")
"""Comma-separated values, addresses as numbers so that no name is looked up; asks the local daemon only."""
_CHRONY_SECONDS = 5
_MAX_ERROR_US = 16_000_000
"""NTP_PHASE_LIMIT of Linux: the error bound of a clock that is not disciplined stops growing here."""


class ClockState(NamedTuple):
    """Whether the clock is synchronised, who says so, and the largest error that it admits."""

    state: Literal["synchronised", "unsynchronised", "unknown"]
    source: Literal["chrony", "kernel", "none"]
    error_ms: str | None = None


class HostTransport:
    """Answers `HostFacts` from the operating system.

    Args:
        state: the directory whose file system must not fill up.
    """

    def __init__(self, state: Path) -> None:
        self._state = state

    async def exchange(self, request: Request) -> Response:
        """Look at the server, in a thread: a file system may hang.

        Raises:
            GapError: another request than `HostFacts`.
        """
        if not isinstance(request, HostFacts):
            raise GapError(
                GapReason.UNSUPPORTED,
                "the agent's own server is not asked by {op}",
                todo="Ask it of an asset whose family has another transport",
                op=request.op,
            )
        return await asyncio.to_thread(self._look)

    async def close(self) -> None:
        """Nothing is open."""

    def _look(self) -> HostState:
        disk = psutil.disk_usage(str(self._state))
        memory = psutil.virtual_memory()
        clock = chrony_clock() or kernel_clock()
        return HostState(
            disk_total=str(disk.total),
            disk_free=str(disk.free),
            memory_total=str(memory.total),
            memory_available=str(memory.available),
            load=tuple(_number(each) for each in os.getloadavg()),
            cpus=psutil.cpu_count(),
            uptime_seconds=str(int(time.clock_gettime(time.CLOCK_BOOTTIME))),
            boot_id=boot_id(),
            clock=clock.state,
            clock_source=clock.source,
            clock_error_ms=clock.error_ms,
            addresses=_addresses(),
        )


def _number(value: float) -> str:
    return decimal_text(str(Decimal(value).quantize(Decimal("0.01"))))


def _addresses() -> tuple[HostAddress, ...]:
    families: dict[int, Literal["ipv4", "ipv6"]] = {socket.AF_INET: "ipv4", socket.AF_INET6: "ipv6"}
    found = Counter(
        (families[each.family], scope_of(ipaddress.ip_address(each.address.split("%")[0]).packed))
        for addresses in psutil.net_if_addrs().values()
        for each in addresses
        if each.family in families
    )
    return tuple(HostAddress(family=family, scope=scope, count=found[family, scope]) for family, scope in sorted(found))


# --- the clock ----------------------------------------------------------------------------------------------------


def chrony_clock(command: Sequence[str] = _CHRONY) -> ClockState | None:
    """Return what chronyd says; None where it is not installed, does not run or does not answer.

    The error bound is half the root delay and the root dispersion beside the remaining correction (RFC 5905 §11.2).
    """
    try:
        said = subprocess.run(  # noqa: S603 (a fixed command without any input)
            command, check=False, capture_output=True, timeout=_CHRONY_SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    fields = said.stdout.decode("ascii", "replace").strip().split(",")
    if said.returncode or len(fields) != 14:
        return None
    try:
        offset, delay, dispersion = (Decimal(fields[at]) for at in (4, 10, 11))
    except ArithmeticError:
        return None
    if fields[13] == "Not synchronised":
        return ClockState("unsynchronised", "chrony")
    error = (abs(offset) + delay / 2 + dispersion) * 1000
    return ClockState("synchronised", "chrony", decimal_text(str(error.quantize(Decimal("0.001")))))


class _Timex(ctypes.Structure):
    """The beginning of struct timex (adjtimex(2)); the rest of it, whatever its size, fits the padding."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("padding", ctypes.c_char * 512),
    )


def kernel_clock() -> ClockState:
    """Return what the kernel says of its clock; `unknown` where it cannot be asked."""
    timex = _Timex()  # modes 0: nothing is set, no privilege is needed
    try:
        said = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return ClockState("unknown", "none")
    if said < 0:
        return ClockState("unknown", "none")
    if timex.maxerror >= _MAX_ERROR_US:
        return ClockState("unsynchronised", "kernel")
    return ClockState("synchronised", "kernel", decimal_text(str(Decimal(timex.maxerror) / 1000)))
