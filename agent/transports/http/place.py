"""Where a conversation goes, and the gaps that it can end in."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.errors import GapError, MalformedError
from agent.language import N_
from agent.model.exchange import GapReason

if TYPE_CHECKING:
    from agent.model.http import Login

__all__ = ["Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """A device's HTTP interface."""

    scheme: str
    host: str
    port: int
    started: float = field(default_factory=time.monotonic)
    """When the exchange began, for elapsed times in gaps."""

    @property
    def url(self) -> str:
        """The address without path; a zone of an IPv6 address stays as it is."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def gap(self, reason: GapReason, what: str, todo: str = "", **values: object) -> GapError:
        """Return the gap that names the place and the elapsed time."""
        elapsed = time.monotonic() - self.started
        return GapError(reason, what, where=f"{self.url}, after {elapsed:.1f} s", todo=todo, **values)

    def unreachable(self, why: str) -> GapError:
        """Return the gap of a connection that does not come about or breaks."""
        return self.gap(
            GapReason.UNREACHABLE,
            "the device cannot be reached: {why}",
            todo="Check that it is switched on, its address and port in the campus file, and the firewalls in between",
            why=why,
        )

    def slow(self, seconds: float) -> GapError:
        """Return the gap of an answer that does not come in time."""
        return self.gap(
            GapReason.UNREACHABLE,
            "the device did not answer within {seconds} s",
            todo="Open its own page from this server: if that is slow too, find out what keeps the device busy",
            seconds=f"{seconds:g}",
        )

    def forbidden(self, method: str, path: str) -> GapError:
        """Return the gap of a request that the family's profile does not allow."""
        return self.gap(
            GapReason.UNSUPPORTED,
            "{method} {path} is not on this family's list of requests; nothing was sent",
            todo="Correct what the campus file says of this asset; else report it: family and collector disagree",
            method=method,
            path=path[:200],
        )

    def foreign(self, why: str) -> GapError:
        """Return the gap of a peer that speaks something else."""
        return self.gap(
            GapReason.MALFORMED,
            "the device does not answer in HTTP: {why}",
            todo="Check port and scheme of the asset in the campus file: another service may listen here",
            why=why,
        )

    def no_tls(self, why: str) -> GapError:
        """Return the gap of a TLS handshake that fails for another reason than the certificate."""
        return self.gap(
            GapReason.UNREACHABLE,
            "no TLS with the device: {why}",
            todo="Check the port; if the device speaks plain HTTP there, write  scheme: http  under this asset, "
            "and if only old TLS, update its firmware",
            why=why,
        )

    def garbled(self, why: MalformedError) -> GapError:
        """Return the gap of an answer that does not decode."""
        return self.gap(
            GapReason.MALFORMED,
            "the device answered with {why}",
            todo="Keep the conversation with campus-agent read --record, and report it with that file",
            why=why,
        )

    def wants_login(self, offered: str, login: Login) -> GapError:
        """Return the gap of a device that lets nobody in whom we could be.

        Args:
            offered: the schemes of its challenges.
            login: how the family logs in; a store that takes tokens has no digest login to switch on.
        """
        token = N_("Give this asset credentials with a token or api_key; or with username and password and basic: true")
        digest = N_("Give this asset credentials with username and password, and switch digest login on in the device")
        return self.gap(
            GapReason.REFUSED,
            "the device wants a login that cannot be given (it offers: {offered}); no password was sent",
            todo=token if login == "bearer" else digest,
            offered=offered or "nothing",
        )

    def wants_basic(self, login: Login) -> GapError:
        """Return the gap of a device that takes the password only as it is.

        Args:
            login: how the family logs in; a store that takes tokens has no digest login to switch on.
        """
        store = N_(
            "Give this asset credentials with a token or api_key; or, where the network may see the password or TLS "
            "hides it, write  basic: true  under this asset (in the URL of campus-agent read: basic=true)"
        )
        device = N_(
            "Switch digest login on in the device; or, where the network may see the password, "
            "write  basic: true  under this asset"
        )
        return self.gap(
            GapReason.REFUSED,
            "the device takes the password only in clear text (Basic); it was not sent",
            todo=store if login == "bearer" else device,
        )

    def refused(self) -> GapError:
        """Return the gap of a wrong user name or password."""
        return self.gap(
            GapReason.REFUSED,
            "the device refuses this user name and password; it is not asked again in this conversation",
            todo="Correct the credential; most recorders lock a user out after a few wrong passwords",
        )

    def certificate(self, shown: str, pinned: str | None) -> GapError:
        """Return the gap of a certificate that is not trusted."""
        if pinned is None:
            return self.gap(
                GapReason.REFUSED,
                "no authority vouches for the device's certificate; it showed {shown}; nothing was sent to it",
                todo="Compare with the device's own page, then write  certificate: {shown}  under this asset",
                shown=shown or "none",
            )
        return self.gap(
            GapReason.REFUSED,
            "the device showed another certificate ({shown}) than the pinned {pinned}; nothing was sent to it",
            todo="If the device or its certificate was replaced, compare with its own page and correct certificate; "
            "otherwise somebody stands in between",
            shown=shown or "none",
            pinned=pinned,
        )
