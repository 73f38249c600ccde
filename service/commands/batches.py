"""Commands about batches of usage that are not told yet, or that a person has to decide."""

from __future__ import annotations

from typing import Annotated

import msgspec
import structlog
import typer

from service.commands import screen
from service.commands.opened import opened
from service.commands.options import MOST_ID, Oldest, require_known
from service.errors import ConfigError
from service.store import usage_decisions
from service.store.usage_decisions import Decision
from service.store.usage_tables import STATUSES

group = typer.Typer(help="Usage on its way to the providers.", no_args_is_help=True)
_COLUMNS = ("id", "account", "customer_id", "meter", "period_start", "status", "quantity", "told", "reason", "error")
log = structlog.get_logger()


@group.command("list")
def list_(
    account: Annotated[str | None, typer.Option(help="One account.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only batches of this status; may be given again.")] = None,
    limit: Oldest = 100,
    as_json: screen.JsonOption = False,
) -> None:
    """Batches that wait for a person, or are on their way."""
    require_known("--status", status or (), STATUSES)
    with opened() as system, system.database.read() as connection:
        found = usage_decisions.waiting(connection, account=account, statuses=tuple(status or ()), limit=limit)
    rows = [msgspec.structs.asdict(each) for each in found]
    if as_json:
        screen.document(rows)
    elif rows:
        screen.table(f"{len(rows)} batches", _COLUMNS, rows)
    else:
        screen.say("no such batches")


@group.command()
def settle(
    batch_id: Annotated[
        int, typer.Argument(metavar="ID", min=1, max=MOST_ID, help="The number that `batches list` shows.")
    ],
    told: Annotated[bool, typer.Option("--told", help="The provider has it.")] = False,
    again: Annotated[bool, typer.Option("--again", help="The provider has it not: tell it anew.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Give it up: it will not be billed.")] = False,
    as_json: screen.JsonOption = False,
) -> None:
    """Decide a batch that was refused or needs review, after looking at the provider."""
    choices: dict[Decision, bool] = {"told": told, "again": again, "drop": drop}
    chosen = [name for name, given in choices.items() if given]
    if len(chosen) != 1:
        raise ConfigError("batches settle: say one of --told, --again and --drop")
    with opened() as system, system.database.write() as connection:
        found = usage_decisions.decide(connection, batch_id, chosen[0], system.database.now())
    log.info("usage.decided", batch_id=found.id, account=found.account, decision=chosen[0])
    if as_json:
        screen.document(msgspec.structs.asdict(found))
    else:
        screen.say(f"batch {found.id}: {found.status}")
