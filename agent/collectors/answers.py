"""What collectors make of answers: the varbinds in them, readings that cite them, the gap when they hold nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.errors import GapError
from agent.model.exchange import Answer, GapReason, HttpReply, VarBinds
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from agent.model.asset import Asset

__all__ = ["cited", "graded", "measured", "reported", "unsupported", "varbinds"]


def varbinds(answer: Answer) -> VarBinds:
    """Return the answer to an SNMP request.

    Raises:
        GapError: something else answered.
    """
    if not isinstance(answer.response, VarBinds):
        raise GapError(GapReason.MALFORMED, "an SNMP request was answered by {op}", op=answer.response.op)
    return answer.response


def cited(answer: Answer) -> Answer:
    """Return an answer over HTTP without its body: enough to cite it, for conversations that would fill the memory."""
    response = answer.response
    if not isinstance(response, HttpReply):
        return answer
    return replace(answer, response=HttpReply(status=response.status, elapsed_ms=response.elapsed_ms))


def reported(metric: str, subject: str, value: str, unit: str, *answers: Answer) -> Reading:
    """Return a reading in the device's own word; see `graded`."""
    return graded(metric, subject, value, unit, Grade.REPORTED, *answers)


def measured(metric: str, subject: str, value: str, unit: str, *answers: Answer) -> Reading:
    """Return a reading of what the agent's own server did or saw itself; see `graded`."""
    return graded(metric, subject, value, unit, Grade.MEASURED, *answers)


def graded(metric: str, subject: str, value: str, unit: str, grade: Grade, *answers: Answer) -> Reading:
    """Return a reading that cites the answers it came from, each once; it is as old as the last of them."""
    return Reading(
        metric=metric,
        subject=subject,
        value=value,
        unit=unit,
        at=answers[-1].at,
        grade=grade,
        sources=tuple(dict.fromkeys(answer.source for answer in answers)),
    )


def unsupported(asset: Asset, answer: Answer, what: str, todo: str) -> GapError:
    """Return the gap of a device that answers but does not have what the collector reads; it cites the answer.

    Args:
        asset: which device.
        answer: the one that showed it.
        what: a gettext message id.
        todo: what the reader does next, a gettext message id.
    """
    error = GapError(GapReason.UNSUPPORTED, what, where=asset.id, todo=todo)
    error.source, error.at = answer.source, answer.at
    return error
