"""Commands about writes to providers: what was asked, what became of it, and what a person has to decide."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from service.commands import screen
from service.commands.opened import opened
from service.commands.options import Newest, require_known
from service.errors import ConfigError
from service.settling import decide, settle_now
from service.store import calls
from service.store.call_tables import STATUSES

group = typer.Typer(help="Writes to providers, recorded before they were sent.", no_args_is_help=True)
_COLUMNS = ("id", "account", "operation", "status", "object_id", "began_at", "attempts", "error")


@group.command("list")
def list_(
    account: Annotated[str | None, typer.Option(help="One account.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only calls of this status; may be given again.")] = None,
    limit: Newest = 100,
    as_json: screen.JsonOption = False,
) -> None:
    """Writes, the newest first."""
    require_known("--status", status or (), STATUSES)
    with opened() as system, system.database.read() as connection:
        found = calls.listed(connection, account=account, statuses=tuple(status or ()), limit=limit)
    rows = [msgspec.structs.asdict(each) for each in found]
    if as_json:
        screen.document(rows)
    elif rows:
        screen.table(f"{len(rows)} calls", _COLUMNS, rows)
    else:
        screen.say("no such calls")


@group.command()
def settle(
    call_id: Annotated[str, typer.Argument(metavar="ID", help="The id that `calls list` shows.")],
    done: Annotated[str | None, typer.Option(metavar="OBJECT_ID", help="It was done; this is the object.")] = None,
    not_done: Annotated[bool, typer.Option("--not-done", help="It was not done; its key may be tried again.")] = False,
    as_json: screen.JsonOption = False,
) -> None:
    """Look into a call's outcome now; or say it, for one that needs review, after looking at the provider."""
    if done is not None and not_done:
        raise ConfigError("calls settle: --done and --not-done exclude each other")
    with opened() as system:
        if done is not None or not_done:
            found = decide(system.database, call_id, done)
        else:
            found = settle_now(system.database, system.accounts.by_name.get, call_id)
    if as_json:
        screen.document(msgspec.structs.asdict(found))
    else:
        screen.say(f"call {found.id}: {found.status}{f' ({found.error})' if found.error else ''}")
