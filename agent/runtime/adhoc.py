"""One asset without a campus file: what `campus-agent read` does, live or from a record."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from agent.clock import Clock, SystemClock
from agent.collectors import measure
from agent.errors import GapError, MalformedError, UsageError
from agent.language import N_
from agent.model.asset import Asset
from agent.model.campus import Campus, Link, Platform, Poll, School
from agent.model.evidence import SegmentHeader
from agent.model.exchange import Topic, Unasked
from agent.packs.load import config_directory, parse_families
from agent.packs.validate import near
from agent.runtime.log_target import LOCAL, log_target
from agent.runtime.opening import open_transport
from agent.runtime.shortfall import shortfalls
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.sessions.replay import ReplaySession
from agent.sessions.segment import read_segment, segment_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from urllib.parse import SplitResult

    from agent.model.exchange import Exchange
    from agent.model.family import Family
    from agent.model.reading import Reading
    from agent.runtime.credentials import Credential
    from agent.sessions.segment import Recorded

__all__ = ["Target", "Told", "parse_target", "read_live", "read_record"]

SCHEMES = {
    "snmp": ("generic-snmp", "interfaces"),
    "mqtt": ("mqtt-broker", "mqtt"),
    "isapi": ("hikvision-isapi", "recorder"),
    "onvif": ("onvif-recorder", "recorder"),
    "dahua": ("dahua-recorder", "recorder"),
    "uniview": ("uniview-recorder", "recorder"),
    "tcp": ("ip-host", "reach"),
    "http": ("platform", "platforms"),
    "https": ("platform", "platforms"),
    "logs+file": ("log-files", "logs"),
    "logs+journal": ("journal-files", "logs"),
    "logs+elasticsearch": ("elasticsearch", "logs"),
    "logs+loki": ("loki", "logs"),
    "logs+graylog": ("graylog", "logs"),
    "logs+victorialogs": ("victorialogs", "logs"),
    "logs+clickhouse": ("clickhouse", "logs"),
}
"""URL scheme -> family and collector."""
OPTIONS: dict[str, Callable[[str], object]] = {
    "scheme": str,
    "certificate": str,
    "basic": "true".__eq__,
    "search_days": int,
}
"""What a URL's query may say of the asset, as the campus file would."""


@dataclass(frozen=True, slots=True)
class Target:
    """An asset made from a URL, and a campus of just this asset."""

    asset: Asset
    campus: Campus
    scheme: str


@dataclass(frozen=True, slots=True)
class Told:
    """What an asset told, live or in a record."""

    asset: str
    """Its id."""
    readings: list[Reading]
    gaps: tuple[GapError, ...]
    """Of each request that got no usable answer, of each collector that could not use one, and of what was asked for
    and is not there, why."""


def parse_target(url: str, *, links: Sequence[str] = (), topics: Sequence[str] = (), seconds: int = 60) -> Target:
    """Make a target of a URL.

    Args:
        url: `snmp://host[:port]`, or another scheme of `SCHEMES`; for HTTP with `?scheme=https&certificate=SHA256:...`.
        links: watched ports as `role:id=port`, e.g. `egress:telecom=GigabitEthernet0/0/1`.
        topics: what a broker is listened to for, as `kind=filter@level`, e.g. `light=school/light/+/state@2`.
        seconds: total time for the conversation.

    Raises:
        UsageError: one of them is not of that form.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(
            "{url!r} is not a URL: {why}",
            todo="Write for example snmp://192.0.2.1 or snmp://[2001:db8::1]:161",
            url=url,
            why=str(error),
        ) from error
    if parts.scheme and host and parts.scheme not in SCHEMES:
        meant = near(parts.scheme, SCHEMES)
        raise UsageError(
            "there is no scheme {name!r} to ask a device by",
            todo=N_("Did you mean {meant!r}? Known: {known}") if meant else N_("Known: {known}"),
            name=parts.scheme[:40],
            meant=meant,
            known=", ".join(SCHEMES),
        )
    if parts.scheme in LOCAL and not parts.netloc:
        host = "localhost"
    if parts.scheme not in SCHEMES or not host:
        raise UsageError(
            "{url!r} does not say how to ask which host",
            todo="Write for example snmp://192.0.2.1 or mqtt://192.0.2.1:1883; schemes are {schemes}",
            url=url,
            schemes=", ".join(SCHEMES),
        )
    if parts.username or parts.password:
        raise UsageError(
            "a URL is no place for a password",
            todo="Use --credentials with a file of mode 0600",
        )
    if parts.scheme == "mqtt" and not topics:
        raise UsageError(
            "a broker is listened to by topic, and none is given",
            todo="Give --topic, for example light=school/light/+/state@2",
        )
    return _target(parts, host, port, links=links, topics=topics, seconds=seconds)


def _target(
    parts: SplitResult, host: str, port: int | None, *, links: Sequence[str], topics: Sequence[str], seconds: int
) -> Target:
    family, collector = SCHEMES[parts.scheme]
    name = _name(host) + (f"-{port}" if port is not None else "")
    store = log_target(parts, name) if collector == "logs" else None
    page = _page(parts, name) if collector == "platforms" else None
    asset = Asset.from_json(
        {
            "id": name,
            "family": family,
            "address": unquote(host),
            "port": port,
            "topics": [_topic(text).to_json() for text in topics],
            **({"logs": store.logs.to_json()} if store else {}),
            **({"scheme": parts.scheme} if page else _options(store.rest if store else parts.query)),
        },
        where=parts.geturl(),
    )
    campus = Campus(
        version="1",
        school=School(id="ad-hoc", name="ad-hoc"),
        timezone=store.timezone if store else "Asia/Shanghai",
        assets=(asset,),
        links=tuple(_link(text, asset) for text in links),
        platforms=(page,) if page else (),
        log_sources=store.sources if store else (),
        plan=(Poll(collector=collector, every_seconds=300, deadline_seconds=seconds),),
    )
    return Target(asset, campus, parts.scheme)


def _page(parts: SplitResult, name: str) -> Platform:
    return Platform.from_json(
        {"id": name, "kind": "other", "url": parts._replace(fragment="").geturl(), "assets": [name]},
        where=parts.geturl(),
    )


async def read_live(
    target: Target,
    credential: Credential,
    *,
    collectors: Sequence[str] = (),
    record: Callable[[bytes], object] | None = None,
    clock: Clock | None = None,
) -> Told:
    """Ask the target and return what it told.

    Pseudonyms of this record are made under a key that is thrown away.

    Args:
        target: whom to ask.
        credential: what opens it.
        collectors: which to run; the one of the scheme if none is named, and the one of links if links are.
        record: takes the record of the conversation, line by line as it comes: nothing else holds it.
        clock: tells the time.

    Raises:
        ConfigError: the credential does not fit.
        UsageError: there is no such collector.
    """
    usual = SCHEMES[target.scheme][1]
    names = tuple(collectors) or ((usual, "links") if target.campus.links else (usual,))
    gaps: list[GapError] = []

    def keep(exchange: Exchange) -> None:
        if record is not None:
            record(exchange.to_bytes() + b"\n")

    redactor = Redactor(secrets.token_bytes(32), credential.secrets())
    transport = open_transport(target.asset, _family(target.asset.family), credential)
    try:
        if record is not None:
            header = SegmentHeader(run="read", asset=target.asset, collectors=names, campus=target.campus)
            record(segment_bytes(header, ()))
        deadline = target.campus.poll(usual).deadline_seconds
        session = LiveSession(transport, redactor, keep, clock or SystemClock(), deadline, told=gaps.append)
        readings = await measure(target.asset, target.campus, names, session, gaps.append)
        return Told(target.asset.id, readings, (*gaps, *shortfalls(target.asset, readings)))
    finally:
        await transport.close()


async def read_record(record: IO[bytes], *, where: str) -> Told:
    """Return what a record tells, without asking anything of anyone; it is read line by line, never held.

    Raises:
        MalformedError: it is not a record.
        ReplayError: it was made by a program that asks other things, or breaks off.
    """
    header, exchanges = read_segment(record, where=where)
    campus = header.campus or Campus(version="1", school=School(id="ad-hoc", name="ad-hoc"), assets=(header.asset,))
    gaps: list[GapError] = []
    session = ReplaySession(_noting(exchanges, gaps), where=where)
    readings = await measure(header.asset, campus, header.collectors, session, gaps.append)
    session.finish()
    return Told(header.asset.id, readings, (*gaps, *shortfalls(header.asset, readings)))


def _noting(exchanges: Iterable[Recorded], gaps: list[GapError]) -> Iterator[Recorded]:
    """Note the gaps, in the record's words, as they are taken; why nothing was asked is told by who did not ask."""
    for one in exchanges:
        if one.exchange.gap is not None and not isinstance(one.exchange.request, Unasked):
            gaps.append(GapError(one.exchange.gap.reason, "{why}", why=one.exchange.gap.detail))
        yield one


def _name(host: str) -> str:
    """Return an identifier for a host: IPv6 colons, a zone's percent sign and the like become hyphens."""
    return "".join(character if character.isalnum() or character in "-_." else "-" for character in host)[:90]


def _options(query: str) -> dict[str, object]:
    """Return what the query says of the asset."""
    found: dict[str, object] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        try:
            found[name] = OPTIONS[name](unquote(value))
        except (KeyError, ValueError) as error:
            raise UsageError(
                "{text!r} says nothing of a device", todo="Known are: {known}", text=part, known=", ".join(OPTIONS)
            ) from error
    return found


def _family(name: str) -> Family:
    path = config_directory() / "families" / f"{name}.yaml"
    return parse_families(path.read_bytes(), str(path)).value


def _link(text: str, asset: Asset) -> Link:
    name, separator, port = text.partition("=")
    role, colon, link = name.partition(":")
    if not (separator and colon and port and link):
        raise UsageError(
            "{text!r} is not of the form role:id=port",
            todo="Write for example egress:telecom=GigabitEthernet0/0/1",
            text=text,
        )
    try:
        return Link.from_json({"id": link, "role": role, "asset": asset.id, "port": port}, where=text)
    except MalformedError as error:
        raise UsageError(
            "{text!r} is not of the form role:id=port",
            todo="Roles are egress, backbone, uplink, classroom, office and access; an id has letters and digits",
            text=text,
        ) from error


def _topic(text: str) -> Topic:
    kind, separator, rest = text.partition("=")
    pattern, at, level = rest.rpartition("@")
    if not (separator and at and level.isdigit()):
        raise UsageError(
            "{text!r} is not of the form kind=filter@level",
            todo="Write for example light=school/light/+/state@2; the level, from 0, names the device",
            text=text,
        )
    return Topic(kind=kind, filter=pattern, device_level=int(level))
