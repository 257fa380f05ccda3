"""The lists of requests of the families that are asked over HTTP: one spelling of what is asked, and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collectors.logs.replies import quoted
from agent.lab.recorders.hikvision import HikvisionRecorder
from agent.lab.recorders.server import Door
from agent.lab.recorders.spans import footage
from agent.lab.stores import Elasticsearch
from agent.model.http import HttpRequest
from agent.model.log_forms import LOG_FORMS
from agent.model.logs import LogStore
from agent.sessions.segment import parse_segment
from tests.collectors.log_stores import FAMILIES, read_store
from tests.collectors.recorders import test_hikvision_over_http as hikvision
from tests.collectors.recorders import test_over_http as recorders
from tests.collectors.test_canary_lookup import School, look
from tests.collectors.test_log_stores import KINDS, campus_records

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agent.model.exchange import Exchange
    from agent.model.http import HttpAllowed

ASKED = {name: family.http for name, family in FAMILIES.items() if family.http is not None}
ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
NONCE = "0" * 32
PLACES = {
    "elasticsearch": LogStore(where="<logs-{now-1}>,logs+a*"),
    "loki": LogStore(where='{job=~"sys.+", site!="a%b c"}'),
    "victorialogs": LogStore(where='job:"sys log" (a or b%)'),
}
"""Places that are full of signs."""


def allows(family: str, method: str, path: str, body: str = "") -> list[HttpAllowed]:
    """Return what of a family's list, by its expressions alone, lets a request through."""
    return [
        each
        for each in ASKED[family].allow
        if each.method == method
        and re.fullmatch(each.path, path)
        and (not each.body or re.fullmatch(each.body, body, re.DOTALL))
    ]


def requests_of(exchanges: Iterable[Exchange]) -> set[tuple[str, str, str]]:
    """Return method, path and body of each request of a conversation."""
    return {
        (one.request.method, one.request.path, one.request.body)
        for one in exchanges
        if isinstance(one.request, HttpRequest)
    }


def conversation(record: bytes) -> list[Exchange]:
    """Return the exchanges of a record."""
    return [each.exchange for each in parse_segment(record).exchanges]


def asked_of(family: str, state: Path) -> set[tuple[str, str, str]]:
    """Have a device of the lab read in every way that there is, and return what it was asked."""
    if family == "hikvision-isapi":
        device = HikvisionRecorder(footage(1, 2, hikvision.now()), hikvision.now)
        record = hikvision.read(device, Door(), "?search_days=3")[1]
        return requests_of(conversation(record))
    if family not in KINDS:
        found = next(one for one in recorders.devices() if one[0] == family)
        return requests_of(recorders.over_http(*found, Door())[1])
    stores = [KINDS[family](campus_records())]
    if family == "elasticsearch":
        policies = {"logs @ 30": "30d"}
        stores = [Elasticsearch(campus_records(), opensearch=one, policies=policies) for one in (False, True)]
    names = ["Core-SW1", "fw1", "10.9.8.7:514"]
    records = [read_store(family, store, names, place=PLACES.get(family)).record for store in stores]
    records.append(look(family, School(state)).record)
    return {one for record in records for one in requests_of(conversation(record))}


def respelled(path: str) -> set[str]:
    """Return a path with its escapes in small letters: all of them, each of them, and each of their letters."""
    small = {ESCAPE.sub(lambda match: match[0].lower(), path)}
    for match in ESCAPE.finditer(path):
        for spelled in (match[0].lower(), match[0][:2] + match[0][2].lower(), match[0][:1] + match[0][1:].swapcase()):
            small.add(path[: match.start()] + spelled + path[match.end() :])
    return small - {path}


@pytest.mark.parametrize("family", ASKED)
def test_what_is_asked_is_allowed_in_one_spelling_alone(family: str, tmp_path: Path) -> None:
    """Every request of a real conversation is on the list, and none of them with an escape in small letters.

    All expressions that hold escapes are met, so that none is left out of this.
    """
    met: set[str] = set()
    for method, path, body in asked_of(family, tmp_path):
        through = allows(family, method, path, body)
        assert through, path
        met |= {each.path for each in through}
        for other in respelled(path):
            assert not allows(family, method, other, body), other
    assert {each.path for each in ASKED[family].allow if "%" in each.path} <= met


@pytest.mark.parametrize("family", ASKED)
def test_no_expression_takes_a_percent_sign_for_a_letter(family: str) -> None:
    """In a class of characters it would let every escape through, in both spellings; a POST's body is always named."""
    for each in ASKED[family].allow:
        assert not re.search(r"(?<!\\)\[[^\]]*%[^\]]*\]|(?<!\\)\[\^", each.path), each.path
        assert each.method != "POST" or each.body


LOKI_HOLES = (
    "/loki/api/v1/query_range?query=sum%20by%20%28host%29%20%28count_over_time%28%7B{}%7D%5B1d%5D%29%29&start=1&end=2&step=86400",
    "/loki/api/v1/query_range?query=count%28sum%20by%20%28host%29%20%28count_over_time%28%7B{}%7D%5B1d%5D%29%29%29&start=1&end=2&step=86400",
    "/loki/api/v1/index/stats?query=%7B{}%7D&start=1&end=2",
    (
        "/loki/api/v1/query?query=sum%20by%20%28canary%29%20%28count_over_time%28%7B{}%7D%20%7C~%20%22nonce%3D%28"
        f"{NONCE}%29%22%20%7C%20regexp%20%22nonce%3D%28%3FP%3Ccanary%3E%5B0-9a-f%5D%7B32%7D%29%22%20%5B1d%5D%29%29&time=1"
    ),
)
VICTORIA_HOLES = (
    "/select/logsql/hits?query={}&start=1&end=2&step=8h&field=hostname",
    "/select/logsql/stats_query?query=%28{}%29%20%7C%20stats%20count_uniq%28hostname%29%20n&start=1&end=2",
    (
        "/select/logsql/stats_query?query=%28{}%29%20hostname%3A%3D%22a%22%20%7C%20stats%20count%28%29%20if%20%28%22"
        f"{NONCE}%22%29%20n0&start=1&end=2"
    ),
    (
        "/select/logsql/stats_query?query=%28x%29%20hostname%3A%3D%22{}%22%20%7C%20stats%20count%28%29%20if%20%28%22"
        f"{NONCE}%22%29%20n0&start=1&end=2"
    ),
)
CLICKHOUSE_SINCE = "ts%20%3E%3D%20toDateTime%28%272026-11-01%2000%3A00%3A00%27%2C%20%27Asia%2FShanghai%27%29"
CLICKHOUSE_UNTIL = "ts%20%3C%20toDateTime%28%272026-11-02%2000%3A00%3A00%27%2C%20%27Asia%2FShanghai%27%29"
CLICKHOUSE_HOLES = (
    (
        "/?query=SELECT%20extract%28toString%28message%29%2C%20%27nonce%3D%28%5B0-9a-f%5D%7B32%7D%29%27%29%20AS%20c_%2C%20"
        f"toString%28count%28%29%29%20AS%20n_%20FROM%20logs.syslog%20WHERE%20{CLICKHOUSE_SINCE}%20AND%20{CLICKHOUSE_UNTIL}"
        f"%20AND%20toString%28host%29%20%3D%20%27{{}}%27%20AND%20c_%20IN%20%28%27{NONCE}%27%29%20GROUP%20BY%20c_%20WITH%20"
        "TOTALS%20ORDER%20BY%20c_%20FORMAT%20JSONCompact"
    ),
    (
        "/?query=SELECT%20toString%28uniq%28{}%29%29%20FROM%20logs.syslog%20WHERE%20"
        f"{CLICKHOUSE_SINCE}%20AND%20{CLICKHOUSE_UNTIL}%20FORMAT%20JSONCompact"
    ),
)
ELASTIC_HOLES = (
    "/{}/_field_caps?fields=host.name&ignore_unavailable=true&allow_no_indices=true&filter_path=fields.*.*.type",
    "/_cat/indices/{}?format=json&h=status,sth,pri.store.size&bytes=b&expand_wildcards=all",
    "/_data_stream/{}/_lifecycle?filter_path=data_streams.lifecycle",
    "/_ilm/policy/{}?filter_path=*.policy.phases.delete.min_age",
    "/_plugins/_ism/policies/{}?filter_path=policy.states",
)
DAHUA_HOLES = (
    (
        "/cgi-bin/mediaFileFind.cgi?action=findFile&object=1&condition.Channel=1&condition.StartTime={}"
        "&condition.EndTime=2026-11-22%2000:00:00&condition.Types[0]=dav&condition.VideoStream=Main"
    ),
)
LOKI_EVIL = (
    'job="x"} | regexp "(?P<canary>.+)" [1d])) #',
    'job="x"} | line_format "{{.password}}" | regexp "(?P<host>.+)"',
    'job="x"} or {job="y"',
    'job="x" # the rest is a comment',
    "job=`x`",
    'job="x"}&query={job="y"',
)
VICTORIA_EVIL = (
    "* | uniq by (_msg)",
    "*) | stats by (_msg) count() n0 # ",
    "*) | stats by (_msg) count() n1 | filter (n1:>0",
    "x:`y`",
    "* # the rest is a comment",
    "*&field=_msg",
)
EVIL = {
    **dict.fromkeys(LOKI_HOLES, LOKI_EVIL),
    **dict.fromkeys(VICTORIA_HOLES, VICTORIA_EVIL),
    **dict.fromkeys(
        CLICKHOUSE_HOLES,
        ("x' OR 1=1 --", "x'), message", "(SELECT message FROM logs.syslog)", "x\\", "x;y", 'x"', "a#b"),
    ),
    **dict.fromkeys(ELASTIC_HOLES, ("../_all", "a/_search", "a?x", "a#b", "..;", "a\\b", "a%2F_search", "a|b", '"')),
    **dict.fromkeys(DAHUA_HOLES, ("2026-11-22%2f00:00:00", "%:-%:-%:-%:-%:-%:-%:-", "2026-11-22%0D00:00:00")),
}
GOOD = {
    "elasticsearch": "logs",
    "loki": 'job="x y"',
    "victorialogs": "job",
    "clickhouse": "host",
    "dahua-recorder": "2026-11-22 00:00:00",
}
HOLES = {
    "elasticsearch": ELASTIC_HOLES,
    "loki": LOKI_HOLES,
    "victorialogs": VICTORIA_HOLES,
    "clickhouse": CLICKHOUSE_HOLES,
    "dahua-recorder": DAHUA_HOLES,
}


@pytest.mark.parametrize(("family", "hole"), [(family, hole) for family, holes in HOLES.items() for hole in holes])
def test_nothing_gets_out_of_its_place(family: str, hole: str) -> None:
    """What stands in a request can end neither filter, text nor path, however it is spelled; a name can stand."""
    good = GOOD[family].replace(" ", "%20") if family == "dahua-recorder" else quoted(GOOD[family])
    assert allows(family, "GET", hole.format(good))
    for evil in EVIL[hole]:
        whole = quoted(evil).replace("%26", "&")  # an escaped one would be a letter of the text
        small = ESCAPE.sub(lambda match: match[0].lower(), whole)
        mixed = ESCAPE.sub(lambda match: match[0][:2] + match[0][2].lower(), whole)
        for spelled in (whole, small, mixed, evil, evil.replace(" ", "%20"), evil.replace(" ", "+")):
            assert not allows(family, "GET", hole.format(spelled)), spelled


@pytest.mark.parametrize(
    ("family", "key", "hole"),
    [
        *(("loki", "where", hole) for hole in LOKI_HOLES),
        *(("victorialogs", "where", hole) for hole in VICTORIA_HOLES[:3]),
        ("victorialogs", "name", VICTORIA_HOLES[3]),
        *(("elasticsearch", "where", hole) for hole in ELASTIC_HOLES[:3]),
        ("clickhouse", "name", CLICKHOUSE_HOLES[0]),
    ],
)
@given(data=st.data())
def test_a_campus_file_that_passes_its_check_can_be_asked_for(
    family: str, key: str, hole: str, data: st.DataObject
) -> None:
    """What the form of a kind of store admits is on the list, and what is refused for a comment is told beforehand."""
    form = LOG_FORMS[family][key]
    text = data.draw(st.from_regex(form.expression, fullmatch=True, alphabet=st.characters(codec="utf-8")))
    inside = text[1:-1] if hole in LOKI_HOLES else text
    assert allows(family, "GET", hole.format(quoted(inside)))
    assert family not in ("loki", "victorialogs") or not form.fits(text[:-1] + "#" + text[-1:])
