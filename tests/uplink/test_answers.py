"""What counts as the backend's word, and what is done about it."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from agent.backend.problems import KINDS, ProblemError, respond
from agent.model.upload import PROBLEM_MEDIA_TYPE, ProblemType
from agent.uplink.answers import ACTIONS, Action, read_problem

PREFIX = "urn:campus-agent:problem:"


@pytest.mark.parametrize("kind", list(ProblemType))
def test_every_problem_of_the_backend_is_read_and_has_its_action(kind: ProblemType) -> None:
    """Both ends agree: what the backend writes is read as it was meant, and the contract's column says what follows."""
    answer = respond(ProblemError(kind, "why", extra={"expectedSeq": 3, "expectedPrev": "ab", "missing": ["x"]}))
    problem = read_problem(answer.status_code, answer.media_type or "", bytes(answer.body))
    assert problem is not None
    assert (problem.type, problem.expected_seq, problem.expected_prev, problem.missing) == (kind, 3, "ab", ("x",))
    status = KINDS[kind].status
    expected = {400: Action.REJECT, 413: Action.REJECT, 415: Action.REJECT, 422: Action.REJECT, 424: Action.UPLOAD,
                401: Action.HALT, 403: Action.HALT}.get(status, Action.LATER)  # fmt: skip
    if status == 409:
        expected = Action.RESEND if kind is ProblemType.GAP else Action.HALT
    assert problem.action is expected


def test_the_table_of_actions_is_complete() -> None:
    """Each type has one action."""
    assert set(ACTIONS) == set(ProblemType)


@pytest.mark.parametrize(
    ("status", "expected"), [(422, Action.REJECT), (403, Action.HALT), (409, Action.HALT), (451, Action.LATER)]
)
def test_a_type_of_a_newer_backend_is_classed_by_its_status(status: int, expected: Action) -> None:
    """An older agent understands enough of a newer backend."""
    body = json.dumps({"type": PREFIX + "new", "status": status}).encode()
    problem = read_problem(status, PROBLEM_MEDIA_TYPE, body)
    assert problem is not None
    assert problem.action is expected


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("text/html", {"type": PREFIX + "fork", "status": 409}),
        ("application/json", {"type": PREFIX + "fork", "status": 409}),
        (PROBLEM_MEDIA_TYPE, {"type": "about:blank", "status": 409}),
        (PROBLEM_MEDIA_TYPE, {"type": PREFIX + "fork", "status": 422}),
        (PROBLEM_MEDIA_TYPE, {"status": 409}),
        (PROBLEM_MEDIA_TYPE, ["type"]),
    ],
)
def test_anybody_elses_answer_is_not_the_backends_word(kind: str, document: Any) -> None:
    """A firewall's 409 or a portal's page never halts a chain or rejects an entry."""
    assert read_problem(409, kind, json.dumps(document).encode()) is None


@given(st.binary(max_size=100), st.integers(100, 599))
def test_any_bytes_are_a_problem_or_none(body: bytes, status: int) -> None:
    """No body breaks the uplink."""
    assert read_problem(status, PROBLEM_MEDIA_TYPE, body) is None


def test_foreign_text_is_made_printable() -> None:
    """Escape sequences in a detail do not reach the console, and a novel is cut."""
    body = json.dumps({"type": PREFIX + "busy", "status": 503, "detail": "\x1b[31mred" + "x" * 9999}).encode()
    problem = read_problem(503, PROBLEM_MEDIA_TYPE, body)
    assert problem is not None
    assert "\x1b" not in problem.detail
    assert len(problem.detail) <= 500
