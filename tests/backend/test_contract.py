"""Every row of the upload contract, against the real server on loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from sqlalchemy import select

from agent import canonical
from agent.backend.challenges import OPEN_LIMIT
from agent.backend.tables import METADATA
from agent.evidence import dsse
from agent.evidence.note import open_note, verify_receipt
from agent.model.evidence import ChallengeRef, DigestSet, EntryKind
from agent.model.upload import BLOB_MEDIA_TYPE, ENVELOPE_MEDIA_TYPE, MAX_BLOB_BYTES, ProblemType, enrolment_proof
from tests.peers.backend import HandClock, Served, Signed, Speaker, speaker
from tests.peers.postgresql import BOTH

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = BOTH

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def problem(answer: httpx.Response, status: int, kind: ProblemType) -> dict[str, object]:
    """Assert that the answer is that problem, and return the document."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    document: dict[str, object] = answer.json()
    assert document["type"] == kind
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


def malleated(envelope: bytes) -> bytes:
    """Return another envelope of the same payload that still verifies: s becomes n - s, the keyid another text."""
    document = json.loads(envelope)
    r, s = decode_dss_signature(base64.b64decode(document["signatures"][0]["sig"]))
    sig = base64.b64encode(encode_dss_signature(r, P256_ORDER - s)).decode()
    document["signatures"] = [{"keyid": "somebody", "sig": sig}]
    return json.dumps(document).encode()


# --- accepted -----------------------------------------------------------------------------------------------------


def test_a_statement_gets_201_and_a_receipt_that_verifies(served: Served, agent: Speaker) -> None:
    """201 carries a tlog-proof for exactly this payload, by the log key that /v1/trust gives."""
    signed = agent.append(EntryKind.RUN, {"raw/core-sw1": b"answers"})
    answer = served.put(signed)
    assert answer.status_code == 201
    vkey = served.http.get("/v1/trust").json()["log"]["vkey"]
    leaf = verify_receipt(answer.content, signed.digest, vkey)
    assert (leaf.seq, leaf.keyid, leaf.agent) == (1, agent.signer.keyid, agent.name)
    assert leaf.received == "2026-11-22T02:00:00.000Z"


def test_a_repeat_gets_200_and_the_identical_receipt(served: Served, agent: Speaker) -> None:
    """However often and late a statement comes again, the answer is the first receipt, and the log does not grow."""
    signed = agent.append(EntryKind.RUN)
    first = served.put(signed)
    served.put(agent.append(EntryKind.HEARTBEAT))
    served.clock.forward(3600)
    size = served.leaves()
    again = served.put(signed)
    assert (again.status_code, again.content) == (200, first.content)
    assert served.leaves() == size


def test_a_malleated_envelope_of_the_same_payload_is_a_repeat(served: Served, agent: Speaker) -> None:
    """Other envelope bytes of one payload give the same receipt, in either order: nobody can fake a fork with them."""
    signed = agent.append(EntryKind.RUN)
    other = malleated(signed.envelope)
    assert other != signed.envelope
    first = served.put(signed, envelope=other)
    again = served.put(signed)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content
    assert served.http.get(f"/v1/statements/{signed.digest}").content == other


def test_a_repeat_whose_signature_does_not_hold_is_refused(served: Served, agent: Speaker) -> None:
    """A known payload in a forged envelope gets no 200."""
    signed = agent.append(EntryKind.RUN)
    assert served.put(signed).status_code == 201
    forged = dsse.envelope_bytes(signed.payload, dsse.STATEMENT_PAYLOAD_TYPE, [dsse.Signature("", b"0" * 70)])
    problem(served.put(signed, envelope=forged), 422, ProblemType.BAD_SIGNATURE)


def test_statement_receipt_and_checkpoint_can_be_fetched(served: Served, agent: Speaker) -> None:
    """What was accepted is given back: the envelope, its receipt, and the newest head of the log."""
    signed = agent.append(EntryKind.RUN)
    receipt = served.put(signed).content
    assert served.http.get(f"/v1/statements/{signed.digest}").content == signed.envelope
    assert served.http.get(f"/v1/statements/{signed.digest}/receipt").content == receipt
    text, _ = open_note(served.http.get("/v1/log/checkpoint").content, [served.backend.log.key])
    assert text.splitlines()[1] == "2"
    absent = canonical.digest(b"absent")
    problem(served.http.get(f"/v1/statements/{absent}"), 404, ProblemType.NOT_FOUND)
    problem(served.http.get(f"/v1/statements/{absent}/receipt"), 404, ProblemType.NOT_FOUND)


def test_every_receipt_of_a_growing_log_verifies(served: Served, agent: Speaker) -> None:
    """Receipts of all tree sizes hold; the tree that gave them is the tree of its leaves."""
    vkey = served.backend.log.key.text()
    for _ in range(20):
        signed = agent.append(EntryKind.HEARTBEAT)
        verify_receipt(served.put(signed).content, signed.digest, vkey)
    assert served.leaves() == 21


# --- blobs --------------------------------------------------------------------------------------------------------


def test_blobs_are_put_once_and_given_back(served: Served) -> None:
    """201, then 200; HEAD tells the size; GET gives the bytes; an absent one is 404."""
    data = bytes(range(256)) * 100
    path = f"/v1/blobs/{canonical.digest(data)}"
    assert served.http.head(path).status_code == 404
    assert [served.put_blob(data).status_code for _ in range(2)] == [201, 200]
    head = served.http.head(path)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(data)))
    assert served.http.get(path).content == data
    problem(served.http.get(f"/v1/blobs/{canonical.digest(b'x')}"), 404, ProblemType.NOT_FOUND)


def test_an_empty_blob_and_the_largest_blob_are_taken(served: Served) -> None:
    """The limit is inclusive, and nothing is a legal content."""
    assert served.put_blob(b"").status_code == 201
    assert served.put_blob(bytes(MAX_BLOB_BYTES)).status_code == 201


def test_a_blob_of_another_digest_is_refused_and_leaves_nothing(served: Served) -> None:
    """A blob that does not hash to its name is 422 and stored under no name."""
    name = canonical.digest(b"promised")
    answer = served.http.put(f"/v1/blobs/{name}", content=b"given", headers={"content-type": BLOB_MEDIA_TYPE})
    problem(answer, 422, ProblemType.DIGEST_MISMATCH)
    assert list(served.backend.store.blobs.digests()) == []
    assert list((served.backend.store.directory / "blobs" / "tmp").iterdir()) == []


def test_have_lists_what_is_missing(served: Served) -> None:
    """One question for a backlog: the missing digests, in the order asked, each once."""
    served.put_blob(b"here")
    a, b, here = (canonical.digest(data) for data in (b"a", b"b", b"here"))
    answer = served.http.post("/v1/have", json={"digests": [b, here, a, b]})
    assert answer.json() == {"missing": [b, a]}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"digests": "x"}', b'{"digests": ["sha256:zz"]}', b"[" * 99999])
def test_have_with_another_body_is_400(served: Served, body: bytes) -> None:
    """A list that is none is a bad request, whatever it is instead."""
    answer = served.http.post("/v1/have", content=body, headers={"content-type": "application/json"})
    problem(answer, 400, ProblemType.BAD_REQUEST)


# --- refused for good ---------------------------------------------------------------------------------------------


def test_names_that_are_no_digests_are_400(served: Served) -> None:
    """Upper case, another algorithm, or a path are no names."""
    for name in ("sha256:" + "A" * 64, "sha512:" + "a" * 64, "sha256:" + "a" * 63):
        problem(served.http.get(f"/v1/blobs/{name}"), 400, ProblemType.BAD_REQUEST)


def test_another_media_type_is_415(served: Served, agent: Speaker) -> None:
    """A body under another or no media type, or with a content encoding, is not looked at."""
    signed = agent.append(EntryKind.RUN)
    url = f"/v1/statements/{signed.digest}"
    encoded = {"content-type": ENVELOPE_MEDIA_TYPE, "content-encoding": "gzip"}
    for headers in ({"content-type": "application/json"}, {}, encoded):
        answer = served.http.put(url, content=signed.envelope, headers=headers)
        problem(answer, 415, ProblemType.UNSUPPORTED_MEDIA_TYPE)


def test_a_statement_under_another_digest_is_422(served: Served, agent: Speaker) -> None:
    """The name in the URL is the digest of the payload, not of the envelope."""
    signed = agent.append(EntryKind.RUN)
    answer = served.http.put(
        f"/v1/statements/{canonical.digest(signed.envelope)}",
        content=signed.envelope,
        headers={"content-type": ENVELOPE_MEDIA_TYPE},
    )
    problem(answer, 422, ProblemType.DIGEST_MISMATCH)


def test_bytes_that_are_no_envelope_are_422(served: Served, agent: Speaker) -> None:
    """Garbage is a problem with a detail, never a crash."""
    signed = agent.append(EntryKind.RUN)
    for body in (b"", b"garbage", b"{}", b"[]", b'{"payload":"","payloadType":"","signatures":[]}', b"\xff\xfe"):
        problem(served.put(signed, blobs=False, envelope=body), 422, ProblemType.MALFORMED)


@pytest.mark.parametrize(
    "payload",
    [
        b"hello",
        b"{}",
        b'{"predicate":7}',
        b'{"predicate":{"seq":1}}',
        b'{"predicate":{"seq":true,"keyid":1,"kind":"run","prev":{"sha256":"x"}}}',
        b'{"predicate":{"kind":"\\ud800"},"\\ud800":"\\udfff"}',
    ],
)
def test_payloads_that_have_no_place_in_a_chain_are_422(served: Served, agent: Speaker, payload: bytes) -> None:
    """A signed payload that is no statement is malformed, and the chain does not move."""
    signature = agent.signer.sign(dsse.pae(dsse.STATEMENT_PAYLOAD_TYPE, payload))
    envelope = dsse.envelope_bytes(payload, dsse.STATEMENT_PAYLOAD_TYPE, [dsse.Signature("", signature)])
    problem(served.put(Signed(1, payload, envelope, {})), 422, ProblemType.MALFORMED)
    assert served.put(agent.append(EntryKind.RUN)).status_code == 201


def test_a_signature_by_another_key_is_422(served: Served, agent: Speaker, tmp_path: Path) -> None:
    """Only the key that the chain was enrolled with signs for it, whatever the envelope's keyid says."""
    signed = agent.sign(EntryKind.RUN)
    other = speaker(tmp_path / "other", served.clock).signer
    signature = other.sign(dsse.pae(dsse.STATEMENT_PAYLOAD_TYPE, signed.payload))
    forged = dsse.envelope_bytes(
        signed.payload, dsse.STATEMENT_PAYLOAD_TYPE, [dsse.Signature(agent.signer.keyid, signature)]
    )
    problem(served.put(signed, envelope=forged), 422, ProblemType.BAD_SIGNATURE)
    assert served.put(signed).status_code == 201


def test_a_changed_payload_type_is_422(served: Served, agent: Speaker) -> None:
    """The type is signed with the payload."""
    signed = agent.sign(EntryKind.RUN)
    document = json.loads(signed.envelope)
    document["payloadType"] = "application/json"
    problem(served.put(signed, envelope=json.dumps(document).encode()), 422, ProblemType.BAD_SIGNATURE)


def test_time_ahead_of_the_backend_is_422(served: Served, agent: Speaker) -> None:
    """Finished more than 60 s after it was received: the clock is ahead. 60 s are allowed."""
    problem(served.put(agent.append(EntryKind.RUN, time=agent.times(finished=60.001))), 422,
            ProblemType.TIME_OUT_OF_BRACKET)  # fmt: skip
    assert served.put(agent.append(EntryKind.RUN, time=agent.times(finished=60))).status_code == 201


def test_time_before_the_challenge_is_422(served: Served, agent: Speaker) -> None:
    """Finished more than 60 s before its challenge was issued: back-dated. 60 s are allowed."""
    for before, status in ((-60.001, 422), (-60, 201)):
        challenge = served.challenge(agent)
        signed = agent.append(EntryKind.RUN, run=f"r{before}", challenge=challenge, time=agent.times(before, before))
        answer = served.put(signed)
        assert answer.status_code == status
    assert served.leaves() == 2


def test_a_nonce_that_was_not_issued_to_this_key_is_422(served: Served, agent: Speaker, tmp_path: Path) -> None:
    """Invented nonces, those of another agent, and those with another time are unknown."""
    other = served.enrolled(tmp_path / "other", name="school-1/other")
    theirs = served.challenge(other)
    mine = served.challenge(agent)
    for challenge in (
        ChallengeRef(nonce="0" * 32, issued_at=mine.issued_at),
        theirs,
        ChallengeRef(nonce=mine.nonce, issued_at="2026-11-22T01:59:59.000Z"),
    ):
        problem(served.put(agent.append(EntryKind.RUN, run="r", challenge=challenge)), 422, ProblemType.UNKNOWN_NONCE)


def test_a_run_that_began_after_its_challenge_expired_is_422(served: Served, agent: Speaker) -> None:
    """A challenge has to be taken up within ten minutes, and 60 s for the clocks; the run may then last."""
    in_time, late = served.challenge(agent), served.challenge(agent)
    served.clock.forward(661)
    signed = agent.append(EntryKind.RUN, run="late", challenge=late)
    problem(served.put(signed), 422, ProblemType.UNKNOWN_NONCE)
    served.clock.forward(3600)
    long = agent.append(EntryKind.RUN, run="long", challenge=in_time, time=agent.times(-3661, 0))
    assert served.put(long).status_code == 201


def test_a_nonce_serves_one_run(served: Served, agent: Speaker) -> None:
    """run-start and the end of the same run share it; a second start, end, or another run does not get it."""
    challenge = served.challenge(agent)
    used: dict[str, Any] = {"run": "one", "challenge": challenge}
    assert served.put(agent.append(EntryKind.RUN_START, **used)).status_code == 201
    problem(served.put(agent.append(EntryKind.RUN_START, **used)), 422, ProblemType.NONCE_USED)
    problem(served.put(agent.append(EntryKind.RUN, run="two", challenge=challenge)), 422, ProblemType.NONCE_USED)
    assert served.put(agent.append(EntryKind.RUN, **used)).status_code == 201
    problem(served.put(agent.append(EntryKind.RUN, **used)), 422, ProblemType.NONCE_USED)
    problem(served.put(agent.append(EntryKind.RUN_ABORT, **used)), 422, ProblemType.NONCE_USED)


def test_a_nonce_serves_one_entry_where_there_is_no_run(served: Served, agent: Speaker) -> None:
    """A heartbeat may answer a challenge, once."""
    challenge = served.challenge(agent)
    assert served.put(agent.append(EntryKind.HEARTBEAT, challenge=challenge)).status_code == 201
    problem(served.put(agent.append(EntryKind.HEARTBEAT, challenge=challenge)), 422, ProblemType.NONCE_USED)


def test_speaking_for_another_campus_or_agent_is_422(served: Served, agent: Speaker) -> None:
    """A key speaks for the campus and agent that it was enrolled for."""
    problem(served.put(agent.append(EntryKind.RUN, campus="school-2")), 422, ProblemType.IDENTITY_MISMATCH)
    agent.name = "school-1/somebody-else"
    problem(served.put(agent.append(EntryKind.RUN)), 422, ProblemType.IDENTITY_MISMATCH)


def test_a_statement_of_an_unknown_version_is_422(served: Served, agent: Speaker) -> None:
    """Signed, in its place in the chain, but not of this version: refused with why, and the chain goes on."""
    signed = agent.sign(EntryKind.RUN)
    document = json.loads(signed.payload)
    document["predicate"]["later"] = "version"
    payload = canonical.dumps(document)
    signature = agent.signer.sign(dsse.pae(dsse.STATEMENT_PAYLOAD_TYPE, payload))
    envelope = dsse.envelope_bytes(payload, dsse.STATEMENT_PAYLOAD_TYPE, [dsse.Signature("", signature)])
    refused = Signed(signed.seq, payload, envelope, signed.files)
    problem(served.put(refused), 422, ProblemType.MALFORMED)
    agent.seq, agent.prev = 2, refused.hex
    assert served.put(agent.append(EntryKind.RUN)).status_code == 201


def test_a_refused_statement_keeps_its_place_and_gets_the_same_answer_for_ever(served: Served, agent: Speaker) -> None:
    """What was refused for good has no receipt and no leaf, but the next entry may name it."""
    ahead = agent.append(EntryKind.RUN, time=agent.times(finished=600))
    first = served.put(ahead)
    served.clock.forward(3600)
    again = served.put(ahead)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    document = problem(again, 422, ProblemType.TIME_OUT_OF_BRACKET)
    assert (document["expectedSeq"], document["expectedPrev"]) == (2, ahead.hex)
    assert served.http.get(f"/v1/statements/{ahead.digest}/receipt").status_code == 404
    assert served.leaves() == 1
    assert served.put(agent.append(EntryKind.RUN)).status_code == 201


# --- order --------------------------------------------------------------------------------------------------------


def test_a_gap_is_409_with_what_is_expected(served: Served, agent: Speaker) -> None:
    """A later entry before an older one: 409 gap says which comes next and after what; then all go in order."""
    older, newer = agent.append(EntryKind.RUN), agent.append(EntryKind.RUN)
    document = problem(served.put(newer), 409, ProblemType.GAP)
    assert (document["expectedSeq"], document["expectedPrev"]) == (1, agent.chain[0].hex)
    assert [served.put(one).status_code for one in (older, newer)] == [201, 201]


def test_leaving_out_a_bad_run_is_a_gap(served: Served, agent: Speaker) -> None:
    """An entry whose number follows, but which names a predecessor that was never sent, is not taken."""
    agent.append(EntryKind.RUN)
    problem(served.put(agent.append(EntryKind.RUN, seq=1)), 409, ProblemType.FORK)
    assert served.leaves() == 1


def test_another_entry_of_the_same_number_is_a_fork(served: Served, agent: Speaker) -> None:
    """A clone or a journal set back shows as 409 fork, and the accepted history stays."""
    clone = agent.sign(EntryKind.HEARTBEAT)
    mine = agent.append(EntryKind.RUN)
    assert served.put(mine).status_code == 201
    document = problem(served.put(clone), 409, ProblemType.FORK)
    assert (document["expectedSeq"], document["expectedPrev"]) == (2, mine.hex)
    problem(served.put(agent.sign(EntryKind.RUN, prev=DigestSet(sha256=clone.hex))), 409, ProblemType.FORK)


def test_of_concurrent_entries_with_one_number_exactly_one_wins(served: Served, agent: Speaker) -> None:
    """Two histories at the same moment: one 201, all others 409 fork, one leaf."""
    rivals = [agent.sign(EntryKind.RUN, {"raw": b"%d" % n}) for n in range(8)]
    for rival in rivals:
        served.put_blob(rival.files["raw"])
    statuses: list[int] = []
    barrier = threading.Barrier(len(rivals))

    def put(rival: Signed) -> None:
        barrier.wait()
        url = f"{served.url}/v1/statements/{rival.digest}"
        headers = {"content-type": ENVELOPE_MEDIA_TYPE}
        statuses.append(httpx.put(url, content=rival.envelope, headers=headers, trust_env=False).status_code)

    threads = [threading.Thread(target=put, args=(rival,)) for rival in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] + [409] * 7
    assert served.leaves() == 2


def test_of_concurrent_puts_of_one_statement_all_get_the_same_receipt(served: Served, agent: Speaker) -> None:
    """The same statement at the same moment on many connections: one 201, the rest 200, one receipt, one leaf."""
    signed = agent.append(EntryKind.RUN)
    served.put_blob(signed.files["note"])
    answers: list[httpx.Response] = []
    barrier = threading.Barrier(8)

    def put() -> None:
        barrier.wait()
        url = f"{served.url}/v1/statements/{signed.digest}"
        headers = {"content-type": ENVELOPE_MEDIA_TYPE}
        answers.append(httpx.put(url, content=signed.envelope, headers=headers, trust_env=False))

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.content for answer in answers}) == 1
    assert served.leaves() == 2


# --- keys ---------------------------------------------------------------------------------------------------------


def test_a_key_that_is_not_enrolled_is_401(served: Served, tmp_path: Path) -> None:
    """An unknown key gets 401 and a WWW-Authenticate, for statements and for challenges."""
    stranger = speaker(tmp_path / "stranger", served.clock)
    answer = served.put(stranger.append(EntryKind.RUN))
    problem(answer, 401, ProblemType.KEY_UNKNOWN)
    assert answer.headers["www-authenticate"]
    asked = served.http.get("/v1/challenges", params={"keyid": stranger.signer.keyid})
    problem(asked, 401, ProblemType.KEY_UNKNOWN)


def test_a_revoked_key_is_403_and_its_past_stays(served: Served, agent: Speaker) -> None:
    """After revocation nothing new is taken; what has a receipt keeps it, also when it is sent again."""
    before = agent.append(EntryKind.RUN)
    receipt = served.put(before).content
    served.backend.store.revoke(agent.signer.keyid, "key was on a lost laptop")
    problem(served.put(agent.append(EntryKind.RUN)), 403, ProblemType.KEY_REVOKED)
    again = served.put(before)
    assert (again.status_code, again.content) == (200, receipt)
    problem(served.http.get("/v1/challenges", params={"keyid": agent.signer.keyid}), 403, ProblemType.KEY_REVOKED)


def test_a_token_serves_once(served: Served, tmp_path: Path) -> None:
    """A second key with the same token is refused; the first one's enrolment can be repeated."""
    token = served.backend.store.create_token("school-1")
    first, second = (speaker(tmp_path / "agents", served.clock) for _ in range(2))
    enrolment = first.enrol(token)
    assert served.put(enrolment).status_code == 201
    problem(served.put(second.enrol(token)), 401, ProblemType.TOKEN_REFUSED)
    assert served.put(enrolment).status_code == 200


def test_a_token_is_good_for_24_hours_and_one_campus(served: Served, tmp_path: Path) -> None:
    """Expired, of another campus, or never given out: 401, and nothing of the enrolment stays."""
    store = served.backend.store
    late, elsewhere = store.create_token("school-1"), store.create_token("school-2")
    served.clock.forward(24 * 3600)
    for token in (late, elsewhere, "guessed"):
        newcomer = speaker(tmp_path / "agents", served.clock)
        problem(served.put(newcomer.enrol(token)), 401, ProblemType.TOKEN_REFUSED)
    assert store.agents() == []
    assert served.leaves() == 0


def test_the_token_is_kept_nowhere(served: Served, tmp_path: Path) -> None:
    """Neither database nor blobs hold the token after its use, only its SHA-256."""
    token = served.backend.store.create_token("school-1")
    assert served.put(speaker(tmp_path / "agents", served.clock).enrol(token)).status_code == 201
    stored = b"".join(path.read_bytes() for path in served.backend.store.directory.rglob("*") if path.is_file())
    with served.backend.store.read() as connection:
        rows = [connection.execute(select(table)).all() for table in METADATA.sorted_tables]
    stored += repr(rows).encode()
    assert token.encode() not in stored
    assert hashlib.sha256(token.encode()).hexdigest().encode() in stored


def test_an_enrolment_that_fails_spends_no_token(served: Served, tmp_path: Path) -> None:
    """A wrong clock at enrolment: 422, the key stays unknown, and the same token works when the clock is right."""
    token = served.backend.store.create_token("school-1")
    newcomer = speaker(tmp_path / "agents", served.clock)
    served.clock.forward(600)
    ahead = newcomer.enrol(token)
    served.clock.forward(-600)
    problem(served.put(ahead), 422, ProblemType.TIME_OUT_OF_BRACKET)
    assert served.backend.store.agents() == []
    newcomer.seq, newcomer.prev = 0, "0" * 64
    assert served.put(newcomer.enrol(token)).status_code == 201


def test_an_enrolment_needs_possession_of_its_key(served: Served, tmp_path: Path) -> None:
    """An enrolment that carries somebody else's public key is not signed by it: 422."""
    token = served.backend.store.create_token("school-1")
    mine, theirs = (speaker(tmp_path / "agents", served.clock) for _ in range(2))
    signed = mine.sign(
        EntryKind.ENROL,
        public_key=theirs.signer.public_pem.decode(),
        token_hmac=hashlib.sha256(token.encode()).hexdigest(),
    )
    problem(served.put(signed), 422, ProblemType.BAD_SIGNATURE)


# --- the rest of the table ----------------------------------------------------------------------------------------


def test_an_envelope_before_its_blobs_is_424_and_lists_them(served: Served, agent: Speaker) -> None:
    """424 names exactly the files that are missing; with them the same envelope passes."""
    served.put_blob(b"here")
    signed = agent.append(EntryKind.RUN, {"raw/a": b"here", "raw/b": b"not yet", "raw/c": b"nor this"})
    document = problem(served.put(signed, blobs=False), 424, ProblemType.BLOB_MISSING)
    assert document["missing"] == sorted(canonical.digest(data) for data in (b"not yet", b"nor this"))
    assert served.leaves() == 1
    assert served.put(signed).status_code == 201


def test_too_large_is_413(served: Served, agent: Speaker) -> None:
    """Blobs over 4 MiB and envelopes over 1 MiB are refused while they arrive, and leave nothing."""
    answer = served.put_blob(bytes(MAX_BLOB_BYTES + 1))
    assert problem(answer, 413, ProblemType.TOO_LARGE)["limit"] == MAX_BLOB_BYTES
    signed = agent.append(EntryKind.RUN, reason="x" * (1024 * 1024))
    problem(served.put(signed), 413, ProblemType.TOO_LARGE)
    assert list((served.backend.store.directory / "blobs" / "tmp").iterdir()) == []


def test_too_many_challenges_are_429_with_retry_after(served: Served, agent: Speaker) -> None:
    """Whoever asks in a key's name makes the backend write no more than so many challenges in ten minutes."""
    for _ in range(OPEN_LIMIT):
        served.challenge(agent)
    answer = served.http.get("/v1/challenges", params={"keyid": agent.signer.keyid})
    problem(answer, 429, ProblemType.TOO_MANY_CHALLENGES)
    assert int(answer.headers["retry-after"]) > 0
    served.clock.forward(601)
    served.challenge(agent)


def test_challenges_are_fresh_signed_and_for_the_key(served: Served, agent: Speaker) -> None:
    """128-bit nonces, never the same twice, with the key's id; without a keyid there is none."""
    nonces = {served.challenge(agent).nonce for _ in range(20)}
    assert len(nonces) == 20
    assert all(len(nonce) == 32 for nonce in nonces)
    problem(served.http.get("/v1/challenges"), 400, ProblemType.BAD_REQUEST)
    assert served.http.get("/v1/challenges?keyid=x").status_code == 400


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/v1/blobs/sha256:" + "0" * 64, "GET, HEAD, PUT"),
        ("/v1/have", "POST"),
        ("/v1/statements/sha256:" + "0" * 64, "GET, HEAD, PUT"),
        ("/v1/statements/sha256:" + "0" * 64 + "/receipt", "GET, HEAD"),
        ("/v1/challenges", "GET"),
        ("/v1/log/checkpoint", "GET, HEAD"),
        ("/v1/trust", "GET, HEAD"),
    ],
)
def test_other_methods_are_405_with_all_that_are_allowed(served: Served, path: str, allow: str) -> None:
    """Allow lists every method of the resource, whichever was tried."""
    for method in ("DELETE", "PATCH", "OPTIONS"):
        answer = served.http.request(method, path)
        problem(answer, 405, ProblemType.METHOD_NOT_ALLOWED)
        assert answer.headers["allow"] == allow


def test_date_is_the_clock_of_the_receipts(served: Served, clock: HandClock) -> None:
    """The agent compares its clock with the same time that goes into `received`; there is one Date header."""
    clock.forward(86400)
    for path in ("/v1/trust", "/nothing"):
        dates = served.http.get(path).headers.get_list("date")
        assert dates == [format_datetime(clock.now(), usegmt=True)]


def test_an_unknown_resource_is_a_problem_too(served: Served) -> None:
    """404 is a problem document like every other refusal."""
    problem(served.http.get("/v2/everything"), 404, ProblemType.NOT_FOUND)


# --- texts that a database might not hold -------------------------------------------------------------------------


def test_texts_that_no_database_may_hold_are_refused_or_kept_readable(served: Served, agent: Speaker) -> None:
    """A NUL in what is stored as text is a problem for good, on either database; the chain goes on behind it."""
    document = json.loads(agent.sign(EntryKind.RUN).payload)
    document["predicate"]["kind"] = "ru\0n"
    payload = canonical.dumps(document)
    envelope = dsse.envelope_bytes(
        payload, dsse.STATEMENT_PAYLOAD_TYPE,
        [dsse.Signature("", agent.signer.sign(dsse.pae(dsse.STATEMENT_PAYLOAD_TYPE, payload)))],
    )  # fmt: skip
    odd = Signed(agent.seq, payload, envelope, {"note": b"nothing to see\n"})
    problem(served.put(odd), 422, ProblemType.MALFORMED)
    named = agent.append(EntryKind.RUN, run="r\0", challenge=served.challenge(agent))
    problem(served.put(named), 422, ProblemType.MALFORMED)
    assert served.put(agent.append(EntryKind.RUN)).status_code == 201
    problem(served.http.get("/v1/regions/a%00b/bozhou-region-2024"), 404, ProblemType.NOT_FOUND)


def test_an_enrolment_with_text_around_its_key_is_the_same_on_every_database(served: Served, tmp_path: Path) -> None:
    """A NUL beside the key, or in the school's id, is no crash: the key counts, the unknown id has no token."""
    agent = speaker(tmp_path / "agents", served.clock)
    token = served.backend.store.create_token(agent.campus)
    proof = enrolment_proof(hashlib.sha256(token.encode()).digest(), agent.signer.keyid)
    pem = "\0" + agent.signer.public_pem.decode()
    elsewhere = agent.sign(EntryKind.ENROL, campus="school\0", public_key=pem, token_hmac=proof)
    problem(served.put(elsewhere), 401, ProblemType.TOKEN_REFUSED)
    assert served.put(agent.append(EntryKind.ENROL, public_key=pem, token_hmac=proof)).status_code == 201
    assert served.put(agent.append(EntryKind.HEARTBEAT)).status_code == 201
