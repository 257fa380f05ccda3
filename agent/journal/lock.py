"""The writer's lock of a journal: one process writes it, and others may see that one does."""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

from agent.errors import JournalBusyError, JournalError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_locked", "take_lock"]

_GLANCE = 0.1
"""Seconds; `is_locked` takes the lock for microseconds."""


def take_lock(directory: Path) -> int:
    """Take the writer's lock; it goes with the descriptor returned, or with the process.

    Raises:
        JournalBusyError: another process has it.
    """
    descriptor = os.open(directory / "journal.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_GLANCE)  # somebody may only look whether it is taken
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise JournalBusyError(
            "another process is writing this journal",
            where=str(directory),
            todo="stop the other campus-agent, or give this one its own state directory",
        ) from error
    return descriptor


def is_locked(directory: Path) -> bool:
    """Tell whether another process writes the journal, the service most likely; nothing stays taken.

    Raises:
        JournalError: this user may not look.
    """
    try:
        descriptor = os.open(directory / "journal.lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise JournalError(
            "the journal cannot be opened: {why}",
            where=str(directory),
            todo="check the owner, the mode and the free space of this directory",
            why=error.strerror or str(error),
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
