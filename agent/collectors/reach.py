"""Whether a host answers over IP: broadcast, TV, conference, gate, display, recording host, card system.

Its declared TCP ports are connected to one after the other; where none is declared, those of HTTPS and HTTP, until one
accepts. What usually speaks on a port is asked for a word (HTTP, RTSP, SIP); every other port is only listened to for a
moment. A host that refuses a connection is switched on and has no such service; one that is silent may be anything.

Readings: `host.reachable` (1 if a port accepts) and `host.answer` under `asset:<id>` (`answers` if all declared ports
accept, `refuses` if none is silent and not all accept, else `silent`); `host.connect_time` of the first that accepts;
`host.service` under `service:<id>/<port>`, with the days that its certificate still has (`host.certificate_days`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.canonical import decimal_text
from agent.clock import parse_time
from agent.collectors.answers import measured
from agent.collectors.dates import days_until
from agent.collectors.probes import milliseconds, probed
from agent.model.exchange import NetProbe

if TYPE_CHECKING:
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, NetProbed, Session
    from agent.model.net import NetSpeech
    from agent.model.reading import Reading

__all__ = ["collect"]

SECONDS: Final = 10
"""For one port at most."""
ALL_PORTS_SECONDS: Final = 48
"""For all of them: within the usual deadline of a minute."""
_SPOKEN: Final[dict[int, tuple[NetSpeech, bool]]] = {
    **dict.fromkeys((80, 8000, 8080), ("http", False)),
    **dict.fromkeys((443, 8443), ("http", True)),
    **dict.fromkeys((554, 8554), ("rtsp", False)),
    5060: ("sip", False),
    5061: ("sip", True),
}
"""What usually speaks on a port, and whether inside TLS (IANA service names, and the usual second choices)."""
_USUAL: Final = (443, 80)
_NO_CONNECTION: Final = {
    "refused": "refused",
    "silent": "silent",
    "unreachable": "unreachable",
    "no-address": "nameless",
    "name-unknown": "nameless",
    "name-failed": "nameless",
}


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:  # noqa: ARG001 - as all collectors
    """Connect to each port once.

    Raises:
        GapError: the agent's own server has no route to the host.
        MalformedError: the answer is not one to a probe.
    """
    declared = asset.ports or ((asset.port,) if asset.port is not None else ())
    ports = declared or _USUAL
    seconds = min(SECONDS, ALL_PORTS_SECONDS // len(ports))
    told: list[tuple[int, Answer, NetProbed]] = []
    for port in ports:
        answer = await session.ask(_probe(asset, port, seconds))
        told.append((port, answer, probed(answer, asset)))
        if not declared and told[-1][2].outcome not in _NO_CONNECTION:
            break
    return [*_of_host(asset, told, every=bool(declared)), *(each for one in told for each in _of_service(asset, *one))]


def _probe(asset: Asset, port: int, seconds: int) -> NetProbe:
    speak, tls = _SPOKEN.get(port, ("", False))
    if asset.scheme and port == asset.port:
        speak, tls = "http", asset.scheme == "https"
    return NetProbe(port=port, tls=tls, speak=speak, seconds=seconds)


def _of_host(asset: Asset, told: list[tuple[int, Answer, NetProbed]], *, every: bool) -> list[Reading]:
    """Return what the ports say together.

    Args:
        asset: the host.
        told: by port.
        every: all ports must accept; else one is enough.
    """
    subject = f"asset:{asset.id}"
    accepted = [answer for _, answer, one in told if one.outcome not in _NO_CONNECTION]
    refused = [answer for _, answer, one in told if one.outcome == "refused"]
    answers = len(accepted) == len(told) if every else bool(accepted)
    quiet = len(accepted) + len(refused) < len(told)
    state = "answers" if answers else "silent" if quiet else "refuses"
    cited = tuple(answer for _, answer, _ in told)
    readings = [
        measured("host.reachable", subject, str(int(bool(accepted))), "1", *cited),
        measured("host.answer", subject, state, "", *cited),
    ]
    first = next(((answer, one.connect_us) for _, answer, one in told if one.connect_us is not None), None)
    if first is not None:
        readings.append(measured("host.connect_time", subject, milliseconds(first[1]), "ms", first[0]))
    return readings


def _of_service(asset: Asset, port: int, answer: Answer, one: NetProbed) -> list[Reading]:
    subject = f"service:{asset.id}/{port}"
    state = _NO_CONNECTION.get(one.outcome) or one.service or "open"
    if state == "http" and one.tls is not None:
        state = "https"
    readings = [measured("host.service", subject, state, "", answer)]
    if one.tls is not None:
        days = days_until(one.tls.expires[:10], parse_time(answer.at).date())
        readings.append(measured("host.certificate_days", subject, decimal_text(max(days, 0)), "d", answer))
    return readings
