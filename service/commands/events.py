"""Commands about events: what came, what failed, and putting it right."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated, Any

import typer

from service import replay as replaying
from service.commands import screen
from service.commands.opened import opened
from service.commands.options import Newest, require_known
from service.errors import ConfigError
from service.moments import since as parse_since
from service.store import history
from service.store.engine import Database
from service.store.history import Filter, Record
from service.store.tables import STATUSES

group = typer.Typer(help="The inbox: every event that was received.", no_args_is_help=True)
_COLUMNS = ("id", "event_id", "account", "type", "status", "verdict", "reason", "object_id", "received_at")
_FAILED = (
    "id",
    "event_id",
    "account",
    "type",
    "status",
    "attempts",
    "reason",
    "error",
    "received_at",
    "next_attempt_at",
)

Status = Annotated[str | None, typer.Option(help=f"One of {', '.join(STATUSES)}.")]
Type = Annotated[str | None, typer.Option("--type", help="An event type; may end in *.")]
Since = Annotated[str | None, typer.Option(help="2h, 3d, midnight, or 2026-11-23T04:00.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module that stand by themselves."""
    app.command()(failures)
    app.command()(replay)


@group.command("list")
def list_(
    status: Status = None,
    type_: Type = None,
    account: Annotated[str | None, typer.Option(help="One account.")] = None,
    since: Since = None,
    limit: Newest = 50,
    as_json: screen.JsonOption = False,
) -> None:
    """The newest events."""
    _check_status(status)
    with opened() as system, system.database.read() as connection:
        begin = _begin(system.database, since)
        chosen = Filter(status=status, type=type_, account=account, since=begin)
        found = history.events(connection, chosen, limit)
    _show(found, "events", _COLUMNS, as_json)


@group.command()
def show(
    asked: Annotated[str, typer.Argument(metavar="ID", help="Our id or the provider's.")],
    payload: Annotated[bool, typer.Option("--payload", help="The body too, as it was received.")] = False,
    as_json: screen.JsonOption = False,
) -> None:
    """One event, and what it changed."""
    with opened() as system, system.database.read() as connection:
        found = _named(history.events(connection, Filter(ids=(asked,)), 20), asked)
        for event in found:
            event["changes"] = history.caused_by(connection, f"event:{event['id']}")
            if payload:
                event["payload"] = history.payload(connection, event["id"]).decode("utf-8", "replace")
    if as_json:
        screen.document(found[0] if len(found) == 1 else found)
        return
    for event in found:
        _show_one(event)


@group.command()
def dismiss(
    asked: Annotated[str, typer.Argument(metavar="ID", help="Our id or the provider's.")],
    as_json: screen.JsonOption = False,
) -> None:
    """Put a dead event aside for good."""
    with opened() as system:
        with system.database.read() as connection:
            found = _named(history.events(connection, Filter(ids=(asked,)), 20), asked)
        if len(found) > 1:
            raise ConfigError(
                f"{asked} names {len(found)} events; use our id: {', '.join(str(e['id']) for e in found)}"
            )
        if not replaying.dismiss(system.database, found[0]["id"]):
            raise ConfigError(f"event {asked} is {found[0]['status']}; only a dead event can be dismissed")
    if as_json:
        screen.document(
            {"id": found[0]["id"], "event_id": found[0]["event_id"], "status": "ignored", "reason": "dismissed"}
        )
    else:
        screen.say(f"event {found[0]['event_id']} is dismissed")


def failures(since: Since = None, limit: Newest = 200, as_json: screen.JsonOption = False) -> None:
    """Dead events (received since then), and all whose last attempt failed."""
    with opened() as system, system.database.read() as connection:
        found = history.failures(connection, _begin(system.database, since), limit)
    _show(found, "failures", _FAILED, as_json)


def replay(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Our ids or the provider's.")] = None,
    status: Status = None,
    type_: Type = None,
    account: Annotated[str | None, typer.Option(help="One account.")] = None,
    since: Since = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would be replayed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    as_json: screen.JsonOption = False,
) -> None:
    """Apply stored events again: chosen by id, or by status (dead unless told), type and time."""
    _check_status(status)
    if not ids and status is None and type_ is None and since is None:
        raise ConfigError("say what to replay: ids, or --status, --type, --since")
    with opened() as system:
        begin = _begin(system.database, since)
        wanted = status if ids or status else "dead"
        chosen = Filter(ids=tuple(ids or ()), status=wanted, type=type_, account=account, since=begin)
        planned = replaying.plan(system.database, system.accounts, chosen)
        if ids and not planned.ids and not planned.left:
            raise ConfigError(f"no event {', '.join(ids)} can be replayed: unknown, or a worker holds it")
        _show_plan(planned, as_json=as_json and plan, quiet=as_json)
        agreed = not plan and planned.ids and (yes or _agreed(len(planned.ids)))
        done = replaying.carry_out(system.database, planned) if agreed else 0
    if as_json and not plan:
        screen.document({"plan": planned.rows(), "left": planned.left, "replayed": done})
    elif not as_json and not plan:
        screen.say(f"{done} events put back; the worker applies them now" if done else "nothing was changed")


def _agreed(number: int) -> bool:
    if not sys.stdin.isatty():
        raise ConfigError("nobody is there to ask; add --yes to replay, or --plan to look first")
    return typer.confirm(f"replay {number} events?", err=True)


def _show_plan(planned: replaying.Plan, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        screen.document({"plan": planned.rows(), "left": planned.left, "replayed": 0})
    elif not quiet:
        screen.table(f"{len(planned.ids)} events to replay", ("type", "status", "events"), planned.rows())
        if planned.left:
            screen.say(f"{planned.left} ignored events are left: not handled by this version, or dismissed")


def _show(found: list[Record], title: str, columns: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        screen.document(found)
    elif found:
        screen.table(f"{len(found)} {title}", columns, found)
    else:
        screen.say(f"no {title}")


def _show_one(event: dict[str, Any]) -> None:
    changes, body = event.pop("changes"), event.pop("payload", None)
    screen.table(f"event {event['event_id']}", ("name", "value"), ({"name": k, "value": v} for k, v in event.items()))
    if changes:
        screen.table("what it changed", ("kind", "object_id", "field", "old", "new", "at"), changes)
    if body is not None:
        screen.say(body)


def _named(found: list[Record], asked: str) -> list[Record]:
    if not found:
        raise ConfigError(f"there is no event {asked}: it never came, or to another database")
    return found


def _begin(database: Database, text: str | None) -> datetime | None:
    try:
        return parse_since(text, database.now()) if text else None
    except ValueError as error:
        raise ConfigError(f"--since {error}") from None


def _check_status(status: str | None) -> None:
    require_known("--status", [status] if status is not None else [], STATUSES)
