"""Tells the service manager how the service is: the sd_notify protocol, in a few lines and without a library.

    READY=1
    STATUS=polling 12 assets

One datagram of such lines goes to the socket named by NOTIFY_SOCKET: a path, or `@name` for an abstract one.
Without a service manager there is no such variable, and every call does nothing. Nothing here blocks or raises: a
service must not fail, or hang, because its manager does not listen. Each call returns whether the manager's socket
took the message. Source: sd_notify(3), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import os
import socket
import time

__all__ = ["ready", "reloading", "status", "stopping", "watchdog", "watchdog_interval"]

LONGEST_STATUS = 300
"""Characters; `systemctl status` shows one line."""


def ready(text: str = "") -> bool:
    """Say that the service is up, or that a reload has ended; signal handlers must be installed before."""
    return _send("READY=1", *_status(text))


def status(text: str) -> bool:
    """Set the line that `systemctl status` shows."""
    return _send(*_status(text))


def watchdog() -> bool:
    """Say that the service is alive; about three times per `watchdog_interval`, and only while it truly is."""
    return _send("WATCHDOG=1")


def reloading(text: str = "") -> bool:
    """Say that the configuration is being read again; `ready` ends it."""
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    return _send("RELOADING=1", f"MONOTONIC_USEC={now}", *_status(text))


def stopping(text: str = "") -> bool:
    """Say that the service is going down; no `watchdog` is expected after it."""
    return _send("STOPPING=1", *_status(text))


def watchdog_interval() -> float | None:
    """Return the seconds after which the manager takes a silent service for dead; None where it does not watch.

    WATCHDOG_USEC holds the time; WATCHDOG_PID, where present, the process that is meant.
    """
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    meant = os.environ.get("WATCHDOG_PID", "")
    if meant and meant != str(os.getpid()):
        return None
    if not (microseconds.isascii() and microseconds.isdigit()) or len(microseconds) > 20 or int(microseconds) == 0:
        return None
    return int(microseconds) / 1_000_000


def _send(*lines: str) -> bool:
    name = os.environ.get("NOTIFY_SOCKET", "")
    if len(name) < 2 or name[0] not in "/@" or not lines:  # also systemd's vsock addresses, for virtual machines
        return False
    address = "\0" + name[1:] if name.startswith("@") else name
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.connect(address)
            sock.send("\n".join(lines).encode("utf-8", "replace"), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
    except OSError:
        return False
    return True


def _status(text: str) -> tuple[str, ...]:
    """Return the assignment for a status, on one line: a line break in it would be taken for another assignment."""
    return (f"STATUS={' '.join(text.split())[:LONGEST_STATUS]}",) if text.split() else ()
