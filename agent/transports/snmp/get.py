"""`Get`: the GET of some instances as a dialogue, without a socket.

All OIDs go into one PDU where the device allows. tooBig, and any other error that names no variable, splits the
request; an error that names one asks for that one alone. What stays unanswered is given as unSpecified (NULL, as the
request had it), so that the answer has one varbind per OID in every case, and is marked `Partial`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent import ber
from agent.errors import GapError
from agent.model.exchange import Partial, VarBinds
from agent.transports.snmp.message import AUTHORIZATION_ERROR, GET, NO_SUCH_NAME, TOO_BIG, Ask, Pdu

if TYPE_CHECKING:
    from agent.model.exchange import SnmpGet
    from agent.transports.snmp.pace import Limits

__all__ = ["Get"]


class Get:
    """One GET.

    Args:
        request: the OIDs.
        limits: bounds.
        version_1: noSuchName means that the variable does not exist.
    """

    phase = "get"

    def __init__(self, request: SnmpGet, limits: Limits, *, version_1: bool = False) -> None:
        self._names = request.oids
        self._oids = [ber.oid_bytes(name) for name in request.oids]
        self._version_1 = version_1
        self._found: dict[int, bytes] = {}
        self._reasons: dict[int, str] = {}
        positions = list(range(len(self._oids)))
        self._groups = [positions[at : at + limits.get_oids] for at in range(0, len(positions), limits.get_oids)]
        self._requests_left = limits.max_requests
        self._silences = 0
        self._asked = ""

    def ask(self, tries: int, *, last: bool) -> Ask | None:  # noqa: ARG002 (of the protocol)
        """Return the next request, or None when all is answered; the last try asks for the first OID alone."""
        if not self._groups:
            return None
        if not self._requests_left:
            self.stop("request cap")
            return None
        self._requests_left -= 1
        group = self._groups[0][:1] if last else self._groups[0]
        self._asked = self._names[group[0]]
        return Ask(GET, tuple([self._oids[position] for position in group]))

    def answer(self, ask: Ask, pdu: Pdu) -> None:
        """Take an answer to a request that `ask` returned since the last answer.

        Raises:
            GapError: the device refuses.
        """
        self._silences = 0
        group = self._take_group(len(ask.oids))
        if pdu.error_status:
            self._failed(group, pdu)
            return
        wrong = []
        for at, position in enumerate(group):
            if at < len(pdu.varbinds) and pdu.varbinds[at][0] == self._oids[position]:
                self._found[position] = pdu.varbinds[at][2]
            else:
                wrong.append(position)
        self._split(wrong, "wrong OID" if pdu.varbinds else "empty reply", progress=len(wrong) < len(group))

    def silence(self) -> None:
        """Give up the first OID that stays unanswered; after two in a row, all."""
        self._silences += 1
        self._reasons[self._take_group(1)[0]] = "timeout"
        if self._silences > 1:
            self.stop("timeout")

    def stop(self, reason: str) -> None:
        """Give up what is not answered."""
        for group in self._groups:
            self._reasons.update(dict.fromkeys(group, reason))
        self._groups = []

    def where(self) -> str:
        """Return the OID that is being asked."""
        return self._asked

    def result(self) -> VarBinds:
        """Return one varbind per OID, in order."""
        return VarBinds(
            varbinds=tuple(self._varbind(position).hex() for position in range(len(self._oids))),
            partial=tuple(
                Partial(column=self._names[position], reason=self._reasons[position])
                for position in sorted(self._reasons)
            ),
        )

    def _varbind(self, position: int) -> bytes:
        return self._found.get(position) or ber.encode_varbind(self._oids[position], ber.NULL, b"")

    def _take_group(self, width: int) -> list[int]:
        group, rest = self._groups[0][:width], self._groups[0][width:]
        self._groups[:1] = [rest] if rest else []
        return group

    def _failed(self, group: list[int], pdu: Pdu) -> None:
        named = pdu.error_index - 1 if 1 <= pdu.error_index <= len(group) else None
        if pdu.error_status == AUTHORIZATION_ERROR and not self._found:
            raise GapError(
                "refused",
                "the device does not let these credentials read this OID (authorizationError)",
                todo="give this community or user a view that includes the OID, at the security level used here",
            )
        if named is None and len(group) == 1:
            named = 0
        if self._version_1 and pdu.error_status == NO_SUCH_NAME and named is not None:
            position = group.pop(named)
            echo = pdu.varbinds[named] if named < len(pdu.varbinds) else (b"", 0, b"")
            if echo[0] == self._oids[position]:
                self._found[position] = echo[2]
            self._put(group)
        elif named is None or pdu.error_status == TOO_BIG or len(group) == 1:
            self._split(group, f"error-status {pdu.error_status}", progress=False)
        else:
            self._put([group.pop(named)])
            self._put(group)

    def _split(self, group: list[int], reason: str, *, progress: bool) -> None:
        """Ask again for less; what fails alone is given up."""
        if progress:
            self._put(group)
        elif len(group) == 1:
            self._reasons[group[0]] = reason
        else:
            middle = len(group) // 2
            self._put(group[middle:])
            self._put(group[:middle])

    def _put(self, group: list[int]) -> None:
        if group:
            self._groups.insert(0, group)
