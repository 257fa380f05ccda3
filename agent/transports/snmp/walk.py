"""`Walk`: the walk of a table as a dialogue, without a socket.

Several columns advance side by side in one GETBULK (GETNEXT for SNMPv1), each with its own cursor. A column ends
where an OID beyond its prefix, or endOfMibView, proves the end; whatever else stops it marks it `Partial`:

    error-status N   the agent fails at this point even when asked for one row of this column alone
    not increasing   an OID that does not come after the one before: the agent loops or starts again
    empty reply      no error and no variable bindings
    malformed OID    an OID that does not decode
    timeout          silent at this point, although it answered before
    row cap, request cap, octet cap, deadline      our own bounds

Errors are narrowed down before they count: first fewer repetitions, then the column alone, then one row. So the
walk keeps every row before the fault, and the other columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent import ber
from agent.errors import GapError, MalformedError
from agent.model.exchange import Partial, VarBinds
from agent.transports.snmp.message import AUTHORIZATION_ERROR, GET_BULK, GET_NEXT, NO_SUCH_NAME, TOO_BIG, Ask, Pdu

if TYPE_CHECKING:
    from agent.model.exchange import SnmpTable
    from agent.transports.snmp.pace import Limits, Pace

__all__ = ["Walk"]


class _Column:
    """One column under way."""

    __slots__ = ("alone", "cursor", "done", "found", "name", "order", "reason", "repetitions", "root")

    def __init__(self, name: str) -> None:
        self.name = name
        self.root = self.cursor = ber.oid_bytes(name)
        self.order: tuple[int, ...] = ()
        """Index of the last row, decoded: encoded octets do not sort like OIDs."""
        self.found: list[bytes] = []
        self.done = False
        self.reason = ""
        self.alone = False
        """Failed together with others: ask for it alone, after the others."""
        self.repetitions = 50

    def end(self, reason: str = "") -> None:
        self.done = True
        self.reason = reason


class Walk:
    """The walk of one table.

    Args:
        request: the columns and the row cap.
        pace: what the device stands; updated.
        limits: bounds.
        bulk: False for SNMPv1, which has no GETBULK.
    """

    phase = "walk"

    def __init__(self, request: SnmpTable, pace: Pace, limits: Limits, *, bulk: bool = True) -> None:
        self._columns = [_Column(column.oid) for column in request.columns]
        self._active: list[_Column] = []
        self._pace = pace
        self._bulk = bulk
        self._max_rows = request.max_rows
        self._requests_left = limits.max_requests
        self._octets_left = limits.max_octets
        self._rows = 0
        """Rows of the longest finished column: the others rarely have more, so do not ask far beyond."""
        self._indexes: dict[bytes, tuple[int, ...]] = {}
        self._silences = 0

    def ask(self, tries: int, *, last: bool) -> Ask | None:
        """Return the next request, or None when the walk is over; `tries` says how often it went unanswered.

        The last try asks for one row of one column: an answer too large for the path, or a column that the agent
        chokes on, is thereby told apart from a dead device.
        """
        if not tries:
            self._active = self._choose()
        if self._active and not self._requests_left:
            self.stop("request cap")
            return None
        if not self._active:
            return None
        self._requests_left -= 1
        if tries and self._bulk:
            self._pace.bad(self._repetitions(self._active))
        columns = self._active[:1] if last else self._active
        oids = tuple([column.cursor for column in columns])
        if not self._bulk:
            return Ask(GET_NEXT, oids)
        return Ask(GET_BULK, oids, 1 if last else self._repetitions(columns))

    def answer(self, ask: Ask, pdu: Pdu) -> None:
        """Take an answer to a request that `ask` returned since the last answer.

        Raises:
            GapError: the device refuses the whole walk.
        """
        width = len(ask.oids)
        columns = self._active[:width]
        self._silences = 0
        for column in self._active[width:]:  # together they met silence, fewer were answered: take these apart
            column.alone = True
        varbinds = pdu.varbinds
        if pdu.error_status:
            self._failed(columns, ask, pdu)
        elif not varbinds:
            self._narrow(columns, ask.repetitions, "empty reply")
        else:
            if self._bulk:
                self._pace.good(ask.repetitions, len(varbinds), pdu.size)
            for at, column in enumerate(columns):
                self._take(column, varbinds[at::width])
            self._octets_left -= pdu.size
            if self._octets_left < 0:
                self.stop("octet cap")

    def silence(self) -> None:
        """Give up the point that stays unanswered; after two in a row, the rest of the walk."""
        self._silences += 1
        self._active[0].end("timeout")
        if self._silences > 1:
            self.stop("timeout")

    def stop(self, reason: str) -> None:
        """End every column that is not finished."""
        for column in self._columns:
            if not column.done:
                column.end(reason)

    def where(self) -> str:
        """Return the OID that is being asked."""
        return ber.oid_text(self._active[0].cursor) if self._active else ""

    def result(self) -> VarBinds:
        """Return what was received: columns in the order asked, rows in wire order."""
        return VarBinds(
            varbinds=tuple([raw.hex() for column in self._columns for raw in column.found]),
            partial=tuple(Partial(column=each.name, reason=each.reason) for each in self._columns if each.reason),
        )

    def _choose(self) -> list[_Column]:
        left = [column for column in self._columns if not column.done]
        together = [column for column in left if not column.alone]
        return together[: self._pace.columns] if together else left[:1]

    def _repetitions(self, columns: list[_Column]) -> int:
        asked = min(self._pace.of(len(columns)), *[column.repetitions for column in columns], self._max_rows + 1)
        beyond = max([self._rows - len(column.found) for column in columns]) + 1
        return min(asked, beyond) if beyond > 0 and self._rows else asked

    def _take(self, column: _Column, varbinds: list[tuple[bytes, int, bytes]]) -> None:
        """Add rows to a column until it ends."""
        root, found, order, oid = column.root, column.found, column.order, column.cursor
        length = len(root)
        indexes = self._indexes
        for oid, tag, raw in varbinds:
            if oid[:length] != root or tag == ber.END_OF_MIB_VIEW:
                self._leave(column, oid, tag)
                break
            suffix = oid[length:]
            index = indexes.get(suffix)
            if index is None:
                try:
                    index = indexes[suffix] = ber.sub_identifiers(suffix)
                except MalformedError:
                    column.end("malformed OID")
                    break
            if index <= order:
                column.end("not increasing")
                break
            if len(found) >= self._max_rows:
                column.end("row cap")
                break
            found.append(raw)
            order = index
        column.order = order
        column.cursor = oid

    def _leave(self, column: _Column, oid: bytes, tag: int) -> None:
        """End a column at an OID beyond it; one that comes before it proves nothing."""
        try:
            beyond = tag == ber.END_OF_MIB_VIEW or ber.compare_oids(oid, column.root) > 0
        except MalformedError:
            column.end("malformed OID")
            return
        column.end("" if beyond else "not increasing")
        self._rows = max(self._rows, len(column.found))

    def _failed(self, columns: list[_Column], ask: Ask, pdu: Pdu) -> None:
        status, width = pdu.error_status, len(columns)
        blamed = columns[pdu.error_index - 1 : pdu.error_index] if 1 <= pdu.error_index <= width else columns
        if status == AUTHORIZATION_ERROR and not any(column.found for column in self._columns):
            raise GapError(
                "refused",
                "the device does not let these credentials read this table (authorizationError)",
                todo="give this community or user a view that includes the OID, at the security level used here",
            )
        if status == NO_SUCH_NAME and not self._bulk and len(blamed) == 1:
            blamed[0].end()  # RFC 1157 §4.1.3: nothing follows this variable
        elif status == TOO_BIG and ask.repetitions > 1:
            self._pace.bad(ask.repetitions)
        elif status == TOO_BIG and width > 1:
            self._pace.narrow(width)
        elif width > 1:
            for column in blamed:
                column.alone = True
                column.repetitions = max(1, ask.repetitions // 2)
        else:
            self._narrow(columns, ask.repetitions, f"error-status {status}")

    def _narrow(self, columns: list[_Column], asked: int, reason: str) -> None:
        """Ask less of columns that failed; end one that fails alone at a single row."""
        for column in columns:
            if len(columns) == 1 and asked <= 1:
                column.end(reason)
            column.alone = True
            column.repetitions = max(1, asked // 2)
