"""One run: no device harms another, what was recorded stays, and every run that begins ends."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent import ber, canonical
from agent.errors import ConfigError, JournalError, KeyFileError
from agent.evidence import keys
from agent.evidence.bundle import write_bundle
from agent.journal.store import Journal, Limits
from agent.model.evidence import EntryKind
from agent.model.exchange import MqttMessages, Notifications, Request, VarBinds
from agent.packs.load import load_campus
from agent.runtime import recovery
from agent.runtime.assessment import assess_window, export
from agent.runtime.cycle import Conversation, Job, run
from agent.runtime.schedule import jobs_of
from agent.runtime.wiring import Agent, open_agent
from agent.verify.bundle import verify_bundle
from tests.peers.snmp_agent import Ask, ScriptedAgent, reply, scripted_agent, table
from tests.runtime.world import COMMUNITY, free_udp_port, school

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from agent.model.asset import Asset
    from agent.model.exchange import Transport

IF_DESCR = "1.3.6.1.2.1.2.2.1.2"


def liar(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
    """Answer everything with objects that nobody asked for."""
    cells = [(ber.oid_bytes(f"1.3.6.1.4.1.666.{n}"), ber.OCTET_STRING, b"lie") for n in range(3)]
    return [reply(ask, cells)]


def babbler(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
    """Answer everything with octets that do not decode."""
    return [b"\x30\x82\xff\xff garbage", b"", b"\x30\x00"]


def mute(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
    """Answer nothing."""
    return []


def jobs(agent: Agent, collector: str = "interfaces") -> list[Job]:
    """Return what the campus file asks."""
    return jobs_of(agent.campus, agent.families, [collector])


def test_bad_devices_cost_the_good_ones_nothing(tmp_path: Path, device: int) -> None:
    """Dead, mute, lying and babbling devices at once: the good one is read whole, and the run ends in bounded time."""

    async def measure() -> float:
        async with (
            scripted_agent(table((IF_DESCR,), 3), liar) as lying,
            scripted_agent(table((IF_DESCR,), 3), babbler) as babbling,
            scripted_agent(table((IF_DESCR,), 3), mute) as silent,
        ):
            ports = {
                "good": device, "dead": free_udp_port(), "liar": lying.port,
                "babbler": babbling.port, "mute": silent.port,
            }  # fmt: skip
            place.write_campus(ports, deadline=6)
            with closing(open_agent(place.campus, place.state)) as agent:
                begun = time.monotonic()
                result = await run(agent, jobs(agent))
        results.update({target.id: target for target in result.targets})
        readings.extend(result.readings)
        return time.monotonic() - begun

    place, results, readings = school(tmp_path, {"x": 1}), {}, []  # type: ignore[var-annotated] # filled above
    assert asyncio.run(measure()) < 9
    assert results["good"].result == "ok"
    assert results["dead"].result == "unreachable"
    for name in ("liar", "babbler", "mute"):
        assert results[name].result in ("unreachable", "malformed", "unsupported", "deadline"), results[name]
        assert results[name].exchanges >= 1
        assert results[name].gaps >= (results[name].result != "unsupported")
    told = {one.subject: one.value for one in readings if one.metric == "collector.answer"}
    assert told == {f"interfaces:{name}": target.result for name, target in results.items()}
    assert any(one.metric == "interface.speed" for one in readings)
    place.check_chain()


def test_a_device_that_cannot_be_opened_fails_alone(tmp_path: Path, device: int) -> None:
    """A defect on the way to one device is that device's `failed`, with a log line that names it."""
    place = school(tmp_path, {"good": device, "bad": device})
    with closing(open_agent(place.campus, place.state)) as agent:
        good, bad = jobs(agent)
        odd = replace(bad, asset=bad.asset.model_copy(update={"family": "no-such-family"}))
        result = asyncio.run(run(agent, [odd, good]))
    assert [target.result for target in result.targets] == ["failed", "ok"]
    assert result.targets[0].segment is None
    place.check_chain()


def test_raw_answers_are_in_the_journal_before_the_run_ends(tmp_path: Path, device: int) -> None:
    """Raw first: while later devices are still asked, what the first ones said is durable."""
    seen: list[bool] = []

    def look(conversation: Conversation) -> None:
        with Journal(place.state / "journal", readonly=True) as journal:
            lines = list(journal.exchanges(journal.open_runs()[0], conversation.job.asset.id))
        cited = {source for reading in conversation.readings for source in reading.sources}
        seen.append(len(lines) == conversation.exchanges > 0 and cited <= {canonical.digest(line) for line in lines})

    place = school(tmp_path, {"one": device, "two": device})
    with closing(open_agent(place.campus, place.state)) as agent:
        asyncio.run(run(agent, jobs(agent), progress=look))
    assert seen == [True, True]


def test_a_campus_file_that_changes_meanwhile_counts_for_the_next_run(tmp_path: Path, device: int) -> None:
    """A run is measured and signed under the one plan that it began with."""

    def reload(conversation: Conversation) -> None:
        place.write_campus({"one": device, "three": device}, every=60)
        pack = load_campus(place.campus, families=agent.families)
        agent.use_campus(pack.value, pack.data, pack.digest)

    place = school(tmp_path, {"one": device, "two": device})
    with closing(open_agent(place.campus, place.state)) as agent:
        before = agent.campus_digest
        result = asyncio.run(run(agent, jobs(agent), progress=reload))
        assert agent.campus_digest != before
    last = place.statements()[-1]
    assert last.predicate.plan is not None
    assert last.predicate.plan.digest() == before
    assert {item.name: item.digest.digest() for item in last.subject}["campus.yaml"] == before
    assert [target.id for target in result.targets] == ["one", "two"]


# --- runs that are cut off ------------------------------------------------------------------------------------------


def test_a_cancelled_run_is_ended_with_what_it_had(tmp_path: Path, device: int) -> None:
    """Stopping in the middle gives a `run-abort` that carries the raw answers taken so far; nothing goes on behind."""

    async def stop_in_the_middle() -> None:
        async with scripted_agent(table((IF_DESCR,), 3), mute) as silent:
            place.write_campus({"good": device, "mute": silent.port}, deadline=60)
            with closing(open_agent(place.campus, place.state)) as agent:
                good = asyncio.Event()
                task = asyncio.create_task(run(agent, jobs(agent), progress=lambda _: good.set()))
                await good.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert asyncio.all_tasks() == {asyncio.current_task()}

    place = school(tmp_path, {"x": 1})
    asyncio.run(stop_in_the_middle())
    place.check_chain()
    last = place.statements()[-1].predicate
    assert (last.kind, last.reason) == (EntryKind.RUN_ABORT, "the agent was told to stop")
    good = next(target for target in last.targets if target.id == "good")
    assert good.exchanges == 2
    assert good.segment is not None


def test_an_abandoned_run_is_ended_at_the_next_start(tmp_path: Path, device: int) -> None:
    """Recovery ends what a crash left open, once, and keeps the raw lines of devices that left the campus file."""
    place = school(tmp_path, {"one": device})
    with closing(open_agent(place.campus, place.state)) as agent:
        agent.state(EntryKind.RUN_START, agent.plan_files, run="r1", time=agent.times(agent.clock.now()))
        measured = asyncio.run(run(agent, jobs(agent))).run
        kept = list(agent.journal.exchanges(measured, "one"))
        for line in kept:
            agent.journal.append_exchange("r1", "gone", line)
    with closing(open_agent(place.campus, place.state)) as agent:
        assert [entry.run for entry in recovery.abort_open_runs(agent)] == ["r1"]
        assert recovery.abort_open_runs(agent) == []
        last = place.statements()[-1]
        segment = next(item for item in last.subject if item.name == "raw/gone.jsonl")
        assert agent.journal.get_blob(segment.digest.digest()).split(b"\n", 1)[1] == b"\n".join(kept) + b"\n"
    assert last.predicate.targets[0].exchanges == len(kept)
    place.check_chain()


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 6 MB of its own."""
    place = tmp_path / "tiny"
    place.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("there is no mount command for a small file system")
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m,mode=0700", "tmpfs", str(place)]
    done = subprocess.run(mount, check=False, capture_output=True)
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_ends_the_run_and_loses_nothing(tiny: Path, device: int) -> None:
    """When the journal is full the run ends as aborted on the ballast's room; what was taken before is whole."""
    place = school(tiny, {"one": device, "two": device})
    with closing(open_agent(place.campus, place.state)) as agent:
        first = asyncio.run(run(agent, jobs(agent)))
        agent.journal.close()
        limits = Limits(reserve_bytes=0, ballast_bytes=2 * 2**20)
        agent.journal = Journal(place.state / "journal", limits=limits)
        filler = tiny / "filler"

        def fill(conversation: Conversation) -> None:
            with filler.open("ab") as file:
                for size in (65_536, 4_096, 512):
                    _fill(file.fileno(), size)

        many = [
            replace(jobs(agent)[0], asset=jobs(agent)[0].asset.model_copy(update={"id": f"d{n}"})) for n in range(60)
        ]
        with pytest.raises(JournalError, match="full"):
            asyncio.run(_until_full(agent, many, fill))
        filler.unlink()
        recovery.abort_open_runs(agent)
        again = asyncio.run(run(agent, jobs(agent)))
    assert first.readings
    assert again.targets[0].result == "ok"
    assert EntryKind.RUN_ABORT in place.kinds()
    place.check_chain()


async def _until_full(agent: Agent, many: list[Job], fill: object) -> None:
    for _ in range(20):
        await run(agent, many, progress=fill)  # type: ignore[arg-type] # a callback


def _fill(descriptor: int, size: int) -> None:
    try:
        while True:
            os.write(descriptor, b"x" * size)
    except OSError:
        return


# --- secrets --------------------------------------------------------------------------------------------------------


def test_a_community_that_devices_echo_is_in_no_file_of_the_state(tmp_path: Path) -> None:
    """A device that tells its community in every text leaves no copy of it: journal, blobs, statements, readings."""
    canary = COMMUNITY.encode()

    async def measure() -> None:
        columns = ("1.3.6.1.2.1.1.1", IF_DESCR, "1.3.6.1.2.1.31.1.1.1.1", "1.3.6.1.2.1.31.1.1.1.18")
        cells = [
            (ber.oid_bytes(f"{column}.{row}"), ber.OCTET_STRING, b"community " + canary)
            for column in columns
            for row in (0, 1)
        ]
        async with scripted_agent(cells) as echo:
            place.write_campus({"echo": echo.port})
            with closing(open_agent(place.campus, place.state)) as agent:
                result = await run(agent, jobs(agent))
        assert result.targets[0].result == "ok"

    place = school(tmp_path, {"x": 1})
    asyncio.run(measure())
    assert place.statements()[-1].predicate.redactions["secret"] >= 4
    for path in place.state.rglob("*"):
        if path.is_file() and path.parent.name != "secrets":
            data = path.read_bytes()
            assert canary not in data, path
            assert canary.hex().encode() not in data, path


def test_a_secret_that_was_changed_stays_redacted(tmp_path: Path, device: int) -> None:
    """After a credential was replaced and read again, the old secret and the new are both kept out."""
    place = school(tmp_path, {"one": device})
    with closing(open_agent(place.campus, place.state)) as agent:
        place.secret("ro", "{version: 2c, community: NEW-CANARY-2}\n")
        pack = load_campus(place.campus, families=agent.families)
        agent.use_campus(pack.value, pack.data, pack.digest)
        shown = agent.redactor.text(f"{COMMUNITY} NEW-CANARY-2")
        assert "CANARY" not in shown
        assert agent.credential(agent.campus.assets[0]).community == "NEW-CANARY-2"


# --- what must be right before the first run ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("credential", "mode", "what"),
    [
        ("{version: 2c, community: CANARY-9}", 0o640, "others may read this credential (mode 0o640)"),
        ("{version: 2c, community: CANARY-9}", 0o604, "Run: chmod 600"),
        ("{version: 2c, comunity: CANARY-9}", 0o600, "ro:1"),
        ("{version: 4, community: CANARY-9}", 0o600, "ro:1"),
        ("community: [CANARY-9", 0o600, "ro:"),
        ("CANARY-9", 0o600, "ro"),
        ("{username: a, password: CANARY-9}", 0o600, "opens no SNMP agent"),
        ("", 0o600, "ro"),
    ],
)
def test_a_wrong_credential_is_told_at_the_start_without_its_secret(
    tmp_path: Path, credential: str, mode: int, what: str
) -> None:
    """Mode, spelling, kind: the error names the file and what to do, and shows nothing of what is in it."""
    place = school(tmp_path, {"one": 1})
    place.secret("ro", credential, mode)
    with pytest.raises(ConfigError) as caught:
        open_agent(place.campus, place.state)
    assert what in str(caught.value)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("kind", ["missing", "directory", "pipe"])
def test_a_credential_that_is_no_file_is_told(tmp_path: Path, kind: str) -> None:
    """Missing, a directory, a pipe that would hang the start: one error that names the credential."""
    place = school(tmp_path, {"one": 1})
    path = place.state / "secrets" / "ro"
    path.unlink()
    if kind == "directory":
        path.mkdir()
    if kind == "pipe":
        os.mkfifo(path, 0o600)
    with pytest.raises(ConfigError, match=r"ro"):
        open_agent(place.campus, place.state)


def test_another_key_or_school_cannot_go_on_with_a_chain(tmp_path: Path, device: int) -> None:
    """A restored journal without its key, or under another school's file, is refused before it makes a fork."""
    place = school(tmp_path, {"one": device})
    with closing(open_agent(place.campus, place.state)) as agent:
        recovery.enrol(agent)
    text = place.campus.read_text(encoding="utf-8")
    place.campus.write_text(text.replace("school-1", "school-2"), encoding="utf-8")
    with pytest.raises(ConfigError, match="another school needs another state directory"):
        open_agent(place.campus, place.state)
    place.campus.write_text(text, encoding="utf-8")
    (place.state / "keys" / "agent.pem").unlink()
    keys.create(place.state / "keys" / "agent.pem")
    with pytest.raises(KeyFileError, match="begun with key"):
        open_agent(place.campus, place.state)


# --- the reviewer ---------------------------------------------------------------------------------------------------


def test_a_transport_that_crashes_voids_nothing(tmp_path: Path, device: int) -> None:
    """After a defect in the middle of one conversation, the run and a bundle of it still verify."""

    class Crashing:
        """A transport with a defect."""

        async def exchange(self, request: Request) -> VarBinds | Notifications | MqttMessages:
            self.asked = getattr(self, "asked", 0) + 1
            if self.asked > 1:
                raise ZeroDivisionError("a defect")
            return VarBinds(varbinds=tuple(ber.encode_varbind(ber.oid_bytes(o), 0x81, b"").hex() for o in request.oids))  # type: ignore[union-attr] # a GET comes first

        async def close(self) -> None:
            """Nothing is open."""

    class Defective(Agent):
        """An agent one of whose devices has such a transport."""

        def transport(self, asset: Asset) -> Transport:
            return Crashing() if asset.id == "bad" else Agent.transport(self, asset)

    place = school(tmp_path, {"good": device, "bad": device})
    with closing(Defective(**vars(open_agent(place.campus, place.state)))) as agent:
        recovery.enrol(agent)
        since = agent.clock.now()
        result = asyncio.run(run(agent, jobs(agent)))
        _, entry = assess_window(agent, ["bozhou-school-2024"], since, agent.clock.now())
        contents = export(agent.journal, entry, agent.signer.public_pem, None, None)
    write_bundle(tmp_path / "b.zip", contents)
    assert {target.id: target.result for target in result.targets} == {"good": "ok", "bad": "failed"}
    verified = verify_bundle((tmp_path / "b.zip").read_bytes()).result
    assert verified.ok, [f"{check.name}: {check.detail}" for check in verified.failed()]
