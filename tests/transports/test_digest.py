"""Challenges as devices write them, and the answer to them as RFC 7616 calculates it."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.transports.digest import Challenge, DigestAnswer, best_digest, challenges, next_nonce

RFC = {
    "realm": "http-auth@example.org",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "qop": "auth, auth-int",
    "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
}
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_the_standard(algorithm: str, response: str) -> None:
    """RFC 7616 §3.9.1: user Mufasa, GET /dir/index.html, both algorithms."""
    answer = DigestAnswer(Challenge("digest", {**RFC, "algorithm": algorithm}), "Mufasa", "Circle of Life")
    answer._cnonce = CNONCE
    header = answer.header("GET", "/dir/index.html")
    assert f'response="{response}"' in header
    assert 'username="Mufasa"' in header
    assert "nc=00000001" in header
    assert "Circle of Life" not in header


def test_the_old_form_without_qop() -> None:
    """RFC 2069: no counter, no client nonce."""
    answer = DigestAnswer(Challenge("digest", {"realm": "r", "nonce": "n"}), "u", "p")
    header = answer.header("GET", "/")
    first, second = (hashlib.md5(text).hexdigest() for text in (b"u:r:p", b"GET:/"))
    assert f'response="{hashlib.md5(f"{first}:n:{second}".encode()).hexdigest()}"' in header
    assert "nc=" not in header
    assert "cnonce" not in header


def test_quotes_in_names_stay_quoted() -> None:
    """A user name with a quote or a backslash does not end the field."""
    header = DigestAnswer(Challenge("digest", {"realm": 'a"b', "nonce": "n"}), 'x"\\y', "p").header("GET", "/")
    assert 'username="x\\"\\\\y"' in header
    assert 'realm="a\\"b"' in header


@pytest.mark.parametrize(
    ("values", "schemes"),
    [
        (['Digest realm="a, b", nonce="n", qop="auth"'], ["digest"]),
        (['Digest realm="a",nonce="n",Basic realm="b"'], ["digest", "basic"]),
        (['Basic realm="b", Digest realm="a", nonce="n"'], ["basic", "digest"]),
        (['Digest realm="a", nonce="n"', 'Digest realm="a", nonce="n", algorithm=SHA-256'], ["digest", "digest"]),
        (["Negotiate, NTLM TlRMTVNTUAAB==, Digest nonce=n"], ["negotiate", "ntlm", "digest"]),
        (["Basic"], ["basic"]),
        (['Digest  qop="auth" , realm = "x" ,nonce= "n"'], ["digest"]),
        ([""], []),
    ],
)
def test_challenges_of_all_headers(values: list[str], schemes: list[str]) -> None:
    """Several headers, several challenges in one, blanks wherever devices put them."""
    found = challenges(values)
    assert [each.scheme for each in found] == schemes
    assert all(each.params.get("realm", "").count('"') == 0 for each in found)


def test_parameters_belong_to_their_own_challenge() -> None:
    """Two digests in one header keep their own nonces and algorithms."""
    value = 'Digest realm="r", nonce="one", algorithm=MD5, qop="auth", Digest realm="r", nonce="two", algorithm=SHA-256'
    first, second = challenges([value])
    assert (first.params["nonce"], second.params["nonce"]) == ("one", "two")
    best = best_digest([first, second])
    assert best is second


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(max_size=60), max_size=3))
def test_no_header_breaks_the_reading(values: list[str]) -> None:
    """Whatever a device sends as a challenge is read or left out."""
    chosen = best_digest(challenges(values))
    if chosen is not None:
        assert re.fullmatch(
            r"Digest [^\r\n]*", DigestAnswer(chosen, "u", "p").header("GET", "/").replace("\r", "").replace("\n", "")
        )


def test_a_long_hostile_header_is_read_once() -> None:
    """Only the first octets of a header are looked at, each once."""
    for piece in ('a="', "Digest ", "a b ", ",", "\\"):
        challenges([piece * 100_000])


def test_next_nonce() -> None:
    """A device may say which nonce it wants to see next."""
    assert next_nonce('qop=auth, rspauth="x", nextnonce="abc"') == "abc"
    assert next_nonce("") == ""
