"""`tallyhook`: the command line. Exit codes: 0 well, 1 something needs a person, 2 could not run."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer
from sqlalchemy.exc import SQLAlchemyError

from service import logs
from service.commands import batches, calls, checks, drift, entitlements, events, running, usage
from service.errors import TallyhookError

app = typer.Typer(
    name="tallyhook",
    help="Receives billing webhooks, keeps a true copy of the billing state, and proves every night that it is true.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they would print local variables, secrets among them
)


@app.callback()
def configured() -> None:
    """Receives billing webhooks, keeps a true copy of the billing state, and proves every night that it is true."""
    logs.configure(os.environ.get("TALLYHOOK_LOG_LEVEL", "info"))


for part in (running, checks, events, entitlements, usage):
    part.add_to(app)
app.add_typer(events.group, name="events")
app.add_typer(drift.group, name="drift")
app.add_typer(calls.group, name="calls")
app.add_typer(batches.group, name="batches")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; what keeps it from running is one line on standard error and exit code 2."""
    try:
        app(args=list(argv) if argv is not None else None, prog_name="tallyhook")
    except TallyhookError as error:
        return _refused(str(error))
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
        return _refused(f"the database can't be used (DATABASE_URL): {reason.splitlines()[0]}")
    except BrokenPipeError:
        # The reader (`head`, `less`) has seen enough. Nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        return _refused(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    return 0


def _refused(reason: str) -> int:
    sys.stderr.write(f"tallyhook: {logs.redact(reason)}\n")
    return 2
