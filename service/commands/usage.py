"""`tallyhook usage`: the bill to come, line by line."""

from __future__ import annotations

from typing import Annotated

import typer

from service import iso4217
from service.commands import screen
from service.commands.opened import opened
from service.errors import ConfigError
from service.meters import Bill
from service.moments import clock
from service.usage_bill import CustomerUsage, MeterUsage


def add_to(app: typer.Typer) -> None:
    """Register the command of this module."""
    app.command()(usage)


def usage(
    customer: Annotated[str | None, typer.Option(help="A provider's customer id.")] = None,
    user: Annotated[str | None, typer.Option(help="The application's own user id.")] = None,
    period: Annotated[
        str | None, typer.Option(help="Periods that begin in this month (2026-11); else those that run.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="The customer's account, where several know the id.")] = None,
    as_json: screen.JsonOption = False,
) -> None:
    """What a customer used, what it costs, and how much of it the provider has."""
    if (customer is None) == (user is None):
        raise ConfigError("name one of --customer ID and --user ID")
    with opened() as system:
        if account is not None:
            system.account(account)
        found = system.bills.of(customer_id=customer, user_id=user, account=account, month=period)
    if as_json:
        screen.document(found)
    else:
        _show(found)


def _show(found: CustomerUsage) -> None:
    screen.say(f"customer {found.customer_id} at {found.account}", "bold")
    if not found.meters:
        screen.say("no usage in this period")
    for each in found.meters:
        _show_meter(each)
    for currency, amount in found.totals.items():
        screen.say(f"total  {iso4217.shown(amount, currency)}", "bold")


def _show_meter(each: MeterUsage) -> None:
    end = "its renewal" if each.period_end is None else clock(each.period_end)
    states = ", ".join(f"{_units(each, number)} {name}" for name, number in each.states.items()) or "nothing"
    screen.say(
        f"{each.name}, {clock(each.period_start)} to {end}: {_units(each, each.quantity)} {each.unit} ({states})"
    )
    if each.late:
        screen.say(f"  {each.late} reports of an earlier period came when that was over")
    for found in each.bills:
        for text in _lines(each, found):
            screen.say(f"  {text}")
    if each.note is not None:
        screen.say(f"  {each.note}")


def _lines(each: MeterUsage, found: Bill) -> list[str]:
    shown = []
    for line in found.lines:
        rate = "free" if line.price is None else f"at {line.price:f} {found.currency} per {line.per:f} {each.unit}"
        span = f"{_units(each, line.start)} to {_units(each, line.start + line.quantity)}"
        shown.append(f"{span}: {_units(each, line.quantity)} {rate} = {line.amount:f} {found.currency}")
    return [
        *shown,
        f"{found.exact:f} {found.currency}, rounded once ({found.rounding}): {iso4217.shown(found.amount, found.currency)}",
    ]


def _units(each: MeterUsage, quantity: int) -> str:
    whole, rest = divmod(quantity, 10**each.scale)
    return f"{whole:,}" + (f".{rest:0{each.scale}}" if each.scale else "")
