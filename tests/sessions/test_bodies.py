"""Redaction of HTTP bodies: declared names lose their values in every form, whole or cut; every other octet stays."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.errors import MalformedError
from agent.model.cli import escaped, received
from agent.model.exchange import HostState, HttpReply, SnmpGet
from agent.model.http import HttpField, HttpRequest
from agent.sessions.redact import Redactor
from tests.sessions.scripted import KEY

if TYPE_CHECKING:
    from typing import Literal

FIELDS = (
    HttpField(name="name", holds="name"),
    HttpField(name="serialNumber", holds="serial"),
    HttpField(name="ipAddress", holds="inet"),
    HttpField(name="macAddress", holds="mac"),
    HttpField(name="port", holds="identifier"),
    HttpField(name="@label", holds="name"),
)
SECRET = "canary-7391"
"""What must not be left."""
TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12)


def redacted(
    body: bytes | str, form: Literal["xml", "json", "lines"] = "xml", *secrets: bytes, omit: tuple[str, ...] = ()
) -> tuple[bytes, dict[str, int]]:
    """Return what becomes of a body, and the rules that applied."""
    data = body.encode() if isinstance(body, str) else body
    request = HttpRequest(path="/x", form=form, fields=FIELDS, omit=omit)
    shown, counts = Redactor(KEY, secrets).redact(request, HttpReply(status=200, body=escaped(data), elapsed_ms=1))
    assert isinstance(shown, HttpReply)
    return received(shown.body), {rule: count for rule, count in counts.items() if count}


@pytest.mark.parametrize(
    ("form", "body", "kept"),
    [
        ("xml", "<a><name>{0}</name><b>1</b></a>", "<a><name></name><b>1</b></a>"),
        (
            "xml",
            '<n:a xmlns:n="u"><n:name k="1">{0}</n:name ></n:a>',
            '<n:a xmlns:n="u"><n:name k="1"></n:name ></n:a>',
        ),
        ("xml", "<name><![CDATA[{0}]]></name>", "<name></name>"),
        ("xml", "<name>x<b>{0}</b><name>{0}</name></name><c>1</c>", "<name></name><c>1</c>"),
        ("xml", "<name a='>'>{0}</name>", "<name a='>'></name>"),
        ("xml", '<name a="x/>y">{0}</name>', '<name a="x/>y"></name>'),
        ("xml", '<name a="x>{0}</name>', '<name a="x></name>'),
        ("xml", "<a><name>{0}", "<a><name>"),
        ("xml", '<channel label="{0}" id="1"/>', '<channel label="" id="1"/>'),
        ("xml", '<channel id="1" label=\'{0}', '<channel id="1" label=\''),
        ("json", '{{"a": 1.50, "name": "{0}", "b": [true]}}', '{"a": 1.50, "name": "", "b": [true]}'),
        ("json", '{{"n\\u0061me": "{0}"}}', '{"n\\u0061me": ""}'),
        ("json", '{{"name": ["{0}", {{"x": "{0}"}}, null], "c": "d"}}', '{"name": ["", {"x": ""}, null], "c": "d"}'),
        ("json", '{{"c": "d", "name": "{0}', '{"c": "d", "name": ""'),
        ("json", '{{"name"\n:\n"{0}"}}', '{"name"\n:\n""}'),
        ("json", '[{{"name": "\\"{0}"}}]', '[{"name": ""}]'),
        ("lines", "table.A[0].name={0}\r\nb=1\r\n", "table.A[0].name=\r\nb=1\r\n"),
        ("lines", "name[3]={0}=x\nnames=1", "name[3]=\nnames=1"),
        ("lines", "x.name = {0}", "x.name = "),
    ],
)
def test_a_declared_name_loses_its_value_and_nothing_else_changes(
    form: Literal["xml", "json", "lines"], body: str, kept: str
) -> None:
    """Whatever surrounds it, in whole documents and in cut ones, the value goes and every other octet stays."""
    shown, counts = redacted(body.format(SECRET), form)
    assert SECRET.encode() not in shown
    assert re.sub(rb"~name-[0-9a-f]{12}", b"", shown).decode() == kept
    assert counts["name"] >= 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<serialNumber/><name></name>", "<serialNumber/><name></name>"),
        ("<names>x</names><aname>y</aname>", "<names>x</names><aname>y</aname>"),
        (
            "<ipAddress>0.0.0.0</ipAddress><ipAddress>::1</ipAddress>",
            "<ipAddress>0.0.0.0</ipAddress><ipAddress>::1</ipAddress>",
        ),
        ("<port>eth0</port>", "<port>eth0</port>"),
        ("<t>2026-11-22T01:02:03Z</t><id>{ba017b2f-1484-4629-b4a5-37f47727a2df}</id>", None),
        ("", ""),
    ],
)
def test_what_says_nothing_of_anyone_stays(body: str, expected: str | None) -> None:
    """Empty values, longer names, addresses of no one, times and identifiers of requests are as they were."""
    assert redacted(body) == ((body if expected is None else expected).encode(), {})


def test_addresses_keep_their_network() -> None:
    """An IP address keeps its /24 or /64, a MAC address its maker, spelled as it was; a host name keeps nothing."""
    shown = redacted(
        "<ipAddress>192.168.7.9</ipAddress><ipAddress>2001:db8::9</ipAddress><ipAddress>cam.school.example</ipAddress>"
        "<macAddress>48-8E-EF-71-66-E0</macAddress><macAddress>488eef7166e0</macAddress><port>if-488eef7166e0</port>"
    )[0].decode()
    found = re.findall(r">([^<>]+)<", shown)
    assert found[0].startswith("192.168.7.")
    assert found[1].startswith("2001:db8:")
    assert found[2].startswith("~inet-")
    assert found[3].startswith("48-8e-ef-")
    assert found[3].replace("-", "") == found[4] == found[5].removeprefix("if-")
    assert not {"192.168.7.9", "2001:db8::9", "488eef7166e0"} & set(found)


def test_a_mac_address_is_the_same_wherever_it_stands() -> None:
    """In an element, in text that nobody declared, in JSON and in an SNMP table, one device has one pseudonym."""
    mac = "48:8e:ef:71:66:e0"
    pseudonym = Redactor(KEY).pseudonym("mac", bytes.fromhex(mac.replace(":", ""))).hex(":").encode()
    for form, body in (
        ("xml", f"<macAddress>{mac}</macAddress>"),
        ("xml", f"<html>device {mac} failed</html>"),
        ("json", json.dumps({"macAddress": mac})),
        ("lines", f"macAddress={mac}"),
    ):
        assert pseudonym in redacted(body, form)[0]  # type: ignore[arg-type]  # one of the three forms


def test_equal_names_have_equal_pseudonyms_in_every_encoding() -> None:
    """A camera's name in GB 18030 and in UTF-8, escaped or not, is one name."""
    name = "东门 & 摄像机"
    bodies = [
        f"<name>{escape(name)}</name>".encode(),
        b'<?xml version="1.0" encoding="gb2312"?>' + f"<name>{escape(name)}</name>".encode("gb18030"),
        "<name>&#x4e1c;门 &amp; 摄像机</name>".encode(),
    ]
    found = {re.search(rb"~name-[0-9a-f]{12}", redacted(body)[0])[0] for body in bodies}  # type: ignore[index]  # it is there
    found.add(re.search(rb"~name-[0-9a-f]{12}", redacted(json.dumps({"name": name}), "json")[0])[0])  # type: ignore[index]  # so it is
    assert len(found) == 1


@pytest.mark.parametrize(
    "body",
    [
        "<name>a</name>".encode("utf-16"),
        b'<?xml version="1.0" encoding="UTF-7"?>+ADw-name+AD4-a',
        b'<?xml version="1.0" encoding="IBM037"?>',
        b"<name>a\0b</name>",
    ],
)
def test_an_encoding_that_hides_names_is_refused(body: bytes) -> None:
    """What cannot be searched is not kept."""
    with pytest.raises(MalformedError):
        redacted(body)


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("xml", f"<userName>{SECRET}</userName><password>{SECRET}</password><Password>{SECRET}</Password>"),
        ("json", json.dumps({"username": SECRET, "password": {"value": SECRET}, "x": [{"user": SECRET}]})),
        ("lines", f"table.RemoteDevice.System_1.UserName={SECRET}\r\ntable.x.Password={SECRET}\r\n"),
        ("xml", f'<html>GET / HTTP/1.1\r\nAuthorization: Digest username="{SECRET}", response="{SECRET}"\r\n</html>'),
        ("xml", f"<pre>Authorization: Basic {base64.b64encode(SECRET.encode()).decode()}</pre>"),
        ("xml", f"<pre>got Bearer {SECRET}{SECRET} from</pre>"),
        ("xml", f"Set-Cookie: WebSession={SECRET}; path=/"),
        ("xml", f"<Uri>rtsp://{SECRET}:{SECRET}@192.0.2.9:554/live?channel=1</Uri>"),
        ("xml", f"<Uri>rtsp://192.0.2.9/user=x&amp;Password={SECRET}&amp;channel=1</Uri>"),
        ("xml", f"<Uri>rtsp://viewer:pa/{SECRET}@192.0.2.9/rec</Uri>"),
        ("xml", f"<Uri>rtsp://viewer:p#{SECRET}@192.0.2.9/rec</Uri>"),
        ("xml", f"<Uri>rtsp://viewer:p@{SECRET}@192.0.2.9/rec</Uri>"),
        ("xml", f"<Uri>rtsp://192.0.2.9/rec?user=admin&amp;pass={SECRET}</Uri>"),
        ("xml", f"<Uri>rtsp://192.0.2.9/rec?user=admin&amp;psw={SECRET}</Uri>"),
        ("lines", f"table.x.Url=rtsp://192.0.2.9/id=1_pwd={SECRET}\r\n"),
        ("json", json.dumps({"url": f"http://x:{SECRET}@192.0.2.9/?passwd={SECRET}"}).replace("/", "\\/")),
        ("json", json.dumps({"error": f"bad header authorization: Bearer {SECRET}{SECRET}"})),
        ("json", json.dumps({"headers": {"Authorization": f"Basic {SECRET}{SECRET}"}})),
    ],
)
def test_users_passwords_and_echoed_logins_leave_undeclared(form: Literal["xml", "json", "lines"], body: str) -> None:
    """A device that shows its users, or an error page that shows our own request, adds nothing of it to the record."""
    shown, counts = redacted(body, form)
    assert SECRET.encode() not in shown
    assert base64.b64encode(SECRET.encode()) not in shown
    assert counts


@pytest.mark.parametrize("secret", ["pass&word<1>", 'quo"te\\back', "中文口令一", "plain-Secret-9", "per%cent sp"])
def test_configured_secrets_leave_in_every_spelling(secret: str) -> None:
    """A password goes as it is, escaped for XML and JSON, in a URL or form, and in Base64, alone or with its user."""
    octets = secret.encode()
    basic = base64.b64encode(b"agent:" + octets)
    spelled = [
        octets,
        escape(secret).encode(),
        json.dumps(secret).strip('"').encode(),
        quote(secret, safe="").encode(),
        quote(secret, safe="").replace("%20", "+").encode(),
        base64.b64encode(octets),
        basic,
    ]
    for each in spelled:
        shown, counts = redacted(b"<x>a " + each + b" z</x>", "xml", octets, basic)
        core = each[: len(octets) // 3 * 4] if each == base64.b64encode(octets) else each
        assert core not in shown
        assert counts["secret"] == 1
        assert shown.startswith(b"<x>a [redacted:secret]")


def test_marks_do_not_spoil_a_gb_document() -> None:
    """What stands for a user or a secret is ASCII: a document in GB 18030 is still one."""
    body = "<a><userName>管理员</userName><b>东门secret-1</b></a>".encode("gb18030")
    shown, _ = redacted(body, "xml", b"secret-1")
    assert shown.decode("gb18030") == "<a><userName>[redacted:user]</userName><b>东门[redacted:secret]</b></a>"


def test_omitted_elements_leave_with_their_tags() -> None:
    """What nobody needs is not kept, and is counted; in JSON and lines the name stays."""
    assert redacted("<a><big k='1'><x>1</x></big><b>2</b><big/><big>", omit=("big",)) == (
        b"<a><b>2</b>",
        {"omitted": 1},
    )
    assert redacted('{"big": "1", "b": 2}', "json", omit=("big",)) == (b'{"big": "", "b": 2}', {"omitted": 1})
    assert redacted("a.big[1]=1\r\nb=2", "lines", omit=("big",)) == (b"a.big[1]=\r\nb=2", {"omitted": 1})


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=300), st.sampled_from(["xml", "json", "lines"]))
def test_any_octets_are_redacted_or_refused(body: bytes, form: Literal["xml", "json", "lines"]) -> None:
    """No body raises anything but ours, and what holds none of the names comes back octet for octet."""
    try:
        shown, counts = redacted(body, form)
    except MalformedError:
        return
    assert counts or shown == body


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXT, TEXT, st.integers(0, 400))
def test_a_name_is_never_left_in_a_cut_document(name: str, other: str, cut: int) -> None:
    """Wherever a document ends, the value of a declared name is not in what is kept of it."""
    value = f"{SECRET}{name}"
    for form, whole in (
        ("xml", f"<a><b>{escape(other)}</b><name>{escape(value)}</name><c/></a>".encode()),
        ("json", json.dumps({"b": other, "name": value, "c": [1]}, ensure_ascii=False).encode()),
        ("lines", f"b={other}\r\nname={value}\r\nc=1".encode()),
    ):
        shown, _ = redacted(whole[:cut], form)  # type: ignore[arg-type]  # one of the three forms
        start = whole.find(SECRET.encode())
        assert SECRET[:4].encode() not in shown or cut < start + 4


def test_of_an_address_only_the_login_leaves() -> None:
    """What is needed to play stays; one without a login stays as it is."""
    shown, counts = redacted("<Uri>rtsp://a:b@192.0.2.9:554/x?y=1</Uri><Uri>rtsp://192.0.2.9/x?password=&amp;y</Uri>")
    assert (
        shown == b"<Uri>rtsp://[redacted:login]@192.0.2.9:554/x?y=1</Uri><Uri>rtsp://192.0.2.9/x?password=&amp;y</Uri>"
    )
    assert counts == {"login": 1}


@pytest.mark.parametrize(
    "body",
    [
        *(each * 60_000 for each in (b"<name ", b"<name>", b'<name a="')),
        *(each * 400_000 for each in (b"=", b"a", b'"')),
        *(each * 40_000 for each in (b"Authorization: ", b"48:8e:", b"<![CDATA[")),
        *(each * 40_000 for each in (b"rtsp://", b"://a:b", b"?password=")),
    ],
    ids=[
        "open tags",
        "elements",
        "quotes",
        "equals",
        "letters",
        "strings",
        "logins",
        "addresses",
        "sections",
        "urls",
        "users",
        "queries",
    ],
)
@pytest.mark.parametrize("form", ["xml", "json", "lines"])
def test_a_hostile_body_does_not_hold_the_agent_up(form: Literal["xml", "json", "lines"], body: bytes) -> None:
    """Half a megabyte that is made to be slow is done like any other: the test ends, a quadratic rule would not."""
    redacted(body, form)


def test_a_reply_belongs_to_an_http_request() -> None:
    """A reply to something else was not asked for: nothing says what it holds."""
    with pytest.raises(MalformedError):
        Redactor(KEY).redact(SnmpGet(oids=("1.3",)), HttpReply(status=200, elapsed_ms=1))
    state = HostState(boot_id="b", clock="unknown", clock_source="none")
    assert Redactor(KEY).redact(SnmpGet(oids=("1.3",)), state)[0] == state


def test_header_fields_hold_no_secret() -> None:
    """Content-Type and Date come from the device as well."""
    request = HttpRequest(path="/x", form="xml")
    reply = HttpReply(status=200, media=f"text/{SECRET}", date=SECRET, elapsed_ms=1)
    assert SECRET not in str(Redactor(KEY, (SECRET.encode(),)).redact(request, reply)[0])
