"""What collectors make of probes: the agent's own server did them, so what they show is measured."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from agent.canonical import decimal_text
from agent.errors import MalformedError
from agent.model.exchange import NetProbed

if TYPE_CHECKING:
    from agent.model.asset import Asset
    from agent.model.exchange import Answer

__all__ = ["milliseconds", "probed"]


def probed(answer: Answer, asset: Asset) -> NetProbed:
    """Return the answer to a probe.

    Raises:
        MalformedError: something else answered.
    """
    if not isinstance(answer.response, NetProbed):
        raise MalformedError("a probe was answered by {op}", where=asset.id, op=answer.response.op)
    return answer.response


def milliseconds(microseconds: int) -> str:
    """Return a time in milliseconds as decimal text, to the microsecond."""
    return decimal_text(Decimal(microseconds) / 1000)
