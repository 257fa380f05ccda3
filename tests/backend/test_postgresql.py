"""The backend on PostgreSQL: how it is named, what is refused, and what happens when it goes away."""

from __future__ import annotations

import contextlib
import logging
import shutil
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import pytest
from hypothesis import given
from sqlalchemy import text

from agent.backend.backend import Backend, Settings
from agent.backend.fsck import fsck
from agent.backend.postgresql import place_of, read_url
from agent.backend.problems import ProblemError
from agent.backend.store import Store
from agent.clock import SystemClock
from agent.errors import AgentError, ConfigError
from agent.evidence.note import verify_receipt
from agent.model.evidence import EntryKind
from agent.model.upload import ProblemType
from tests.peers.backend import ORIGIN, HandClock, Served, Signed, Speaker, serving
from tests.peers.postgresql import USER, Cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = "s3cret-of-the-bureau"
on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@contextlib.contextmanager
def changed(cluster: Cluster, *settings: str) -> Iterator[None]:
    """Change settings of the server for a while; what it says afterwards is what it uses."""

    def apply(statements: list[str], name: str, expected: str | None) -> None:
        for statement in statements:
            cluster.sql(statement)
        cluster.sql("select pg_reload_conf()")
        wait_for(lambda: expected is None or cluster.sql(f"show {name}") == [[expected]])

    name, _, value = settings[-1].partition(" = ")
    try:
        apply([f"alter system set {one}" for one in settings], name, value)
        yield
    finally:
        before = "on" if value == "off" else "off"
        apply([f"alter system reset {one.partition(' = ')[0]}" for one in settings], name, before)


def wait_for(condition: Callable[[], bool]) -> None:
    """Until the server has got there; a failure after 20 seconds."""
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def opened(directory: Path, url: str) -> contextlib.closing[Backend]:
    return contextlib.closing(Backend.open(Settings(directory, origin=ORIGIN, database=url), SystemClock()))


# --- gone and back ------------------------------------------------------------------------------------------------


@on_postgresql
def test_a_database_that_crashes_loses_nothing_that_was_acknowledged(
    served: Served, agent: Speaker, cluster: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Schools upload while the server is ended as by a crash: 503 and when to come back, no receipt without its entry.

    When it is back, every acknowledged entry gives its receipt again, and the uploads go on by themselves.
    """
    others = [served.enrolled(tmp_path / f"o{n}", campus=f"school-{n}", name=f"{n}") for n in range(2)]
    receipts: list[tuple[Signed, bytes]] = []
    refused = []

    def upload(school: Speaker) -> None:
        while True:
            signed = school.append(EntryKind.RUN)
            answer = served.put(signed)
            if answer.status_code != 201:
                refused.append((school, signed, answer))
                return
            receipts.append((signed, answer.content))

    threads = [threading.Thread(target=upload, args=(school,)) for school in (agent, *others)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: len(receipts) >= 6)
    finally:
        cluster.stop()
        for thread in threads:
            thread.join()
    for _, _, answer in refused:
        assert (answer.status_code, answer.json()["type"]) == (503, ProblemType.BUSY), answer.text
        assert answer.headers["retry-after"] == "30"
        assert "does not answer" in answer.json()["detail"]
    assert served.http.get("/v1/log/checkpoint").status_code == 503
    assert served.http.get("/v1/challenges", params={"keyid": agent.signer.keyid}).status_code == 503
    cluster.start()
    for signed, receipt in receipts:
        verify_receipt(receipt, signed.digest, served.backend.log.key.text())
        again = served.put(signed, blobs=False)
        assert (again.status_code, again.content) == (200, receipt)
    for school, signed, _ in refused:
        # 200 where only the answer was lost: a commit may have come through in the last moment.
        assert served.put(signed).status_code in (200, 201)
        assert served.put(school.append(EntryKind.RUN)).status_code == 201
    assert fsck(served.backend).faults == ()
    told = [record.getMessage() for record in caplog.records if record.name == "agent.backend.database"]
    changes = [line.partition(":")[0] for line in told]
    # Once each; a reader whose answer was on its way when the server ended may tell of a return that was none.
    assert len(changes) % 2 == 0
    assert changes == ["the database does not answer", "the database answers again"] * (len(changes) // 2)
    assert changes
    assert cluster.password not in caplog.text


@on_postgresql
def test_connections_that_died_unnoticed_cost_nobody_a_try(served: Served, agent: Speaker, cluster: Cluster) -> None:
    """A server that was restarted between two uploads is connected to anew, and the next sender gets 201."""
    assert served.put(agent.append(EntryKind.RUN)).status_code == 201
    sessions = "from pg_stat_activity where application_name like 'campus%'"
    assert cluster.sql(f"select pg_terminate_backend(pid) {sessions}")
    wait_for(lambda: not cluster.sql(f"select pid {sessions}"))  # a session that is still ending may answer once more
    assert served.put(agent.append(EntryKind.RUN)).status_code == 201


@on_postgresql
def test_a_writer_that_is_kept_waiting_is_told_to_come_back(served: Served, agent: Speaker, cluster: Cluster) -> None:
    """An upload waits for another writer; when the wait is ended, it is 503, nothing is stored, and a repeat works."""
    signed = agent.append(EntryKind.RUN)
    answers = []
    waiting = "select pid from pg_stat_activity where wait_event_type = 'Lock' and wait_event = 'advisory'"
    with contextlib.ExitStack() as stack:
        beside = stack.enter_context(contextlib.closing(Store(served.backend.store.directory / "2", served.clock,
                                                             database=served.backend.settings.database)))  # fmt: skip
        with beside.write():
            sender = threading.Thread(target=lambda: answers.append(served.put(signed)))
            sender.start()
            wait_for(lambda: bool(cluster.sql(waiting)))
            cluster.sql(f"select pg_cancel_backend(pid) from ({waiting}) as w")
            sender.join()
    assert (answers[0].status_code, answers[0].json()["type"]) == (503, ProblemType.BUSY)
    assert int(answers[0].headers["retry-after"]) > 0
    assert served.leaves() == 1
    assert served.put(signed).status_code == 201


@on_postgresql
@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("53100", ProblemType.STORAGE_FULL),
        ("55P03", ProblemType.BUSY),
        ("40P01", ProblemType.BUSY),
        ("53300", ProblemType.BUSY),
        ("57P01", ProblemType.BUSY),
        ("25006", ProblemType.BUSY),
        ("22021", ProblemType.INTERNAL),
        ("XX001", ProblemType.INTERNAL),
    ],
)
def test_what_the_server_reports_is_told_apart(
    served: Served, caplog: pytest.LogCaptureFixture, state: str, kind: ProblemType
) -> None:
    """Full, busy, away and wrong are different answers; the sender never reads the server's text, the operator does."""
    raising = f"do $$ begin raise exception 'about {SECRET}' using errcode = '{state}'; end $$"
    with pytest.raises(ProblemError) as caught, served.backend.store.write() as connection:
        connection.execute(text(raising))
    assert caught.value.kind == kind
    assert SECRET not in caught.value.render()
    if kind == ProblemType.INTERNAL:
        assert state in caught.value.render()
        assert f"({state})" in caplog.text
    with served.backend.store.write() as connection:
        assert connection.execute(text("select 1")).scalar_one() == 1


# --- how it is opened ---------------------------------------------------------------------------------------------


def test_a_socket_needs_no_password(cluster: Cluster, tmp_path: Path) -> None:
    """The URL may name the directory of the socket, where the server knows who connects."""
    name = cluster.create()
    with opened(tmp_path, cluster.socket_url(name)) as backend:
        assert backend.checkpoint().startswith(f"{ORIGIN}\n0\n")
        assert backend.store.place == f"{cluster.directory}:{cluster.port}/{name}"


@pytest.mark.parametrize("wrong", ["password", "name", "port", "owner"])
def test_a_database_that_cannot_be_used_is_named(cluster: Cluster, tmp_path: Path, wrong: str) -> None:
    """The start says where it tried, what the server said and what to look at, and never the password."""
    name = cluster.create()
    url = cluster.url(name, password=SECRET if wrong == "password" else None)
    if wrong == "name":
        url = cluster.url("elsewhere")
    elif wrong == "port":
        url = url.replace(f":{cluster.port}/", ":9/")
    elif wrong == "owner":
        with contextlib.suppress(Exception):
            cluster.sql(f"create role stranger login password '{SECRET}'")
        url = url.replace(f"{USER}:{cluster.password}", f"stranger:{SECRET}")
    with pytest.raises(ConfigError) as caught, opened(tmp_path / "b", url):
        pass
    told = caught.value.render()
    said = {"password": "28P01", "name": "3D000", "port": "ConnectionRefusedError", "owner": "42501"}[wrong]
    assert said in told
    assert told.startswith("127.0.0.1:")
    assert "Check that it runs" in told
    assert SECRET not in told
    assert cluster.password not in told
    # Whoever mends it starts again on the same directory.
    with opened(tmp_path / "b", cluster.url(name)) as backend:
        assert backend.log.origin == ORIGIN


def test_a_server_that_may_lose_commits_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    """A receipt is a promise: without fsync there is none; commits that return early are made to wait."""
    name = cluster.create()
    with changed(cluster, "fsync = off"), pytest.raises(ConfigError, match="fsync off"):  # noqa: SIM117
        with opened(tmp_path, cluster.url(name)):
            pass
    cluster.sql(f"alter database {name} set synchronous_commit = off")
    with opened(tmp_path, cluster.url(name)) as backend, backend.store.write() as connection:
        assert connection.execute(text("show synchronous_commit")).scalar_one() == "on"


def test_a_database_that_cannot_hold_chinese_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    """Schools' names and reasons are Chinese: an encoding without it is an error at the start, not in the middle."""
    name = cluster.create(options="encoding 'LATIN1' locale 'C'")
    with pytest.raises(ConfigError, match=r"encoding LATIN1.*--encoding UTF8"), opened(tmp_path, cluster.url(name)):
        pass


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_connection_is_encrypted_and_its_server_checked(cluster: Cluster, tmp_path: Path) -> None:
    """With verify-full the certificate has to be the named authority's; TLS is really spoken."""
    data = cluster.directory / "data"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=bureau", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(data / "server.key"), "-out", str(data / "server.crt")],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    for name in ("server.key", "server.crt"):
        (data / name).chmod(0o600)
        shutil.chown(data / name, data.owner(), data.group())
    shutil.copy(data / "server.crt", tmp_path / "root.pem")
    name = cluster.create()
    with changed(cluster, "ssl = on"):
        options = f"?sslmode=verify-full&sslrootcert={tmp_path / 'root.pem'}"
        with opened(tmp_path / "b", cluster.url(name, options=options)) as backend, backend.store.read() as connection:
            query = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
            assert connection.execute(text(query)).scalar_one() is True
        unknown = cluster.url(name, options="?sslmode=verify-full")
        with pytest.raises(ConfigError, match="certificate verify failed"), opened(tmp_path / "b", unknown):
            pass
    # A server that refuses TLS is not talked to in clear.
    with pytest.raises(ConfigError, match="refuses SSL"), opened(tmp_path / "b", cluster.url(name, options=options)):
        pass


def test_a_directory_belongs_to_its_database(cluster: Cluster, tmp_path: Path) -> None:
    """Keys that have signed one log begin no second one: not where the URL was lost, nor where it names another."""
    name, other = cluster.create(), cluster.create()
    here, there = tmp_path / "sqlite", tmp_path / "postgresql"
    for directory, url in ((here, ""), (there, cluster.url(name))):
        with serving(directory, HandClock(), database=url) as served:
            served.enrolled(tmp_path / f"agent-{directory.name}")
    for directory, url in ((here, cluster.url(other)), (there, ""), (there, cluster.url(other))):
        for exclusive in (True, False):
            with pytest.raises(ConfigError, match=f"does not hold the log {ORIGIN}"):
                Backend.open(Settings(directory, database=url), SystemClock(), exclusive=exclusive)
    assert not (there / "backend.sqlite").exists()
    # Nor is a database taken over by a directory without its keys.
    with pytest.raises(ConfigError, match=f"the key of the log {ORIGIN} is missing"), opened(
        tmp_path / "new", cluster.url(name)
    ):  # fmt: skip
        pass
    for directory, url in ((here, ""), (there, cluster.url(name))):
        with opened(directory, url) as backend:
            assert backend.checkpoint().startswith(f"{ORIGIN}\n1\n")
    (there / "log").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="log: the backend's directory cannot be used"), opened(there, ""):
        pass


def test_two_servers_that_start_at_once_make_one_log(cluster: Cluster, tmp_path: Path) -> None:
    """Tables are made once even where two make them in the same moment, and one of two names wins."""
    url = cluster.url(cluster.create())
    results: list[object] = [None, None]
    barrier = threading.Barrier(2)

    def start(place: int) -> None:
        barrier.wait(20)
        try:
            with opened(tmp_path / str(place), url) as backend:
                results[place] = backend.checkpoint()
        except AgentError as error:
            results[place] = error

    threads = [threading.Thread(target=start, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [one.render() for one in results if isinstance(one, AgentError)]
    assert sum(isinstance(one, str) for one in results) == 1, results
    assert len(told) == 1
    assert "another key or name" in told[0] or "is missing" in told[0]


# --- the URL ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        f"postgresql://bureau:{SECRET}@host:port/name",
        f"postgresql://bureau:{SECRET}@host:99999/name",
        f"postgresql://:{SECRET}@host/name",
        f"postgresql://bureau:{SECRET}@host",
        f"mysql://bureau:{SECRET}@host/name",
        f"postgresql+psycopg2://bureau:{SECRET}@host/name",
        f"postgresql://bureau:{SECRET}@host/name?sslmode=require",
        f"postgresql://bureau:{SECRET}@host/name?target_session_attrs=any",
        f"postgresql://bureau:{SECRET}@host/name?sslrootcert=/nowhere.pem",
        f"postgresql://bureau:{SECRET}@[::1/name",
    ],
)
def test_what_is_no_url_is_refused_without_repeating_it(url: str) -> None:
    """The error says what is wrong and how it is written, not the password that stands in the middle."""
    with pytest.raises(ConfigError) as caught:
        read_url(url)
    assert SECRET not in caught.value.render()
    assert caught.value.__suppress_context__ or SECRET not in str(caught.value.__context__)


@given(st.text(max_size=40).map(lambda rest: f"postgresql://bureau:{SECRET}@{rest}"))
def test_any_text_is_a_place_or_an_error_without_the_password(url: str) -> None:
    """Whatever stands behind the password, neither the place nor the error shows it."""
    try:
        told = place_of(read_url(url))
    except ConfigError as error:
        told = error.render()
    assert SECRET not in told


def test_the_log_of_the_program_is_quiet_about_urls(
    cluster: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Even with everything logged, the password is in no line."""
    caplog.set_level(logging.DEBUG)
    with opened(tmp_path, cluster.url(cluster.create())) as backend:
        assert cluster.password not in caplog.text
        assert cluster.password not in repr(backend.store.place)
