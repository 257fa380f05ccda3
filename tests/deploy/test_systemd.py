"""The shipped units, users and directories, judged by systemd's own tools, and the guide that installs them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.cli import app

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy" / "systemd"
UNITS = sorted(DEPLOY.glob("*.service"))
GUIDE = (DEPLOY / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to other users")


def settings(unit: Path) -> dict[str, list[str]]:
    """Values of each directive of a unit file, in order; comments and sections left out."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def verify(unit: Path, place: Path, change: tuple[str, str] = ("", "")) -> str:
    """What systemd says about the unit, with an executable that exists in place of the installed one."""
    text = unit.read_text(encoding="utf-8").replace("/opt/campus-agent/bin/campus-agent", "/bin/true")
    copy = place / unit.name
    copy.write_text(text.replace(*change) if change[0] else text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", str(copy)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr


def as_root(place: Path) -> Path:
    """An empty file system in which the shipped sysusers.d and tmpfiles.d files have done their work."""
    (place / "etc").mkdir()
    (place / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (place / "etc" / "group").write_text("root:x:0:\n")
    for tool, folder in (("systemd-sysusers", "sysusers.d"), ("systemd-tmpfiles", "tmpfiles.d")):
        for file in sorted((DEPLOY / folder).glob("*.conf")):
            options = ["--create"] if tool == "systemd-tmpfiles" else []
            done = subprocess.run(
                [tool, f"--root={place}", *options, str(file)], capture_output=True, text=True, check=False, timeout=60
            )
            assert done.returncode == 0, done.stderr
    return place


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_nothing_wrong(unit: Path, tmp_path: Path) -> None:
    """`systemd-analyze verify` is silent about each unit, and would not be about a misspelt directive."""
    assert verify(unit, tmp_path) == ""
    assert "Restrat" in verify(unit, tmp_path, ("Restart=", "Restrat="))


@needs_systemd
def test_the_drop_in_for_old_systemd_is_valid(tmp_path: Path) -> None:
    """The drop-in is read with its unit, and is not silently ignored."""
    unit = DEPLOY / "campus-agent.service"
    shutil.copytree(DEPLOY / "campus-agent.service.d", tmp_path / "campus-agent.service.d")
    assert verify(unit, tmp_path) == ""
    drop_in = tmp_path / "campus-agent.service.d" / "systemd-before-251.conf"
    drop_in.write_text(drop_in.read_text().replace("LoadCredential=", "LoadKredential="))
    assert "LoadKredential" in verify(unit, tmp_path)


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_exposure_stays_low(unit: Path, tmp_path: Path) -> None:
    """`systemd-analyze security` scores each unit 2.5 or better; without its hardening it fails the same command."""
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=25"]
    soft = tmp_path / unit.name
    soft.write_text(
        re.sub(r"^(Protect|Private|Restrict|System|Capability).*$", "", unit.read_text(), flags=re.MULTILINE)
    )
    assert subprocess.run([*command, str(soft)], capture_output=True, check=False, timeout=60).returncode != 0
    done = subprocess.run([*command, str(unit)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout[-300:]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_service_never_stays_down(unit: Path) -> None:
    """Restarted whatever it ended with, without a limit on attempts, and watched for readiness."""
    told = settings(unit)
    assert (told["Restart"], told["StartLimitIntervalSec"], told["Type"]) == (["always"], ["0"], ["notify"])


def test_the_agent_is_watched_while_it_runs() -> None:
    """The agent, which feeds the watchdog, is restarted when it hangs; the backend, which does not, is not killed."""
    assert settings(DEPLOY / "campus-agent.service")["WatchdogSec"] == ["60"]
    assert "WatchdogSec" not in settings(DEPLOY / "campus-agent-backend.service")


@needs_systemd
@needs_root
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_every_user_and_path_of_a_unit_is_made(unit: Path, tmp_path: Path) -> None:
    """Users, directories and files named in a unit come from the shipped files, the program from the guide."""
    root = as_root(tmp_path)
    told = settings(unit)
    users = {line.split(":")[0] for line in (root / "etc" / "passwd").read_text().splitlines()}
    assert {*told["User"], *told["Group"]} <= users
    words = " ".join(
        " ".join(told.get(name, []))
        for name in ("ExecStart", "ExecReload", "WorkingDirectory", "EnvironmentFile", "LoadCredential")
    )
    paths = {Path(found) for found in re.findall(r"/[\w./-]+", words)}
    assert len(paths) >= 2
    for path in paths:
        by_files = (root / path.relative_to("/")).exists()
        by_guide = any(re.search(rf"^(install|ln) .* {re.escape(str(path))}$", block, re.MULTILINE) for block in BLOCKS)
        by_program = path.is_relative_to("/opt/campus-agent") and "ln -sfn" in GUIDE
        assert by_files or by_guide or by_program or path == Path("/bin/kill"), path
    for name in told["StateDirectory"]:
        state = (root / "var" / "lib" / name).stat()
        assert state.st_mode & 0o777 == int(told["StateDirectoryMode"][0], 8) == 0o700


@needs_systemd
@needs_root
def test_secrets_and_keys_are_closed_to_others(tmp_path: Path) -> None:
    """Credentials belong to root alone, state to the service alone; a second run changes nothing that was written."""
    root = as_root(tmp_path)
    modes = {
        "etc/campus-agent": 0o750,
        "etc/campus-agent/agent.env": 0o640,
        "etc/campus-agent/credentials": 0o700,
        "var/lib/campus-agent": 0o700,
        "var/lib/campus-agent/secrets": 0o700,
        "var/lib/campus-agent-backend": 0o700,
    }
    assert {name: (root / name).stat().st_mode & 0o777 for name in modes} == modes
    assert (root / "etc/campus-agent/credentials").stat().st_uid == 0
    assert (root / "var/lib/campus-agent").stat().st_uid != 0
    written = root / "etc/campus-agent/agent.env"
    assert written.read_text().startswith("# CAMPUS_AGENT_BACKEND=")
    written.write_text("CAMPUS_AGENT_BACKEND=https://b\n")
    for file in sorted((DEPLOY / "tmpfiles.d").glob("*.conf")):
        subprocess.run(["systemd-tmpfiles", f"--root={root}", "--create", str(file)], check=True, timeout=60)
    assert written.read_text() == "CAMPUS_AGENT_BACKEND=https://b\n"


# --- the guide ---


def test_both_languages_give_the_same_commands() -> None:
    """The English half has the commands of the Chinese half, one for one."""
    chinese, english = GUIDE.split("\n## English\n")
    found = [re.findall(r"```sh\n(.*?)```", half, re.DOTALL) for half in (chinese, english)]
    assert found[0] == found[1]
    assert len(found[0]) > 8


def test_the_guide_names_only_what_is_shipped() -> None:
    """Every file of this repository that a command installs exists; every unit it starts or removes is shipped."""
    for block in BLOCKS:
        for path in re.findall(r"(?<![\w/])((?:deploy|config)/[\w./-]+)", block):
            assert (ROOT / path).is_file(), path
        for unit in re.findall(r"[\w-]+\.service\b", block):
            assert (DEPLOY / unit).is_file(), unit
        for name in re.findall(r"(?:sysusers|tmpfiles)[\w -]* ([\w-]+\.conf)", block):
            assert (DEPLOY / "sysusers.d" / name).is_file()
            assert (DEPLOY / "tmpfiles.d" / name).is_file()


def test_the_guide_installs_and_removes_every_file() -> None:
    """Each shipped file has a command that installs it and one that removes it."""
    commands = "\n".join(BLOCKS)
    shipped = [path for path in DEPLOY.rglob("*") if path.suffix in (".service", ".conf")]
    assert len(shipped) == 8
    for path in shipped:
        relative = path.relative_to(ROOT)
        target = next(
            line.split()[-1] for line in commands.splitlines() if line.startswith("install") and str(relative) in line
        )
        assert re.search(
            rf"^rm -r?f .*({re.escape(target)}|{re.escape(str(Path(target).parent))})( |$)", commands, re.MULTILINE
        )


def command_lines() -> list[str]:
    """Every call of the program in guide and units, from the subcommand on."""
    text = "\n".join([*BLOCKS, *(unit.read_text(encoding="utf-8") for unit in UNITS)])
    return sorted(set(re.findall(r"/opt/campus-agent/bin/campus-agent (.+)", text)))


@pytest.mark.parametrize("line", command_lines())
def test_the_program_has_the_commands_that_are_called(line: str) -> None:
    """Each call in guide and units names an existing command and existing options of it."""
    words = shlex.split(line)
    command = list(takewhile(lambda word: not word.startswith("-"), words))
    shown = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert shown.exit_code == 0, shown.output
    for option in (word for word in words if word.startswith("--")):
        assert re.search(rf"{option}\b", shown.output), option


# --- the sandbox, as far as it can be had without a service manager ---

WORK = """
import asyncio, importlib, pathlib, pkgutil, sys, tempfile
import agent
for module in pkgutil.walk_packages(agent.__path__, "agent."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from agent.errors import GapError
from agent.evidence import keys
from agent.journal.store import Journal
from agent.model.exchange import MqttListen, Topic
from agent.runtime import notify
from agent.transports.mqtt import MqttTransport, tls_context
with tempfile.TemporaryDirectory() as name:
    place = pathlib.Path(name)
    (place / "keys").mkdir(mode=0o700)
    keys.create(place / "keys" / "agent.pem").sign(b"x")
    Journal(place / "journal").close()
    notify.ready("up")
    topic = Topic(kind="light", filter="a/+", device_level=1)
    for tls in (None, tls_context()):
        try:
            asyncio.run(MqttTransport("localhost", 1, tls=tls).exchange(MqttListen(topics=(topic,), seconds=1)))
        except GapError as gap:
            assert gap.reason == "unreachable", gap
print("done")
"""
MDWE = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(65, 1, 0, 0, 0) != 0:  # PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN: Linux 6.3
    print("no prctl"); raise SystemExit
import mmap
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)
except PermissionError:
    pass
else:
    raise SystemExit("writable and executable memory is not denied")
"""


def test_nothing_needs_writable_executable_memory() -> None:
    """Under the kernel's form of MemoryDenyWriteExecute all modules load, sign, store, and talk TLS and MQTT."""
    done = subprocess.run(
        [sys.executable, "-c", MDWE + WORK], capture_output=True, text=True, check=False, timeout=120, cwd=ROOT
    )
    if done.stdout.startswith("no prctl"):
        pytest.skip("this kernel has no PR_SET_MDWE")
    assert done.stdout == "done\n", done.stderr[-2000:]


def allowed_calls() -> set[str]:
    """The system calls that the agent's unit allows, by systemd's own sets."""

    def expand(name: str) -> set[str]:
        listed = subprocess.run(
            ["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True, timeout=60
        ).stdout
        found: set[str] = set()
        for word in (line.strip() for line in listed.splitlines()[1:]):
            if word.startswith("@"):
                found |= expand(word)
            elif word and not word.startswith("#"):
                found.add(word)
        return found

    allowed: set[str] = set()
    for value in settings(DEPLOY / "campus-agent.service")["SystemCallFilter"]:
        for name in value.lstrip("~").split():
            allowed = allowed - expand(name) if value.startswith("~") else allowed | expand(name)
    return allowed


@needs_systemd
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_nothing_needs_a_forbidden_system_call(tmp_path: Path) -> None:
    """Every system call made while loading, signing, storing and talking is one that the unit allows."""
    trace = tmp_path / "trace"
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", str(trace), sys.executable, "-c", WORK],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=ROOT,
    )
    if done.returncode != 0 and "Operation not permitted" in done.stderr:
        pytest.skip("tracing is not permitted here")
    assert done.stdout == "done\n", done.stderr[-2000:]
    used = set(re.findall(r"^\d+\s+(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE))
    assert {"connect", "fsync"} <= used
    # SQLite gives its files to the owner of the database, but only when it runs as root, as the service never does.
    only_as_root = {"fchown"} if os.geteuid() == 0 else set()
    assert used - allowed_calls() - only_as_root == set()
