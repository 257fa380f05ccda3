"""The defects. Each function is one, named after it; the decorator says which check has to notice."""

from __future__ import annotations

import base64
import io
import json
import zipfile

from agent import canonical
from agent.evidence import dsse, keys
from agent.model.evidence import EntryKind
from tests.tampered.make import CASES, Museum, case, envelope, segment_data, segment_lines

__all__ = ["CASES"]

RAW = "raw/egress-gw.jsonl"


# --- the file -----------------------------------------------------------------------------------------------------


@case("bundle")
def zip_cut_short(museum: Museum) -> None:
    """The last 100 octets are missing."""
    museum.raw.append(lambda data: data[:-100])


@case("bundle")
def zip_one_bit_flipped(museum: Museum) -> None:
    """One bit in the middle is another."""
    museum.raw.append(
        lambda data: data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
    )


@case("bundle")
def zip_with_something_behind_it(museum: Museum) -> None:
    """Octets follow the end of the archive."""
    museum.raw.append(lambda data: data + b"more")


@case("bundle")
def zip_with_an_unknown_file(museum: Museum) -> None:
    """A file that no bundle has."""
    museum.edit.append(lambda files: files.update({"trust/also-trust-me.pub": b"x"}))


@case("bundle")
def zip_with_a_path_outside(museum: Museum) -> None:
    """A file name that would leave the directory on unpacking."""
    museum.raw.append(with_escaping_entry)


@case("bundle")
def blob_edited_in_place(museum: Museum) -> None:
    """A raw segment was edited and kept its old name."""
    entry = museum.first(EntryKind.RUN)
    name = "blobs/sha256/" + entry.subject(RAW)["digest"]["sha256"]
    museum.edit.append(lambda files: files.update({name: files[name].replace(b"varbinds", b"varbindz", 1)}))


@case("bundle")
def manifest_lists_other_statements(museum: Museum) -> None:
    """A statement was left out, but the table of contents was not changed."""
    museum.manifest = False
    del museum.entries[3]


@case("trust")
def signed_all_over_by_a_stranger(museum: Museum) -> None:
    """Somebody signed everything anew and put their own key into the bundle; it agrees with itself."""
    stranger = museum.stranger.public_key()
    for entry in museum.entries:
        entry.predicate["keyid"] = keys.keyid_of(stranger)
        entry.predicate.pop("challenge", None)
        entry.payload["subject"] = [item for item in entry.payload["subject"] if item["name"] != "challenge.dsse.json"]
    museum.resign(museum.entries[0], key=museum.stranger)
    museum.without_receipts()
    museum.edit.append(lambda files: files.update({"trust/agent.pub": keys.public_pem_of(stranger)}))


# --- statements ---------------------------------------------------------------------------------------------------


@case("signature/")
def statement_payload_edited(museum: Museum) -> None:
    """The payload was changed under its old signature."""
    entry = museum.first(EntryKind.RUN)
    value = json.loads(entry.envelope)
    entry.predicate["targets"][0]["result"] = "perfect"
    value["payload"] = base64.b64encode(canonical.dumps(entry.payload)).decode()
    entry.envelope = canonical.dumps(value)


@case("signature/")
def statement_of_another_type(museum: Museum) -> None:
    """The payload type was changed; the signature covers it."""
    entry = museum.first(EntryKind.RUN)
    value = json.loads(entry.envelope)
    value["payloadType"] = "application/vnd.something-else+json"
    entry.envelope = canonical.dumps(value)


@case("signature/")
def statement_signed_by_a_stranger(museum: Museum) -> None:
    """One statement carries the signature of another key."""
    entry = museum.first(EntryKind.RUN)
    entry.envelope = envelope(entry.payload, museum.stranger)


@case("signature/")
def statement_of_another_kind_than_its_name(museum: Museum) -> None:
    """A run is filed as a heartbeat."""
    museum.first(EntryKind.RUN).kind = EntryKind.HEARTBEAT


@case("chain")
def run_left_out_of_the_middle(museum: Museum) -> None:
    """A bad run was left out; the table of contents was made anew."""
    runs = [entry for entry in museum.entries if entry.kind is EntryKind.RUN]
    museum.entries.remove(runs[1])
    drop_unnamed(museum)


@case("chain")
def statement_from_another_history(museum: Museum) -> None:
    """A statement was signed anew by the holder of the key; its successor still names the old one."""
    entry = museum.first(EntryKind.RUN)
    entry.predicate["targets"][0]["exchanges"] += 1
    entry.envelope = envelope(entry.payload, museum.agent)
    entry.receipt = None


@case("files/")
def file_missing(museum: Museum) -> None:
    """A raw segment that a statement names is not there."""
    entry = museum.first(EntryKind.RUN)
    del museum.blobs["sha256:" + entry.subject(RAW)["digest"]["sha256"]]


@case("files/")
def raw_edited_and_filed_anew(museum: Museum) -> None:
    """A raw segment was edited and filed under its new digest; the statement names the old one."""
    entry = museum.first(EntryKind.RUN)
    old = "sha256:" + entry.subject(RAW)["digest"]["sha256"]
    data = museum.blobs.pop(old).replace(b'"n":1', b'"n":1 ', 1)
    museum.blobs[canonical.digest(data)] = data


@case("files/unnamed")
def file_that_nobody_named(museum: Museum) -> None:
    """A file is there that no statement names."""
    museum.blobs[canonical.digest(b"a better report card\n")] = b"a better report card\n"


# --- receipts and time --------------------------------------------------------------------------------------------


@case("receipt/")
def receipt_of_another_statement(museum: Museum) -> None:
    """A good receipt, but for another entry."""
    museum.entries[1].receipt = museum.entries[0].receipt


@case("receipt/")
def receipt_with_a_forged_checkpoint(museum: Museum) -> None:
    """The signature under the log's head is not the log's."""
    entry = museum.entries[1]
    text = (entry.receipt or b"").decode()
    at = text.rindex(" ") + 12
    entry.receipt = (text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]).encode()


@case("receipt/")
def receipt_with_a_wrong_path(museum: Museum) -> None:
    """The inclusion proof has another hash."""
    entry = museum.entries[-1]
    lines = (entry.receipt or b"").decode().split("\n")
    lines[3] = base64.b64encode(bytes(32)).decode()
    entry.receipt = "\n".join(lines).encode()


@case("receipt/")
def receipt_dated_back(museum: Museum) -> None:
    """The leaf says another time of receipt than the one that was logged."""
    entry = museum.entries[-1]
    lines = (entry.receipt or b"").decode().split("\n")
    leaf = json.loads(base64.b64decode(lines[1].removeprefix("extra ")))
    leaf["received"] = "2026-01-01T00:00:00.000Z"
    lines[1] = "extra " + base64.b64encode(canonical.dumps(leaf)).decode()
    entry.receipt = "\n".join(lines).encode()


@case("receipt/")
def run_rewritten_after_its_receipt(museum: Museum) -> None:
    """The school signs a receipted run anew, and shows the old receipt."""
    entry = museum.first(EntryKind.RUN)
    entry.predicate["targets"][0]["gaps"] = 0
    entry.predicate["time"]["clockSource"] = "ntp:example"
    museum.resign(entry)
    museum.rejudge()


@case("time/")
def received_before_it_was_finished(museum: Museum) -> None:
    """A colluding backend gives a receipt with a time before the run."""
    museum.without_receipts()
    museum.receipt(museum.first(EntryKind.RUN), "2026-01-01T00:00:00.000Z")


@case("time/")
def finished_before_it_started(museum: Museum) -> None:
    """The holder of the key turned the run's times round."""
    entry = museum.first(EntryKind.RUN_START)
    times = entry.predicate["time"]
    times["started"] = "2030-01-01T00:00:00.000Z"
    museum.without_receipts()
    museum.resign(entry)
    museum.rejudge()


@case("time/")
def challenge_of_nobody(museum: Museum) -> None:
    """The challenge that the run answers is signed by a stranger."""
    entry = museum.first(EntryKind.RUN_START)
    challenge = json.loads(dsse.parse(museum.data(entry, "challenge.dsse.json")).payload)
    forged = envelope(challenge, museum.stranger, dsse.CHALLENGE_PAYLOAD_TYPE)
    replace_challenge(museum, entry, forged)


@case("time/")
def challenge_of_another_run(museum: Museum) -> None:
    """A run shows the challenge that another run answered."""
    entry = museum.first(EntryKind.RUN_START)
    later = [one for one in museum.entries if one.kind is EntryKind.RUN_START][1]
    replace_challenge(museum, entry, museum.data(later, "challenge.dsse.json"))


# --- what was measured --------------------------------------------------------------------------------------------


@case("plan/")
def campus_file_exchanged(museum: Museum) -> None:
    """The campus file is not the plan that the statement names."""
    entry = museum.first(EntryKind.RUN)
    museum.put(entry, "campus.yaml", museum.data(entry, "campus.yaml").replace(b"egress", b"uplink"))
    sign_quietly(museum, entry.seq)


@case("segment/")
def exchange_of_another_day(museum: Museum) -> None:
    """An answer of another day was put into the run."""
    entry = museum.first(EntryKind.RUN)
    lines = segment_lines(museum.data(entry, RAW))
    lines[1]["at"] = "2026-01-01T00:00:00.000Z"
    museum.put(entry, RAW, segment_data(lines))
    sign_quietly(museum, entry.seq)


@case("segment/")
def segment_of_another_run(museum: Museum) -> None:
    """The good answers of another run stand in for this run's."""
    runs = [entry for entry in museum.entries if entry.kind is EntryKind.RUN]
    museum.put(runs[0], RAW, museum.data(runs[1], RAW))
    sign_quietly(museum, runs[0].seq)


@case("segment/")
def family_of_their_own(museum: Museum) -> None:
    """The school read its switch as a family that nobody released."""
    entry = museum.first(EntryKind.RUN)
    data = museum.data(entry, "families/net-snmp.yaml")
    museum.put(entry, "families/net-snmp.yaml", data + b"# ours\n")
    sign_quietly(museum, entry.seq)


@case("segment/")
def another_device_asked(museum: Museum) -> None:
    """The answers are of another address than the campus file gives for the asset."""
    entry = museum.first(EntryKind.RUN)
    lines = segment_lines(museum.data(entry, RAW))
    lines[0]["asset"]["address"] = "127.0.0.2"
    museum.put(entry, RAW, segment_data(lines))
    sign_quietly(museum, entry.seq)


@case("replay/")
def exchange_left_out(museum: Museum) -> None:
    """An exchange was cut out and the rest renumbered."""
    entry = museum.first(EntryKind.RUN)
    lines = segment_lines(museum.data(entry, RAW))
    del lines[2]
    for number, line in enumerate(lines[1:]):
        line["n"] = number
    target = next(item for item in entry.predicate["targets"] if item["id"] == "egress-gw")
    target["exchanges"] -= 1
    museum.put(entry, RAW, segment_data(lines))
    sign_quietly(museum, entry.seq)


@case("readings/")
def reading_does_not_follow_from_the_raw_answers(museum: Museum) -> None:
    """A patched agent signs a speed that no device gave."""
    entry = museum.first(EntryKind.RUN)
    data = museum.data(entry, "readings.jsonl")
    changed = data.replace(b'"unit":"Mbit/s","value":"1000"', b'"unit":"Mbit/s","value":"10000"', 1)
    assert changed != data
    museum.put(entry, "readings.jsonl", changed)
    sign_quietly(museum, entry.seq)


@case("readings/")
def raw_answer_edited_by_the_school(museum: Museum) -> None:
    """The holder of the key edits a raw answer, but not the readings."""
    entry = museum.first(EntryKind.RUN)
    lines = segment_lines(museum.data(entry, RAW))
    speed = (1000).to_bytes(2, "big").hex()
    for line in lines[1:]:
        found = line.get("response", {}).get("varbinds", [])
        for place, item in enumerate(found):
            if item.endswith("4202" + speed):
                found[place] = item.removesuffix(speed) + (2000).to_bytes(2, "big").hex()
    museum.put(entry, RAW, segment_data(lines))
    sign_quietly(museum, entry.seq)


# --- what was judged ----------------------------------------------------------------------------------------------


@case("runs/")
def run_left_out_of_the_judgement(museum: Museum) -> None:
    """The assessment judged only the better runs of its window."""
    entry = museum.entries[-1]
    lines = museum.data(entry, "runs.txt").splitlines(keepends=True)
    museum.put(entry, "runs.txt", b"".join(lines[1:]))
    sign_quietly(museum, entry.seq)


@case("findings/")
def points_that_the_evidence_does_not_give(museum: Museum) -> None:
    """The assessment claims points for a clause that was not met."""
    entry = museum.entries[-1]
    name = "findings/jiangsu-2018.json"
    value = json.loads(museum.data(entry, name))
    value["clauses"][0]["points_proven"] = "2"
    value["points_proven"] = "2"
    museum.put(entry, name, canonical.dumps(value))
    sign_quietly(museum, entry.seq)


@case("packs/")
def pack_with_lower_thresholds(museum: Museum) -> None:
    """The school judged itself by a pack of its own."""
    entry = museum.entries[-1]
    name = "standards/jiangsu-2018.yaml"
    data = museum.data(entry, name).replace(b"threshold: 1000", b"threshold: 100")
    museum.put(entry, name, data)
    sign_quietly(museum, entry.seq)


@case("runs/")
def first_runs_cut_off(museum: Museum) -> None:
    """The runs at the beginning of the window are gone, with all that was before; the other receipts stay."""
    first = museum.entries.index(museum.first(EntryKind.RUN))
    del museum.entries[: first + 1]
    drop_unnamed(museum)
    museum.entries[-1].receipt = None
    museum.rejudge()


@case("campus/")
def judged_by_another_campus_file(museum: Museum) -> None:
    """The contract was written larger between measuring and judging, and no entry says so."""
    entry = museum.entries[-1]
    changed = museum.data(entry, "campus.yaml").replace(b'value: "400"', b'value: "1000"', 1)
    museum.put(entry, "campus.yaml", changed)
    entry.predicate["plan"]["sha256"] = canonical.hex_of(canonical.digest(changed))
    entry.receipt = None
    museum.resign(entry)


@case("assessment")
def nothing_judged(museum: Museum) -> None:
    """The assessment is cut off: everything that is left holds, and says nothing."""
    del museum.entries[-1]
    drop_unnamed(museum)


@case("receipt/")
def receipts_not_shown(museum: Museum) -> None:
    """A past that was made anew has no receipts; nothing else would tell it from the true one."""
    museum.without_receipts()


# --- shared -------------------------------------------------------------------------------------------------------


def with_escaping_entry(data: bytes) -> bytes:
    """Add an entry that our own writer refuses to write."""
    file = io.BytesIO(data)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(zipfile.ZipInfo("blobs/sha256/../../../escaped", (1980, 1, 1, 0, 0, 0)), b"x")
    return file.getvalue()


def sign_quietly(museum: Museum, seq: int) -> None:
    """The school, who has the key, signs the entry and all later ones anew and shows no receipts."""
    entry = next(one for one in museum.entries if one.seq == seq)
    museum.without_receipts()
    museum.resign(entry)
    if entry.kind is not EntryKind.ASSESSMENT:
        museum.rejudge()


def replace_challenge(museum: Museum, entry: object, data: bytes) -> None:
    """Exchange the challenge of a run in its start and its end."""
    start = next(one for one in museum.entries if one is entry)
    end = next(one for one in museum.entries if one.predicate.get("run") == start.predicate["run"] and one is not start)
    for one in (start, end):
        museum.put(one, "challenge.dsse.json", data)
    sign_quietly(museum, start.seq)


def drop_unnamed(museum: Museum) -> None:
    """Remove the files that only a removed statement named."""
    named = {"sha256:" + item["digest"]["sha256"] for one in museum.entries for item in one.payload["subject"]}
    for digest in set(museum.blobs) - named:
        del museum.blobs[digest]
