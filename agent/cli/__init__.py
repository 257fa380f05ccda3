"""The command line, one module per audience.

`operate`, `probe` and `demo` for the school, `review` for reviewers, `author` for packs, `serve` for the bureau.

Exit codes: 0 done; 1 the answer is no (a bundle that does not hold, a pack that fails, a device that did not
answer); 2 it could not be done, and the last line on standard error says why and what to do. Commands import what
they need when they are called, so that a reviewer's small install runs them without the parts that poll.
"""

from __future__ import annotations

import os
import sys

import typer

from agent import __version__
from agent.cli import author, demo, operate, probe, review, serve
from agent.errors import AgentError
from agent.language import preferred, translator

__all__ = ["app", "main"]

app = typer.Typer(
    name="campus-agent",
    help="Measure a campus, sign the evidence, judge it by smart-campus standards. 测量校园、签署证据、对照标准评判。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (operate, probe, review, author, serve, demo):
    module.register(app)


@app.callback(invoke_without_command=True)
def version(show: bool = typer.Option(False, "--version", help="Show the version and exit.", is_eager=True)) -> None:
    """Measure a campus, sign the evidence, judge it against smart-campus standards."""
    if show:
        typer.echo(f"campus-agent {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; our errors become one line on standard error and exit code 2."""
    try:
        app()
    except AgentError as error:
        text = error.render(translator(preferred(os.environ)))
        print(f"campus-agent: {text}", file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as error:
        extra = {"starlette": "backend", "uvicorn": "backend", "sqlalchemy": "backend"}.get(error.name or "", "agent")
        if (error.name or "").startswith("agent"):
            raise
        print(
            f"campus-agent: this command needs {error.name}. Install it with: pip install 'campus-agent[{extra}]'",
            file=sys.stderr,
        )
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)
