"""Statements and challenges: signed, opened, and refused when type, key or form is another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agent import canonical
from agent.canonical import Json, digest
from agent.errors import MalformedError, VerificationError
from agent.evidence import dsse, statement
from agent.model.evidence import EntryKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    from tests.evidence.world import World

ZEROS = "0" * 64


def resigned(world: World, change: Callable[[Json], object], *, canonically: bool = True) -> bytes:
    """Return an envelope by the agent's key over a changed run statement."""
    value = world.statement(0, EntryKind.RUN, ZEROS, {"a": b"1"}).to_json()
    change(value)
    payload = canonical.dumps(value) if canonically else json.dumps(value).encode()
    signature = world.agent.sign(dsse.pae(dsse.STATEMENT_PAYLOAD_TYPE, payload))
    return dsse.envelope_bytes(payload, dsse.STATEMENT_PAYLOAD_TYPE, [dsse.Signature(world.agent.keyid, signature)])


def trusted(world: World) -> dict[str, EllipticCurvePublicKey]:
    return {one.keyid: one.public for one in (world.agent, world.stranger)}


@pytest.mark.parametrize("kind", list(EntryKind))
def test_round_trip(world: World, kind: EntryKind) -> None:
    """Every kind of statement is opened as it was signed, and its identity is the digest of its payload."""
    made = world.statement(7, kind, "ab" * 32, {"readings.jsonl": b"1", "campus.yaml": b"2"})
    payload, envelope = statement.sign_statement(made, world.agent)
    assert statement.open_statement(envelope, trusted(world)) == (made, payload)
    assert payload == made.to_bytes()
    assert dsse.payload_digest(dsse.parse(envelope)) == digest(payload)
    assert [subject.name for subject in made.subject] == ["campus.yaml", "readings.jsonl"]
    assert made.subject[1].digest.digest() == digest(b"1")


def test_only_the_named_key_may_sign(world: World) -> None:
    """A statement signed by another trusted key than it names is refused, when signing and when opening."""
    made = world.statement(0, EntryKind.RUN, ZEROS, {"a": b"1"})
    with pytest.raises(MalformedError, match="names the key"):
        statement.sign_statement(made, world.stranger)
    payload = made.to_bytes()
    signature = world.stranger.sign(dsse.pae(dsse.STATEMENT_PAYLOAD_TYPE, payload))
    envelope = dsse.envelope_bytes(payload, dsse.STATEMENT_PAYLOAD_TYPE, [dsse.Signature(world.agent.keyid, signature)])
    with pytest.raises(VerificationError, match="names the key"):
        statement.open_statement(envelope, trusted(world))
    with pytest.raises(VerificationError, match="trusted key"):
        statement.open_statement(envelope, {world.agent.keyid: world.agent.public})


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(_type="https://in-toto.io/Statement/v0.1"),
        lambda value: value.update(predicateType="https://slsa.dev/provenance/v1"),
        lambda value: value.update(predicateType="urn:campus-agent:assessment:v1"),
        lambda value: value["predicate"].update(kind="assessment"),
        lambda value: value["predicate"].update(kind="other"),
        lambda value: value["predicate"].update(surprise=1),
        lambda value: value["predicate"].update(seq=-1),
        lambda value: value["predicate"].update(seq="0"),
        lambda value: value.update(subject=[]),
        lambda value: value["subject"].append(value["subject"][0]),
        lambda value: value["subject"][0].update(name="../../etc/passwd"),
        lambda value: value["subject"][0]["digest"].update(sha256="AB" * 32),
        lambda value: value["predicate"].update(boot_id="x"),
        lambda value: value["predicate"].update(reason=None),
    ],
)
def test_malformed_statements(world: World, change: Callable[[Json], object]) -> None:
    """A signed payload that is not a statement of a known type in its one form is refused."""
    statement.open_statement(resigned(world, lambda _: None), trusted(world))
    with pytest.raises(MalformedError):
        statement.open_statement(resigned(world, change), trusted(world))


def test_only_the_canonical_form_is_read(world: World) -> None:
    """Other spellings of the same statement (spaces, snake_case keys) are refused: all readers read the same."""

    def snake(value: Json) -> None:
        value["predicate_type"] = value.pop("predicateType")

    for envelope in (resigned(world, lambda _: None, canonically=False), resigned(world, snake)):
        with pytest.raises(MalformedError, match="canonical"):
            statement.open_statement(envelope, trusted(world))


def test_enrolment_proves_possession(world: World) -> None:
    """An enrolment opens by the key that it carries, and by no other."""
    made = world.statement(0, EntryKind.ENROL, ZEROS, {"a": b"1"})
    for signer, named in ((world.agent, world.agent), (world.agent, world.stranger)):
        one = made.model_copy(
            update={"predicate": made.predicate.model_copy(update={"public_key": named.public_pem.decode()})}
        )
        _, envelope = statement.sign_statement(one, signer)
        if signer is named:
            opened, _, public = statement.open_enrolment(envelope)
            assert (opened, public) == (one, world.agent.public)
        else:
            with pytest.raises(VerificationError):
                statement.open_enrolment(envelope)
    _, keyless = statement.sign_statement(made, world.agent)
    with pytest.raises(MalformedError, match="not an enrolment"):
        statement.open_enrolment(keyless)


def test_challenge(world: World) -> None:
    """A challenge opens by the backend's key only, and is not mistaken for a statement."""
    envelope = world.challenge()
    keys = {world.backend.keyid: world.backend.public}
    assert statement.open_challenge(envelope, keys).agent == world.agent.keyid
    with pytest.raises(VerificationError):
        statement.open_challenge(envelope, trusted(world))
    with pytest.raises(VerificationError, match="payload type"):
        statement.open_statement(envelope, keys)
    _, run = statement.sign_statement(world.statement(0, EntryKind.RUN, ZEROS, {"a": b"1"}), world.agent)
    with pytest.raises(VerificationError, match="payload type"):
        statement.open_challenge(run, trusted(world))
