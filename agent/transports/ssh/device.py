"""The device as a peer: where it is, who we are to it, the bounds of a session, the gaps that it can end in."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from agent.errors import GapError
from agent.model.exchange import GapReason

__all__ = ["Device", "SshLimits", "SshLogin"]


@dataclass(frozen=True, slots=True)
class SshLogin:
    """Who we are: a user name, and a password or a private key (PEM or OpenSSH text, not encrypted)."""

    username: str = field(repr=False)
    password: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SshLimits:
    """Bounds of one session."""

    connect_seconds: float = 10.0
    """Resolve and TCP."""
    handshake_seconds: float = 20.0
    """Banner, key exchange; old switches calculate for seconds."""
    login_seconds: float = 30.0
    """From the opened shell to a prompt with paging off."""
    max_output_octets: int = 5 * 2**20
    max_pages: int = 2000
    """Pages of one command."""
    settle_seconds: float = 0.15
    """Silence after what looks like a prompt, before it is taken for one."""
    close_seconds: float = 2.0
    """For the device to end the session after it was told to."""


@dataclass(frozen=True, slots=True)
class Device:
    """Where the conversation goes."""

    host: str
    port: int
    started: float
    """`time.monotonic` when the exchange began, for elapsed times in gaps."""

    def gap(self, reason: GapReason, phase: str, what: str, todo: str = "", **values: object) -> GapError:
        """Return the gap that names host, phase and elapsed time."""
        elapsed = time.monotonic() - self.started
        return GapError(
            reason, what, where=f"{self.host}:{self.port}, phase {phase}, after {elapsed:.1f} s", todo=todo, **values
        )

    def unreachable(self, phase: str, why: str) -> GapError:
        """Return the gap for a connection that does not come about."""
        return self.gap(
            GapReason.UNREACHABLE,
            phase,
            "no SSH connection: {why}",
            todo="Check address, port and firewall, that SSH is enabled on the device, and that a line (VTY) is free",
            why=why,
        )

    def not_let_in(self, phase: str) -> GapError:
        """Return the gap for a login that the device refused."""
        return self.gap(
            GapReason.REFUSED,
            phase,
            "the device refused the user or the password or key",
            todo="Check the credential of this asset; it is tried once a run, so that no account gets locked",
        )

    def lost(self, phase: str) -> GapError:
        """Return the gap for a connection that ended in the middle."""
        return self.gap(
            GapReason.UNREACHABLE,
            phase,
            "the device closed the SSH connection",
            todo="Check that no other user or idle timeout ends the session, and that this user may run the command",
        )

    def slow(self, phase: str, seconds: float) -> GapError:
        """Return the gap for a device that takes longer than it may."""
        return self.gap(
            GapReason.DEADLINE,
            phase,
            "no prompt within {seconds} s",
            todo="Log in by hand with the same user: the prompt must come without further questions",
            seconds=f"{seconds:g}",
        )

    def stopped(self, phase: str) -> GapError:
        """Return the gap for a session that its owner ended."""
        return self.gap(
            GapReason.UNREACHABLE, phase, "the session was stopped before its end", todo="Let the agent measure again"
        )
