"""Platforms as a browser would reach them: real pages on loopback, and every way to fail."""

from __future__ import annotations

import shutil
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from agent.errors import GapError
from agent.model.asset import Asset
from agent.model.exchange import GapReason, HostState, NetAddresses, NetProbe, NetProbed
from agent.model.net import NetFound
from tests.collectors.probing import live, scripted, values
from tests.transports.net_peers import authority, closed_port, leaf, s_server, site

if TYPE_CHECKING:
    from pathlib import Path

FOUR = NetFound(family="ipv4", state="found", addresses=2, scopes=("global",), elapsed_us=2500)
SIX = NetFound(family="ipv6", state="found", addresses=1, scopes=("global",), elapsed_us=1500)
NO_SIX = NetFound(family="ipv6", state="none", elapsed_us=1000)
BOTH = NetAddresses(found=(FOUR, SIX))
ONE = NetAddresses(found=(FOUR, NO_SIX))
PAGE = NetProbed(
    outcome="ok", family="ipv4", scope="global", connect_us=10_000, first_byte_us=20_500, service="http", status=200
)
NO_ROUTE = GapError(GapReason.UNSUPPORTED, "this server has no ipv6 route")


def platform(address: str = "www.example", /, **fields: object) -> Asset:
    """An asset of the family."""
    return Asset.from_json({"id": "p1", "family": "platform", "address": address, **fields})


def told(*answers: NetAddresses | NetProbed | GapError, **fields: object) -> dict[tuple[str, str], str]:
    """Return the values that answers give."""
    return values(scripted(platform(**fields), "platforms", *answers)[0])


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", "ipv4"), ("::1", "ipv6")])
def test_a_real_page_in_each_family(host: str, family: str) -> None:
    """Live and replayed: success, times of each step, their sum, and no portal."""
    with site(host) as (port, seen):
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}/moved"
        readings, _ = live(platform(host, scheme="http"), "platforms", url)
    found = values(readings)
    probe = f"probe:p1/{family}"
    assert found["platform.success", "asset:p1"] == found["platform.success", probe] == "1"
    assert (found["platform.outcome", probe], found["platform.status", probe]) == ("ok", "200")
    parts = sum(Decimal(found[f"platform.{step}", probe]) for step in ("connect", "first_byte"))
    assert Decimal(found["platform.elapsed", probe]) == parts
    assert found["portal.redirected", "asset:p1"] == "none"
    assert ("platform.aaaa", "asset:p1") not in found  # a literal has no name
    assert [path for path, _ in seen] == ["/moved", "/"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs Debian's openssl")
def test_a_real_page_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name, its lookup, a certificate that is good; and one that is not, which is no success."""
    ca, _, key = authority(tmp_path)
    with s_server(*leaf(tmp_path, key)) as port:
        monkeypatch.setenv("SSL_CERT_FILE", str(ca))
        good = values(live(platform("localhost", port=port), "platforms")[0])
        monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
        bad = values(live(platform("localhost", port=port), "platforms")[0])
    probe = "probe:p1/ipv4"
    assert (good["platform.success", "asset:p1"], good["platform.certificate", probe]) == ("1", "verified")
    steps = sum(Decimal(good[f"platform.{step}", probe]) for step in ("dns", "connect", "tls", "first_byte"))
    assert Decimal(good["platform.elapsed", probe]) == steps
    assert ("portal.redirected", "asset:p1") not in good
    assert (bad["platform.success", "asset:p1"], bad["platform.certificate", probe]) == ("0", "untrusted")
    assert bad["platform.outcome", probe] == "tls-failed"
    assert good["platform.issuer", probe] == bad["platform.issuer", probe]


def test_a_platform_that_is_not_there() -> None:
    """A refused connection is a probe that failed, and an answer all the same."""
    found = values(live(platform("127.0.0.1", port=closed_port(), scheme="http"), "platforms")[0])
    assert found["platform.success", "asset:p1"] == "0"
    assert found["platform.outcome", "probe:p1/ipv4"] == "refused"
    assert ("platform.elapsed", "probe:p1/ipv4") not in found
    assert found["collector.answer", "platforms:p1"] == "ok"


@pytest.mark.parametrize(
    ("changed", "success"),
    [
        ({}, "1"),
        ({"status": 302, "redirect": "public"}, "1"),
        ({"status": 399}, "1"),
        ({"status": 400}, "0"),
        ({"status": 403}, "0"),
        ({"status": 429}, "1"),
        ({"status": 503}, "0"),
        ({"status": None}, "0"),
        ({"service": "other", "status": None}, "0"),
        ({"outcome": "no-answer", "service": "", "status": None}, "0"),
        ({"status": 302, "redirect": "private"}, "0"),
    ],
)
def test_what_is_a_success(changed: dict[str, object], success: str) -> None:
    """The platform itself served a page, or asked for patience; a portal's pointer is no success."""
    found = told(ONE, PAGE.model_copy(update=changed), scheme="http")
    assert found["platform.success", "asset:p1"] == found["platform.success", "probe:p1/ipv4"] == success
    assert (("platform.elapsed", "probe:p1/ipv4") in found) == (success == "1")


@pytest.mark.parametrize(
    ("changed", "portal"),
    [
        ({}, "none"),
        ({"status": 302, "redirect": "same-host"}, "none"),
        ({"status": 302, "redirect": "private"}, "portal"),
        ({"status": 511}, "portal"),
        ({"status": 302, "redirect": "public"}, "elsewhere"),
        ({"status": 302, "redirect": "unknown"}, "elsewhere"),
        ({"status": 302, "redirect": "private", "scope": "private"}, "elsewhere"),
        ({"outcome": "silent", "service": "", "status": None}, None),
    ],
)
def test_who_answers_without_a_login(changed: dict[str, object], portal: str | None) -> None:
    """A public host that points inside is a portal's word; a host of the campus may point where it likes."""
    found = told(ONE, PAGE.model_copy(update=changed), scheme="http")
    assert found.get(("portal.redirected", "asset:p1")) == portal
    assert ("portal.redirected", "asset:p1") not in told(ONE, PAGE.model_copy(update=changed))


def test_families_are_apart() -> None:
    """IPv6 first, each with its own lookup and success; either one makes the platform reachable."""
    six = NetProbed(outcome="silent", family="ipv6", scope="global", tried=1)
    readings, session = scripted(platform(), "platforms", BOTH, six, PAGE)
    found = values(readings)
    assert [one.family for one in session.asked if isinstance(one, NetProbe)] == ["ipv6", "ipv4"]
    assert found["platform.success", "probe:p1/ipv6"] == "0"
    assert found["platform.success", "asset:p1"] == found["platform.success", "probe:p1/ipv4"] == "1"
    assert (found["platform.dns", "probe:p1/ipv6"], found["platform.dns", "probe:p1/ipv4"]) == ("1.5", "2.5")
    assert found["platform.elapsed", "probe:p1/ipv4"] == "33"
    assert found["platform.aaaa", "asset:p1"] == "1"
    assert told(ONE, PAGE)["platform.aaaa", "asset:p1"] == "0"


def test_a_server_without_ipv6_says_nothing_of_it() -> None:
    """The platform has an IPv6 address, this server has no way to it: neither success nor failure over IPv6."""
    found = told(BOTH, NO_ROUTE, PAGE)
    assert not [metric for metric, subject in found if subject == "probe:p1/ipv6"]
    assert found["platform.success", "asset:p1"] == "1"
    assert found["collector.answer", "platforms:p1"] == "ok"
    assert told(BOTH, NO_ROUTE, NO_ROUTE) == {("collector.answer", "platforms:p1"): "unsupported"}


@pytest.mark.parametrize("state", ["unknown", "failed"])
def test_a_name_that_is_not_found(state: str) -> None:
    """A lookup that fails is a probe that fails; of IPv6 it says nothing where there was no answer."""
    found = tuple(NetFound.from_json({"family": each, "state": state, "elapsed_us": 9}) for each in ("ipv4", "ipv6"))
    expected = {("platform.success", "asset:p1"): "0", ("collector.answer", "platforms:p1"): "ok"}
    expected["platform.outcome", "asset:p1"] = f"name-{state}"
    if state == "unknown":
        expected["platform.aaaa", "asset:p1"] = "0"
    assert told(NetAddresses(found=found)) == expected


@pytest.mark.parametrize(
    ("url", "fields", "asked"),
    [
        ("", {}, (443, True, "/")),
        ("", {"scheme": "http"}, (80, False, "/")),
        ("http://www.example", {}, (80, False, "/")),
        ("https://WWW.example:8443/a/b?c=d#e", {}, (8443, True, "/a/b?c=d")),
        ("https://www.example?x=1", {}, (443, True, "/?x=1")),
        ("https://www.example/首页", {"port": 444}, (444, True, "/%E9%A6%96%E9%A1%B5")),
        ("https://www.example:8443/a", {"scheme": "http"}, (80, False, "/a")),
        ("https://other.example/a", {}, (443, True, "/")),
    ],
)
def test_which_page_is_asked_for(url: str, fields: dict[str, object], asked: tuple[int, bool, str]) -> None:
    """The page that the platform of the campus file names for this host; else the root, encrypted."""
    _, session = scripted(platform(**fields), "platforms", ONE, PAGE, url=url)
    request = session.asked[1]
    assert isinstance(request, NetProbe)
    assert (request.port, request.tls, request.path) == asked
    assert (request.verify, request.redirects) == (True, 3)


@pytest.mark.parametrize("url", ["https://www.example/a/../b", "https://www.example:99999/"])
def test_a_page_that_cannot_be_asked_for(url: str) -> None:
    """A path with dots or a port that is none ends as malformed, with no traceback."""
    found = values(scripted(platform(), "platforms", ONE, url=url)[0])
    assert found == {("collector.answer", "platforms:p1"): "malformed"}


def test_another_answer_is_malformed() -> None:
    """What is no lookup ends the collector."""
    other = HostState(boot_id="b", clock="unknown", clock_source="none")
    readings, _ = scripted(platform(), "platforms", other)
    assert values(readings) == {("collector.answer", "platforms:p1"): "malformed"}
