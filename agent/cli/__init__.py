"""The command line, one module per audience.

`init`, `operate`, `probe` and `demo` for the school, `review` for reviewers, `apply` for who hands results on, `author`
for packs, `serve` for the bureau.

Exit codes: 0 done; 1 the answer is no (a bundle that does not hold, a pack that fails, a device that did not
answer); 2 it could not be done, and the last line on standard error says why and what to do. Commands import what
they need when they are called, so that a reviewer's small install runs them without the parts that poll.
"""

from __future__ import annotations

import io
import os
import sys
from typing import NoReturn

import typer

from agent import __version__
from agent.cli import apply, author, demo, discover, init, journal, operate, probe, review, serve, standards
from agent.cli.localise import localise
from agent.errors import AgentError, UsageError
from agent.language import preferred, translator

__all__ = ["app", "main"]

app = typer.Typer(
    name="campus-agent",
    help="Measure a campus, sign the evidence, judge it by smart-campus standards.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (init, operate, probe, discover, review, apply, standards, author, serve, journal, demo):
    module.register(app)


@app.callback(invoke_without_command=True)
def version(show: bool = typer.Option(False, "--version", help="Show the version and exit.", is_eager=True)) -> None:
    """Measure a campus, sign the evidence, judge it against smart-campus standards."""
    if show:
        typer.echo(f"campus-agent {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; our errors become one line on standard error and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show Chinese gets escapes, not a traceback
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            command = typer.main.get_command(app)
            localise(command, translator(preferred(os.environ)))
            command(prog_name="campus-agent")
        finally:
            sys.stdout.flush()  # here an error can still be told; at the interpreter's end it cannot
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # typer and rich make 1 of it: "the answer is no"
            _reader_gone()
        raise
    except BrokenPipeError:
        _reader_gone()
    except KeyboardInterrupt:
        sys.exit(130)
    except (AgentError, ModuleNotFoundError, OSError) as error:
        _give_up(error)


def _give_up(error: AgentError | ModuleNotFoundError | OSError) -> NoReturn:
    """Say in one line why it could not be done; a module of ours that is missing is a defect and stays an exception."""
    told: AgentError
    if isinstance(error, AgentError):
        told = error
    elif isinstance(error, OSError):
        told = UsageError("{why}", where=str(error.filename or ""), why=error.strerror or type(error).__name__)
        # What could not be written would be tried once more at the interpreter's end, and change the exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    else:
        name = error.name or ""
        if name.startswith("agent"):
            raise error
        told = UsageError(
            "this command needs {name}",
            todo="Install it with: pip install 'campus-agent[{extra}]'",
            name=name,
            extra="backend" if name in {"starlette", "uvicorn", "sqlalchemy"} else "agent",
        )
    print(f"campus-agent: {told.render(translator(preferred(os.environ)))}", file=sys.stderr)
    sys.exit(2)


def _reader_gone() -> NoReturn:
    """End as a program does whose reader went away (`| head`): quietly, as if by SIGPIPE."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(141)
