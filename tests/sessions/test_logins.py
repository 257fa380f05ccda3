"""Logins in addresses: whatever a password holds, nothing of it is left, and nothing beside the address is lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.sessions.logins import redact_logins

if TYPE_CHECKING:
    from agent.model.http import Form

SECRET = "Secret-12345"
MARK = "[redacted:login]"
BESIDE = "mail-of@school.example"
"""What stands beside an address, and is none of its business."""
SIGNS = st.text("@/\\#?&%:;,.\"'<>= +[]{}$!äB7", max_size=5)


def documents(address: str) -> dict[tuple[Form, str], tuple[str, str]]:
    """Return documents that hold an address and something beside it, and what each must keep, by form and kind."""
    quoted = json.dumps({"url": address, "mail": BESIDE}, ensure_ascii=False)
    inner = json.dumps(json.dumps({"url": address}))
    return {
        ("xml", "element"): (f"<a><Uri>{escape(address)}</Uri><mail>{BESIDE}</mail></a>", f"<mail>{BESIDE}</mail></a>"),
        ("xml", "section"): (f"<Uri><![CDATA[{address}]]></Uri><m>{BESIDE}</m>", f"</Uri><m>{BESIDE}</m>"),
        ("xml", "attribute"): (f"<a u={quoteattr(address)} m='{BESIDE}'/>", f" m='{BESIDE}'/>"),
        ("xml", "cut"): (f"<a>\r\n  <Uri>{escape(address)}", "<a>\r\n  <Uri>rtsp://"),
        ("json", "object"): (quoted, f'"mail": "{BESIDE}"}}'),
        ("json", "slashes"): (quoted.replace("/", "\\/"), f'"mail": "{BESIDE}"}}'),
        ("json", "document"): (f'{{"said": {inner}, "mail": "{BESIDE}"}}', f'"mail": "{BESIDE}"}}'),
        ("lines", "line"): (f"a.Url={address}\r\na.Mail={BESIDE}\r\n", f"\r\na.Mail={BESIDE}\r\n"),
    }


def shown(form: Form, document: str) -> str:
    """Return what is left of a document."""
    return redact_logins(document.encode(), form)[0].decode()


@pytest.mark.parametrize("kind", documents(""), ids="-".join)
@given(SIGNS, SIGNS)
@example("pa/", "")
@example("p@", "")
@example("p#", "")
@example("", "@")
@example('"', "'")
@example("a b", " c")
@example("]]>", "")
@example("?pass=", "@x")
@example("&pw=", "&x=")
def test_nothing_is_left_of_a_password_before_the_host(kind: tuple[Form, str], before: str, after: str) -> None:
    """Any password in any document: no part of it stays, and all that stands beside the address does."""
    document, kept = documents(f"rtsp://viewer:{before}{SECRET}{after}@10.0.0.2:554/rec?token=1")[kind]
    if kind[1] == "section" and "<" in before + after:
        return  # in no other place can an element be told from a password
    left = shown(kind[0], document)
    assert SECRET not in left
    assert "viewer" not in left
    assert kept in left


NAMES = st.sampled_from(["pass", "psw", "pw", "pwd", "passwd", "password", "PassWord", "userpwd"])


@pytest.mark.parametrize("kind", documents(""), ids="-".join)
@given(NAMES, st.text("@/#?%:;,.\"'<> B7", max_size=4), st.text("@/#?&%:;,.\"'<> B7", max_size=4))
@example("pass", "@", "")
@example("psw", "", "@")
@example("pw", "B&", "&")
def test_nothing_is_left_of_a_password_in_the_query(kind: tuple[Form, str], name: str, before: str, after: str) -> None:
    """A password that is a parameter leaves up to the next one, whatever it holds."""
    document, kept = documents(f"rtsp://10.0.0.2/rec?user=admin&{name}={before}{SECRET}{after}&channel=1")[kind]
    if kind[1] == "section" and "<" in before + after:
        return
    left = shown(kind[0], document)
    assert SECRET not in left
    assert kept in left


@pytest.mark.parametrize(
    ("document", "left"),
    [
        ("<Uri>rtsp://10.0.0.2/rec?user=admin&amp;pass=Xy12345</Uri>", f"<Uri>rtsp://10.0.0.2/rec?user=admin&amp;pass={MARK}</Uri>"),
        ("<Uri>rtsp://10.0.0.2/rec?psw=Xy1&amp;channel=1</Uri>", f"<Uri>rtsp://10.0.0.2/rec?psw={MARK}&amp;channel=1</Uri>"),
        ("<Uri>rtsp://10.0.0.2/user=a_password=b&amp;x=1.sdp?</Uri>", f"<Uri>rtsp://10.0.0.2/user=a_password={MARK}&amp;x=1.sdp?</Uri>"),
        ("<Uri>rtsp://10.0.0.2/x?pass=p@ss</Uri>", f"<Uri>rtsp://{MARK}</Uri>"),
        ("<Uri>rtsp://[redacted:secret]:more@10.0.0.2/x</Uri>", f"<Uri>rtsp://{MARK}@10.0.0.2/x</Uri>"),
        ("<Uri>rtsp://10.0.0.2/x?pass=[redacted:secret]more</Uri>", f"<Uri>rtsp://10.0.0.2/x?pass={MARK}</Uri>"),
        ("<p>see http://10.0.0.2/x or write to a@b</p>", None),
        ("<p>see 'http://10.0.0.2/x', a@b</p>", None),
        ('<a href="http://10.0.0.2/x"/><b>a@b</b>', None),
        ('<s:E xmlns:s="http://www.w3.org/2003/05/soap-envelope" m="a@b"/>', None),
        ("<Uri>rtsp://10.0.0.2/x</Uri><m>a@b</m>", None),
        ("<Uri>rtsp://10.0.0.2/x?token=a&amp;y=1</Uri>", None),
        ("<Uri>rtsp://10.0.0.2/x?password=&amp;y=1</Uri>", None),
        (f"<Uri>rtsp://{MARK}@10.0.0.2/x?pass={MARK}&amp;y=1</Uri>", None),
        ("<Uri>rtsp://10.0.0.2/x?pass=[redacted:secret]&amp;y=1</Uri>", None),
        ("<t>12:30//@</t>", None),
    ],
)  # fmt: skip
def test_what_leaves_and_what_stays(document: str, left: str | None) -> None:
    """Of an address the login leaves; an address without one, and what stands near it, stay octet for octet."""
    assert redact_logins(document.encode(), "xml") == ((left or document).encode(), int(left is not None))


@pytest.mark.parametrize("form", ["xml", "json", "lines"])
@given(
    st.binary(max_size=99)
    | st.lists(
        st.sampled_from([b"a://", b":\\/\\/", b"@", b"?pw=", b"&", b"x=", b'"', b"<", b">", b" ", b"\n", b"\\"])
    ).map(b"".join)
)
def test_what_is_counted_is_what_changed(form: Form, body: bytes) -> None:
    """Addresses in addresses, half ones, quotes that never end: an octet is lost only where a login is counted."""
    left, found = redact_logins(body, form)
    assert found == left.count(MARK.encode())
    assert found or left == body


@pytest.mark.parametrize("form", ["xml", "json", "lines"])
@pytest.mark.parametrize(
    "part", [b"a://", b'"://', b"://a@", b"&pass=", b"&pass=a", b"?pw=&", b":\\/", b"/aaaa", b"://a:b&amp;pass=@"]
)
def test_a_hostile_body_is_read_in_one_go(form: Form, part: bytes) -> None:
    """Half a megabyte that is made to be slow is done like any other: the test ends, a quadratic rule would not."""
    left, found = redact_logins(part * (500_000 // len(part)), form)
    assert bool(found) == (MARK.encode() in left)
