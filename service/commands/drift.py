"""Commands about drift: differences between the copy and the provider that wait for a person."""

from __future__ import annotations

from typing import Annotated

import typer

from service.commands import screen
from service.commands.opened import opened
from service.commands.options import MOST_ID
from service.store import history

group = typer.Typer(help="Differences that reconcile runs found.", no_args_is_help=True)
_COLUMNS = (
    "id",
    "account",
    "kind",
    "object_id",
    "class",
    "field",
    "local",
    "remote",
    "action",
    "amount",
    "currency",
    "found_at",
)


@group.command("list")
def list_(
    account: Annotated[str | None, typer.Option(help="One account.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Settled ones too.")] = False,
    as_json: screen.JsonOption = False,
) -> None:
    """Differences that wait for a person."""
    with opened() as system, system.database.read() as connection:
        found = history.drift(connection, account=account, only_open=not every)
    if as_json:
        screen.document(found)
    elif found:
        screen.table(f"{len(found)} differences", _COLUMNS, found)
    else:
        screen.say("no differences wait for a person")


@group.command()
def accept(
    drift_id: Annotated[
        int, typer.Argument(metavar="ID", min=1, max=MOST_ID, help="The number that `drift list` shows.")
    ],
    as_json: screen.JsonOption = False,
) -> None:
    """Take the provider's word for one difference, after a person has looked at it."""
    from reconcile.heal import accept as settle

    with opened() as system:
        settle(system, drift_id)
    if as_json:
        screen.document({"id": drift_id, "accepted": True})
    else:
        screen.say(f"difference {drift_id} is accepted: the copy now follows the provider")
