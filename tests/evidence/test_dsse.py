"""Envelopes: the published vector, agreement with another implementation, and what is refused."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as OtherEnvelope
from securesystemslib.exceptions import VerificationError as OtherVerificationError
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # it has no __all__

from agent.canonical import digest
from agent.errors import AgentError, MalformedError, VerificationError
from agent.evidence import dsse, keys

if TYPE_CHECKING:
    from pathlib import Path

    from tests.evidence.world import World

TYPE = dsse.STATEMENT_PAYLOAD_TYPE
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def signed(signer: keys.Signer, payload: bytes, payload_type: str = TYPE) -> bytes:
    signature = dsse.Signature(signer.keyid, signer.sign(dsse.pae(payload_type, payload)))
    return dsse.envelope_bytes(payload, payload_type, [signature])


def test_published_vector(vectors: Path) -> None:
    """The encoding is that of the specification, and its published signature verifies."""
    vector = json.loads((vectors / "dsse-hello-world.json").read_text())
    payload, payload_type = vector["payload"].encode(), vector["payloadType"]
    assert dsse.pae(payload_type, payload) == vector["pae"].encode()
    raw = base64.b64decode(vector["signatureRaw"])
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public = EllipticCurvePublicNumbers(int(vector["x"]), int(vector["y"]), SECP256R1()).public_key()
    envelope = dsse.parse(dsse.envelope_bytes(payload, payload_type, [dsse.Signature("", der)]))
    assert dsse.verify(envelope, {keys.keyid_of(public): public}, payload_type=payload_type) == payload


def test_lengths_are_of_bytes() -> None:
    """Lengths in the signed encoding count bytes, not characters."""
    assert dsse.pae("类", "学校".encode()) == "DSSEv1 3 类 6 学校".encode()


def test_envelope_shape(world: World) -> None:
    """The envelope is canonical JSON of exactly payload, payloadType and signatures with keyid and sig."""
    data = signed(world.agent, b"{}")
    value = json.loads(data)
    assert value["payload"] == "e30="
    assert [set(one) for one in value["signatures"]] == [{"keyid", "sig"}]
    assert data == json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
    assert dsse.payload_digest(dsse.parse(data)) == digest(b"{}")


def test_another_implementation_agrees(world: World) -> None:
    """securesystemslib verifies our envelope under our keyid, and refuses it once the type is changed."""
    key = SSlibKey(
        world.agent.keyid, "ecdsa", "ecdsa-sha2-nistp256", {"public": world.agent.public_pem.decode("ascii")}
    )
    value = json.loads(signed(world.agent, b'{"a":1}'))
    assert set(OtherEnvelope.from_dict(json.loads(json.dumps(value))).verify([key], 1)) == {world.agent.keyid}
    value["payloadType"] = "text/plain"
    with pytest.raises(OtherVerificationError):
        OtherEnvelope.from_dict(value).verify([key], 1)


def test_keyid_is_only_a_hint(world: World) -> None:
    """A wrong or missing keyid in the envelope neither breaks nor makes a verification."""
    value = json.loads(signed(world.agent, b"{}"))
    trusted = {world.agent.keyid: world.agent.public, world.stranger.keyid: world.stranger.public}
    value["signatures"][0]["keyid"] = world.stranger.keyid
    envelope = dsse.parse(json.dumps(value).encode())
    assert dsse.verified_by(envelope, trusted) == (world.agent.keyid,)
    with pytest.raises(VerificationError, match="trusted key"):
        dsse.verify(envelope, {world.stranger.keyid: world.stranger.public})
    del value["signatures"][0]["keyid"]
    assert dsse.verify(dsse.parse(json.dumps(value).encode()), trusted) == b"{}"


def test_two_signatures(world: World) -> None:
    """One trusted signature among others is enough, and each trusted signer is named once."""
    message = dsse.pae(TYPE, b"{}")
    made = [
        dsse.Signature(world.stranger.keyid, world.stranger.sign(message)),
        dsse.Signature(world.agent.keyid, world.agent.sign(message)),
        dsse.Signature(world.agent.keyid, world.agent.sign(message)),
    ]
    envelope = dsse.parse(dsse.envelope_bytes(b"{}", TYPE, made))
    assert dsse.verified_by(envelope, {world.agent.keyid: world.agent.public}) == (world.agent.keyid,)


def test_other_type_is_refused(world: World) -> None:
    """A challenge cannot stand in for a statement although its signature holds."""
    envelope = dsse.parse(signed(world.agent, b"{}", dsse.CHALLENGE_PAYLOAD_TYPE))
    with pytest.raises(VerificationError, match="payload type"):
        dsse.verify(envelope, {world.agent.keyid: world.agent.public})


def test_malleated_signature_keeps_the_identity(world: World) -> None:
    """Replacing s by n-s gives another envelope that verifies, with the same payload digest."""
    value = json.loads(signed(world.agent, b"{}"))
    r, s = decode_dss_signature(base64.b64decode(value["signatures"][0]["sig"]))
    value["signatures"][0]["sig"] = base64.b64encode(encode_dss_signature(r, P256_ORDER - s)).decode()
    other = dsse.parse(json.dumps(value).encode())
    assert dsse.verify(other, {world.agent.keyid: world.agent.public}) == b"{}"
    assert dsse.payload_digest(other) == digest(b"{}")


GOOD = {"payload": "e30=", "payloadType": TYPE, "signatures": [{"keyid": "", "sig": "AAAA"}]}


@pytest.mark.parametrize(
    "change",
    [
        {"payload": "e30"},
        {"payload": "e31="},
        {"payload": "e3 0="},
        {"payload": "-_-_"},
        {"payload": "学"},
        {"payload": None},
        {"payloadType": 1},
        {"payloadType": "\ud800"},
        {"payloadType": "x" * 300},
        {"signatures": []},
        {"signatures": {}},
        {"signatures": ["AAAA"]},
        {"signatures": [{"keyid": "", "sig": ""}]},
        {"signatures": [{"keyid": "", "sig": "AAAA", "cert": ""}]},
        {"signatures": [{"keyid": ""}]},
        {"signatures": [{"keyid": 5, "sig": "AAAA"}]},
        {"signatures": [{"keyid": "", "sig": "AAAA"}] * (dsse.MAX_SIGNATURES + 1)},
        {"signatures": [{"keyid": "", "sig": base64.b64encode(bytes(9000)).decode()}]},
        {"extra": 1},
    ],
)
def test_malformed_envelopes(change: dict[str, object]) -> None:
    """Whatever is not exactly an envelope is refused as malformed."""
    dsse.parse(json.dumps(GOOD).encode())
    with pytest.raises(MalformedError):
        dsse.parse(json.dumps(GOOD | change).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'{"payload":"","payload":""}', b"[" * 100_000, b"1.5"])
def test_not_an_envelope(data: bytes) -> None:
    """Bytes that are no JSON object of an envelope are refused as malformed."""
    with pytest.raises(MalformedError):
        dsse.parse(data)


def test_size_cap() -> None:
    """An envelope beyond the cap is refused before it is parsed, and never written."""
    with pytest.raises(MalformedError, match="more than"):
        dsse.parse(b" " * (dsse.MAX_ENVELOPE_BYTES + 1))
    with pytest.raises(MalformedError, match="more than"):
        dsse.envelope_bytes(bytes(dsse.MAX_ENVELOPE_BYTES), TYPE, [dsse.Signature("", b"x")])
    with pytest.raises(MalformedError):
        dsse.envelope_bytes(b"", TYPE, [])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(position=st.integers(min_value=0), bit=st.integers(0, 7))
def test_flipped_bits_never_change_the_payload(world: World, position: int, bit: int) -> None:
    """A flipped bit anywhere makes the envelope fail with our errors, or leaves the verified payload as it was."""
    data = bytearray(signed(world.agent, b'{"value":"499.999"}'))
    data[position % len(data)] ^= 1 << bit
    try:
        payload = dsse.verify(dsse.parse(bytes(data)), {world.agent.keyid: world.agent.public})
    except AgentError:
        return
    assert payload == b'{"value":"499.999"}'
