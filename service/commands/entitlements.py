"""`tallyhook entitlements`: what somebody may use now, and why."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from service.commands import screen
from service.commands.opened import opened
from service.entitled import Entitlements
from service.errors import ConfigError
from service.moments import clock
from service.store import listing
from service.system import System


def add_to(app: typer.Typer) -> None:
    """Register the command of this module."""
    app.command()(entitlements)


def entitlements(
    user: Annotated[str | None, typer.Option(help="The application's own user id.")] = None,
    customer: Annotated[str | None, typer.Option(help="A provider's customer id.")] = None,
    account: Annotated[str | None, typer.Option(help="The customer's account, where several know the id.")] = None,
    email: Annotated[str | None, typer.Option(help="An e-mail address, in either case.")] = None,
    as_json: screen.JsonOption = False,
) -> None:
    """What a user, customer or e-mail address may use now, why, and how fresh the evidence is."""
    if sum(each is not None for each in (user, customer, email)) != 1 or (account is not None and customer is None):
        raise ConfigError("name one of --user ID, --customer ID (with --account, if need be) and --email ADDRESS")
    with opened() as system:
        found = _answer(system, user, customer, account, email)
    if as_json:
        screen.document(found)
    else:
        _show(found)


def _answer(
    system: System, user: str | None, customer: str | None, account: str | None, email: str | None
) -> Entitlements:
    if user is not None:
        return system.entitlements.user(user)
    if email is not None:
        return system.entitlements.email(email)
    assert customer is not None
    return system.entitlements.customer(_account_of(system, customer, account), customer)


def _account_of(system: System, customer: str, account: str | None) -> str:
    if account is not None:
        return system.account(account).name
    with system.database.read() as connection:
        found = listing.accounts_of_customer(connection, list(system.accounts.by_name), customer)
    if len(found) == 1:
        return found[0]
    known = f"accounts {', '.join(found)} know" if found else "no account knows"
    raise ConfigError(f"{known} a customer {customer!r}; name it with --account")


def _show(found: Entitlements) -> None:
    screen.say(f"{found.plan_name or 'no plan is known'} ({found.state}): {found.explanation}", "bold")
    for name, limit in found.limits.items():
        screen.say(f"  {name}: {limit}")
    for name, given in found.features.items():
        screen.say(f"  {name}: {'yes' if given else 'no'}")
    if found.freshness.confirmed_at is not None:
        screen.say(f"confirmed {clock(found.freshness.confirmed_at)} by {found.freshness.confirmed_by}")
    if found.valid_until is not None:
        screen.say(f"may change by itself at {clock(found.valid_until)}")
    columns = ("account", "subscription_id", "status", "standing", "plan", "until")
    if found.considered:
        screen.table("subscriptions considered", columns, map(msgspec.structs.asdict, found.considered))
