"""Random histories against a model: whatever is put, repeated, reordered, forked or cut off is logged once."""

from __future__ import annotations

import contextlib
import http.client
import tempfile
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from agent.backend.fsck import fsck
from agent.evidence.note import verify_receipt
from agent.model.evidence import EntryKind
from agent.model.upload import ENVELOPE_MEDIA_TYPE
from tests.backend.test_contract import malleated
from tests.peers.backend import HandClock, Served, Signed, Speaker, serving


class Uploads(RuleBasedStateMachine):
    """Two agents, one backend that is now and then restarted, and answers that are now and then lost."""

    sent: Bundle[tuple[Speaker, Signed]] = Bundle("sent")
    unsent: Bundle[tuple[Speaker, Signed]] = Bundle("unsent")

    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        self.directory = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.clock = HandClock()
        self.running = contextlib.ExitStack()
        self.served = self.start()
        self.receipts: dict[str, bytes | None] = {}
        self.accepted = 0
        self.agents: list[Speaker] = []

    def start(self) -> Served:
        return self.running.enter_context(serving(self.directory / "backend", self.clock))

    @initialize()
    def enrol(self) -> None:
        for n in range(2):
            self.agents.append(self.served.enrolled(self.directory / "keys", name=f"school-1/agent-{n}"))
            self.accepted += 1

    @rule(target=sent, which=st.integers(0, 1), data=st.binary(min_size=1, max_size=3))
    def put(self, which: int, data: bytes) -> tuple[Speaker, Signed]:
        """The next entry is taken, once."""
        agent = self.agents[which]
        signed = agent.append(EntryKind.RUN, {"raw": data})
        answer = self.served.put(signed)
        assert answer.status_code == 201, answer.text
        self.note(signed, answer.content)
        self.accepted += 1
        return agent, signed

    @rule(target=sent, which=st.integers(0, 1))
    def lose_the_answer(self, which: int) -> tuple[Speaker, Signed]:
        """The sender goes away before the answer; the statement may or may not be taken, and is sent again."""
        agent = self.agents[which]
        signed = agent.append(EntryKind.RUN)
        self.served.put_blob(signed.files["note"])
        connection = http.client.HTTPConnection(self.served.url.removeprefix("http://"), timeout=10)
        headers = {"content-type": ENVELOPE_MEDIA_TYPE}
        connection.request("PUT", f"/v1/statements/{signed.digest}", signed.envelope, headers)
        connection.close()
        answer = self.served.put(signed)
        assert answer.status_code in (200, 201), answer.text
        self.note(signed, answer.content)
        self.accepted += 1
        return agent, signed

    @rule(one=sent, other_bytes=st.booleans())
    def repeat(self, one: tuple[Speaker, Signed], other_bytes: bool) -> None:
        """Any entry again, also in another envelope: the first receipt."""
        _, signed = one
        envelope = malleated(signed.envelope) if other_bytes else signed.envelope
        answer = self.served.put(signed, envelope=envelope)
        assert (answer.status_code, answer.content) == (200, self.receipts[signed.digest])

    @rule(target=unsent, which=st.integers(0, 1))
    def reorder(self, which: int) -> tuple[Speaker, Signed]:
        """An entry after one that was never sent: a gap, with the number that is next."""
        agent = self.agents[which]
        newer = agent.sign(EntryKind.RUN, seq=agent.seq + 1)
        answer = self.served.put(newer)
        assert (answer.status_code, answer.json()["expectedSeq"]) == (409, agent.seq)
        assert answer.json()["expectedPrev"] == agent.prev
        assert answer.json()["type"].endswith(":gap")
        return agent, newer

    @rule(one=sent, data=st.binary(min_size=4, max_size=6))
    def fork(self, one: tuple[Speaker, Signed], data: bytes) -> None:
        """Another entry with a number that is taken: a fork, whatever it follows."""
        agent, signed = one
        rival = agent.sign(EntryKind.RUN, {"raw": data}, seq=signed.seq)
        answer = self.served.put(rival)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "fork")

    @rule(one=consumes(unsent))
    def never_taken(self, one: tuple[Speaker, Signed]) -> None:
        """What was refused as a gap is not there later either, unless the chain really reached it."""
        _, signed = one
        assert self.served.http.get(f"/v1/statements/{signed.digest}").status_code == 404

    @rule()
    def restart(self) -> None:
        """The backend stops and starts."""
        self.running.close()
        self.clock.forward(1)
        self.served = self.start()

    @invariant()
    def one_leaf_each(self) -> None:
        assert self.served.leaves() == self.accepted

    def note(self, signed: Signed, receipt: bytes) -> None:
        verify_receipt(receipt, signed.digest, self.served.backend.log.key.text())
        assert receipt not in self.receipts.values()
        self.receipts[signed.digest] = receipt

    def teardown(self) -> None:
        try:
            assert fsck(self.served.backend).faults == ()
        finally:
            self.running.close()
            self.stack.close()


TestUploads = Uploads.TestCase
TestUploads.settings = settings(
    max_examples=8, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
