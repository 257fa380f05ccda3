"""The pure part of the decision: no bytes make it fail in another way than by a problem, and its words are complete."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from agent import canonical
from agent.backend import ingest
from agent.backend.problems import KINDS, ProblemError, respond
from agent.evidence import base64text, dsse
from agent.model.evidence import EntryKind
from agent.model.upload import ProblemType
from tests.peers.backend import HandClock, Signed, speaker

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=8) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    return speaker(tmp_path_factory.mktemp("keys"), HandClock()).append(EntryKind.RUN)


def envelope_of(payload: bytes) -> bytes:
    """Return an envelope whose signature is not looked at here."""
    return json.dumps(
        {
            "payload": base64text.encode(payload),
            "payloadType": dsse.STATEMENT_PAYLOAD_TYPE,
            "signatures": [{"sig": "AAAA"}],
        }
    ).encode()


def opened(payload: bytes) -> ingest.Submission | ProblemError:
    try:
        return ingest.open_submission(canonical.digest(payload), envelope_of(payload))
    except ProblemError as problem:
        return problem


@given(body=st.binary(max_size=200))
def test_any_bytes_are_a_problem_that_can_be_answered(body: bytes) -> None:
    """Bytes that are no envelope become a problem document, whatever they are."""
    with pytest.raises(ProblemError) as raised:
        ingest.open_submission(canonical.digest(b""), body)
    assert json.loads(bytes(respond(raised.value).body))["status"] == 422


@given(value=JSON)
def test_any_json_payload_is_opened_or_a_problem(value: Any) -> None:
    """JSON of any shape, half surrogate pairs included, is refused with a document that can be written."""
    result = opened(json.dumps(value).encode())
    assert isinstance(result, ProblemError)
    assert respond(result).status_code == 422


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_of_a_statement_is_opened_or_a_problem(signed: Signed, data: st.DataObject) -> None:
    """A statement with any member replaced or removed stays one, is kept as a link with a fault, or is a problem."""
    document = json.loads(signed.payload)
    holder: Any = document
    for _ in range(data.draw(st.integers(0, 3))):
        inner = [value for value in (holder.values() if isinstance(holder, dict) else holder) if value]
        inner = [value for value in inner if isinstance(value, dict | list)]
        if not inner:
            break
        holder = data.draw(st.sampled_from(inner))
    keys = list(holder) if isinstance(holder, dict) else range(len(holder))
    key = data.draw(st.sampled_from(list(keys)))
    if data.draw(st.booleans()):
        holder[key] = data.draw(JSON)
    else:
        del holder[key]
    result = opened(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())
    if isinstance(result, ProblemError):
        assert respond(result).status_code == 422
    elif result.statement is None:
        assert result.fault
        assert ingest.read_link(result.envelope.payload) == result.link
        respond(ProblemError(ProblemType.MALFORMED, "{why}", why=result.fault))


def test_a_statement_is_opened_with_its_place_and_files(signed: Signed) -> None:
    """Place, identity and files are those that were signed."""
    result = ingest.open_submission(signed.digest, signed.envelope)
    assert (result.link.seq, result.link.prev, result.sha256) == (0, "0" * 64, signed.hex)
    assert result.subjects == [canonical.digest(data) for data in signed.files.values()]


def test_every_type_of_problem_has_a_status_and_a_title() -> None:
    """The table is complete, a title belongs to one type, and all waiting statuses say how long."""
    assert set(KINDS) == set(ProblemType)
    assert len({kind.title for kind in KINDS.values()}) == len(KINDS)
    assert all(kind.retry_after for kind in KINDS.values() if kind.status in (429, 503, 507))
    assert 202 not in {kind.status for kind in KINDS.values()}


def test_a_problem_document_has_the_members_of_rfc_9457() -> None:
    """type, title, status and detail, and extension members beside them, as application/problem+json."""
    answer = respond(ProblemError(ProblemType.GAP, "entry {n} came", extra={"expectedSeq": 4}, n=7))
    assert answer.media_type == "application/problem+json"
    assert json.loads(bytes(answer.body)) == {
        "type": "urn:campus-agent:problem:gap",
        "title": "Older entries of the chain are missing",
        "status": 409,
        "detail": "entry 7 came",
        "expectedSeq": 4,
    }


def test_place_of_an_entry_decides_between_gap_and_fork() -> None:
    """Later than next: gap. Earlier, or next but after something else: fork. Next after the head: neither."""
    link = ingest.Link("k" * 64, 5, "a" * 64, "run")
    kinds = {
        (4, "a" * 64): ProblemType.GAP,
        (6, "a" * 64): ProblemType.FORK,
        (5, "b" * 64): ProblemType.FORK,
        (5, "a" * 64): None,
    }
    for (next_seq, head), expected in kinds.items():
        refusal = ingest.link_refusal(link, next_seq, head)
        assert (refusal.kind if refusal else None) == expected
