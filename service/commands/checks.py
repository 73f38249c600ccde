"""Commands that look and judge: status, doctor, verify, explain."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from service import doctor as examining
from service.commands import explained, screen
from service.commands.opened import opened
from service.errors import ConfigError, Rejected
from service.explain import explain as explaining
from service.moments import age, clock
from service.provider import Envelope
from service.status import Status, gather, outage
from service.system import start

_MARKS = {True: ("ok  ", "green"), False: ("FAIL", "bold red"), None: ("-   ", "dim")}


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    for command in (status, doctor, verify, explain):
        app.command()(command)


def status(as_json: screen.JsonOption = False) -> None:
    """Does anything need a person? Exit code 1 where it does."""
    with opened() as system:
        found = gather(system.database, system.accounts)
    if as_json:
        screen.document(found)
    else:
        _show_status(found)
    raise typer.Exit(1 if found.attention else 0)


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Create or amend the webhook endpoint at the provider.")] = False,
    url: Annotated[str | None, typer.Option(help="The public address of this service, for --fix.")] = None,
    as_json: screen.JsonOption = False,
) -> None:
    """Check the set-up from end to end, at the provider too. Exit code 1 where a check fails."""
    system = start()
    try:
        checks = examining.examine(system, fix=fix, url=url)
    finally:
        system.close()
    if as_json:
        screen.document(checks)
    else:
        for check in checks:
            mark, style = ("warn", "yellow") if check.warning else _MARKS[check.ok]
            screen.say(f"{mark}  {check.name}: {check.detail}", style)
    raise typer.Exit(1 if any(check.ok is False for check in checks) else 0)


def verify(
    account: Annotated[str, typer.Option(help="The account that the delivery was sent to.")],
    header: Annotated[list[str], typer.Option(help='One header, "Name: value"; may be given again.')],
    body: Annotated[str, typer.Option(metavar="FILE", help="The body exactly as it was sent; - reads standard input.")],
    as_json: screen.JsonOption = False,
) -> None:
    """Would this delivery be accepted now? Exit code 1 and the named cause where not."""
    raw = sys.stdin.buffer.read() if body == "-" else Path(body).read_bytes()
    system = start()
    try:
        chosen = system.account(account)
        chosen.verify(_headers(header), raw, time.time())
        _accepted(chosen.provider.envelope(raw), as_json)
    except Rejected as error:
        _show_rejection(error, as_json)
        raise typer.Exit(1) from None
    finally:
        system.close()


def explain(
    asked: Annotated[
        str,
        typer.Argument(metavar="ID", help="Event, customer, subscription, invoice, payment id, e-mail, or user id."),
    ],
    user: Annotated[bool, typer.Option("--user", help="ID is the application's own user id, nothing else.")] = False,
    every: Annotated[bool, typer.Option("--all", help="A person's timeline with every event and step.")] = False,
    as_json: screen.JsonOption = False,
) -> None:
    """Why something is in the state it is in; of a person, one timeline over all accounts."""
    with opened() as system:
        found = explaining(system.database, asked, user=user)
    if not found.events and not found.subjects:
        raise ConfigError(f"nothing is known about {asked}: no event and no row carries it")
    if as_json:
        screen.document(found)
    else:
        explained.show(found, every=every)


def _headers(given: list[str]) -> dict[bytes, bytes]:
    found = {}
    for each in given:
        name, colon, value = each.partition(":")
        if not colon:
            raise ConfigError('--header: write it as "Name: value"')
        found[name.strip().lower().encode()] = value.strip().encode()
    return found


def _accepted(envelope: Envelope, as_json: bool) -> None:
    if as_json:
        told = {"accepted": True, "event_id": envelope.event_id, "type": envelope.type, "ignored": envelope.ignored}
        screen.document(told)
    else:
        fate = f"; it would be ignored: {envelope.ignored}" if envelope.ignored else ""
        screen.say(f"accepted: {envelope.type} {envelope.event_id}{fate}", "green")


def _show_rejection(error: Rejected, as_json: bool) -> None:
    if as_json:
        screen.document({"accepted": False, "cause": error.cause, "detail": error.detail})
    else:
        screen.say(f"rejected: {error.cause}: {error.detail}", "red")


def _show_status(found: Status) -> None:
    screen.say(f"at {clock(found.at)}")
    columns = ("name", "provider", "mode", "api_key", "paused", "last_complete_run")
    screen.table("accounts", columns, (msgspec.structs.asdict(account) for account in found.accounts))
    inbox = ", ".join(f"{number} {name}" for name, number in sorted(found.inbox.items())) or "empty"
    waits = f"; the oldest waits since {clock(found.oldest_waiting)}" if found.oldest_waiting else ""
    screen.say(f"inbox: {inbox}{waits}")
    screen.say(f"drift that needs review: {found.open_drift}")
    waiting = ", ".join(f"{number} {name}" for name, number in found.calls.items() if number)
    screen.say(f"writes to providers without an outcome: {waiting or 'none'}")
    for each in found.outages:
        screen.say(f"account {each.account}: {outage(each)}")
    for beat in found.heartbeats:
        screen.say(f"{beat['role']} {beat['process']}: last heard of {age(found.at - beat['beat_at'])} ago")
    if not found.heartbeats:
        screen.say("no process is running on this database")
    for line in found.attention:
        screen.say(f"needs a person: {line}", "bold red")
    if not found.attention:
        screen.say("nothing needs a person", "green")
