"""What readings of one asset say that did not work: a probe that ended early, a port that nobody has.

Such an answer is a good one, so no gap of the record says it; but who asked for one page, host or port wants a reason
and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import GapError
from agent.language import N_
from agent.model.exchange import GapReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.model.asset import Asset
    from agent.model.reading import Reading

__all__ = ["shortfalls"]

_NAME: Final = N_("Check the spelling of the name, and the resolver of this server: getent hosts {host}")
_WAY: Final = N_("Check that it is switched on, the address and port, and the firewalls in between")
_SERVICE: Final = N_("Check the port, and that the service is switched on")
_TLS: Final = N_("Check port and scheme; open the page from this server with a browser to see its certificate")
_ENDS: Final[dict[str, tuple[str, str]]] = {
    "no-address": (N_("the name has no address"), _NAME),
    "name-unknown": (N_("there is no such name"), _NAME),
    "name-failed": (N_("the resolver does not answer for this name"), _NAME),
    "nameless": (N_("the name cannot be resolved"), _NAME),
    "refused": (N_("the connection is refused: nothing listens at this port"), _SERVICE),
    "silent": (N_("no answer to the connection"), _WAY),
    "unreachable": (N_("the network says that the host cannot be reached"), _WAY),
    "tls-failed": (N_("no TLS comes about, or its certificate is not trusted"), _TLS),
    "closed": (N_("the connection is closed without an answer"), _SERVICE),
    "no-answer": (N_("the connection stands, but nothing is answered"), _SERVICE),
}
"""By where a probe ended (`platform.outcome`, `host.service`)."""
_PORTAL: Final = (
    N_("a login portal answers in place of the page"),
    N_("Let this server through the portal without a login; or ask from where no portal stands in between"),
)
_STATUS: Final = (
    N_("the page is answered with status {status}"),
    N_("Check the path in the URL, and with the operator of the platform that a page without login is there"),
)
_FOREIGN: Final = (N_("what answers is not HTTP"), _SERVICE)
_LINKS: Final = {
    "not found": N_("no port of the device has this name"),
    "renumbered": N_("the device numbered its ports anew meanwhile"),
    "ambiguous": N_("several ports of the device have this name"),
}
_PORT: Final = N_("Name the port as the device does: campus-agent read --collect interfaces shows its ports' names")


def shortfalls(asset: Asset, readings: Sequence[Reading]) -> tuple[GapError, ...]:
    """Return what was asked for and did not come about, each with its reason and what to do.

    Args:
        asset: what was asked.
        readings: of this asset, of one conversation.
    """
    return (*_pages(asset, readings), *_hosts(asset, readings), *_links(readings))


def _pages(asset: Asset, readings: Sequence[Reading]) -> Iterator[GapError]:
    told = {(one.metric, one.subject): one.value for one in readings}
    if told.get(("platform.success", f"asset:{asset.id}")) != "0":
        return
    for one in readings:
        if one.metric != "platform.outcome":
            continue
        family = one.subject.removeprefix(f"probe:{asset.id}/")
        where = asset.address if family == one.subject else f"{asset.address} ({family})"
        if one.value != "ok":
            yield _end(one.value, where, asset)
        elif told.get(("portal.redirected", f"asset:{asset.id}")) == "portal":
            yield GapError(GapReason.REFUSED, _PORTAL[0], where=where, todo=_PORTAL[1])
        elif (status := told.get(("platform.status", one.subject))) is not None:
            yield GapError(GapReason.UNSUPPORTED, _STATUS[0], where=where, todo=_STATUS[1], status=status)
        else:
            yield GapError(GapReason.UNSUPPORTED, _FOREIGN[0], where=where, todo=_FOREIGN[1])


def _hosts(asset: Asset, readings: Sequence[Reading]) -> Iterator[GapError]:
    if not any(one.metric == "host.answer" and one.value != "answers" for one in readings):
        return
    for one in readings:
        if one.metric == "host.service" and one.value in _ENDS:
            yield _end(one.value, f"{asset.address}:{one.subject.rpartition('/')[2]}", asset)


def _links(readings: Sequence[Reading]) -> Iterator[GapError]:
    for one in readings:
        state = one.value.partition(" ")[0] if one.value.startswith("ambiguous ") else one.value
        if one.metric == "link.match" and state in _LINKS:
            yield GapError(GapReason.UNSUPPORTED, _LINKS[state], where=one.subject, todo=_PORT)


def _end(state: str, where: str, asset: Asset) -> GapError:
    what, todo = _ENDS[state]
    return GapError(GapReason.UNREACHABLE, what, where=where, todo=todo, host=asset.address)
