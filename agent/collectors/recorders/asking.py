"""One request to a recorder over HTTP, as every brand makes it: a useless reply is none, a refusal ends all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import GapError, MalformedError
from agent.model.exchange import GapReason
from agent.model.http import HttpReply

if TYPE_CHECKING:
    from agent.model.asset import Asset
    from agent.model.exchange import Answer, Session
    from agent.model.http import HttpRequest

__all__ = ["asked"]


async def asked(asset: Asset, session: Session, request: HttpRequest) -> tuple[Answer, HttpReply] | None:
    """Ask, and return the answer with its reply.

    Returns:
        None for a reply whose framing is broken, or for what is not allowed to be asked; the record has the gap.

    Raises:
        GapError: the device is silent or does not let us in: nothing else need be asked.
        MalformedError: something else than an HTTP reply came back.
    """
    try:
        answer = await session.ask(request)
    except GapError as gap:
        if gap.reason in {GapReason.UNSUPPORTED, GapReason.MALFORMED}:
            return None
        raise
    reply = answer.response
    if not isinstance(reply, HttpReply):
        raise MalformedError("a request over HTTP was answered by {op}", where=asset.id, op=reply.op)
    return answer, reply
