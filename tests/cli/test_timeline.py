"""One customer, several providers: `explain` by e-mail or by the application's user id tells one story in the order of time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from typing import Any

import pytest
import structlog
from sqlalchemy import func, select

from service.explain import explain
from service.model import Customer, Dispute, Payment, Subscription, SubscriptionItem
from service.sandbox.shop import Person
from service.store.engine import Database
from service.store.tables import EVENTS
from service.timeline import Entry, balance
from tests.cli.conftest import NOW, Run, store, write_state
from tests.market import DAY, MONTH, Market, market

SOPHIE, BYSTANDER = Person("Sophie", "4711"), Person("Ada", "17")
ORDER = ["lemonsqueezy", "paddle", "stripe"]
CHARGED = [("lemonsqueezy", 1_900, "USD"), ("paddle", 3_080, "JPY"), ("stripe", 1_900, "EUR")]


@pytest.fixture
def moved(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    """Sophie went from the first provider to the last, a bystander stayed at each; no delivery has come yet."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    with structlog.testing.capture_logs(), market(database_url) as opened:
        for index, shop in enumerate(opened.shops.values()):
            shop.subscribe(Person(f"{BYSTANDER.name}{index}", f"{BYSTANDER.user_id}{index}"))
        opened.move(SOPHIE, every=MONTH + DAY)
        yield opened


def _lives(entries: list[Entry]) -> list[tuple[str, str]]:
    """(account, word) of each turn that a subscription took."""
    turns = [each for each in entries if each.kind == "subscription" and not each.minor]
    told = [(each.account, " ".join(each.told.split()[2:])) for each in turns]
    return [(account, "will end" if words.startswith("will end") else words) for account, words in told]


@pytest.fixture
def told(moved: Market) -> Market:
    """All deliveries came, those of the last provider first."""
    moved.deliver(ORDER[::-1])
    return moved


def test_a_customer_who_moved_twice_reads_as_one_timeline(told: Market) -> None:
    """By address in any case or by user id, in the order in which it happened, every payment once, and nobody else's."""
    found = explain(told.system.database, SOPHIE.email)
    assert [each.at for each in found.timeline] == sorted(each.at for each in found.timeline)
    assert _lives(found.timeline) == [
        ("lemonsqueezy", "is active"),
        ("lemonsqueezy", "will end"),
        ("paddle", "is active"),
        ("lemonsqueezy", "was active, is ended"),
        ("paddle", "will end"),
        ("stripe", "is active"),
        ("paddle", "was active, is ended"),
    ]
    # Paddle charges tax on top; Lemon Squeezy's order is only a receipt for the first invoice.
    money = [(each.account, each.amount, each.currency) for each in found.timeline if each.what == "money"]
    assert money == [each for each in CHARGED for _ in range(2)]
    for other in (SOPHIE.email.upper(), SOPHIE.user_id):
        assert explain(told.system.database, other).timeline == found.timeline


def test_nobody_else_stands_in_it(told: Market) -> None:
    """A user id may be the id of something else too: at Lemon Squeezy ids count from 1."""
    list(told.shops.values())[2].subscribe(Person("Grace", "1"))
    told.deliver()
    found = explain(told.system.database, SOPHIE.email)
    assert found.person is not None
    assert (found.person.emails, found.person.user_ids) == ([SOPHIE.email], [SOPHIE.user_id])
    assert [each.partition(":")[0] for each in found.person.customers] == ORDER
    own = {(each.account, each.kind, each.id) for each in found.subjects}
    assert {(each.account, each.kind, each.object_id) for each in found.timeline if each.kind} <= own
    assert not {each.row.get("email") for each in found.subjects} - {SOPHIE.email, None}
    mixed, grace = (explain(told.system.database, "1", user=user) for user in (False, True))
    assert {each.account for each in mixed.subjects} == {"lemonsqueezy", "stripe"}
    assert {each.account for each in grace.subjects} == {"stripe"}
    assert mixed.timeline == grace.timeline != []


def test_a_name_that_only_some_providers_know_leads_to_the_others(moved: Market) -> None:
    """Without any delivery Lemon Squeezy's custom data stay unknown: there the address alone tells who it is."""
    moved.deliver(ORDER[1:])
    moved.reconcile()
    entries = explain(moved.system.database, SOPHIE.user_id).timeline
    assert ("lemonsqueezy", "is ended") in _lives(entries)
    assert {currency: sums["paid"] for currency, sums in balance(entries).items()} == _twice()
    healed = [each for each in entries if each.account == "lemonsqueezy" and each.what == "change"]
    assert {each.because for each in healed} == {"reconcile run 1"}


def _twice() -> dict[str, int]:
    return {currency: 2 * amount for _, amount, currency in CHARGED}


def test_what_went_back_and_what_was_not_applied_stand_in_it(moved: Market) -> None:
    for shop in moved.shops.values():
        shop.refund(SOPHIE, 500)
    moved.deliver()
    with moved.system.database.write() as connection:
        last = connection.execute(select(func.max(EVENTS.c.id)).where(EVENTS.c.kind == "subscription")).scalar_one()
        connection.execute(EVENTS.update().where(EVENTS.c.id == last).values(status="dead", verdict=None, error="boom"))
    entries = explain(moved.system.database, SOPHIE.email).timeline
    back = [(each.account, each.amount) for each in entries if each.kind == "refund" and each.what == "money"]
    assert sorted(back) == [(account, 500) for account in ORDER]
    assert {currency: sums["refunded"] for currency, sums in balance(entries).items()} == dict.fromkeys(_twice(), 500)
    waiting = [each.told for each in entries if each.what == "event" and not each.minor]
    assert [each.partition(": ")[2] for each in waiting] == ["dead (boom)"]


def test_money_stands_where_it_moved_and_is_told_once(run: Run, database: Database) -> None:
    """However late we were told. A dispute names only its payment; that a payment succeeded, its money says."""
    event = store(database, "evt_1", "charge.dispute.created", subject=("dispute", "dp_1"))
    paid_at, contested_at = NOW - timedelta(days=9), NOW - timedelta(days=2)
    money: dict[str, Any] = {"currency": "USD", "amount": 1_900}
    paid = Payment(customer_id="cus_1", status="succeeded", amount_paid=1_900, paid_at=paid_at, **money)
    contested = Dispute(payment_id="pi_1", status="needs_response", created_at=contested_at, **money)
    write_state(database, event, "customer", "cus_1", Customer(email="ada@example.com"))
    write_state(database, event, "payment", "pi_1", paid)
    write_state(database, event, "dispute", "dp_1", contested)
    found = explain(database, "ada@example.com").timeline
    moved = [(each.at, each.told) for each in found if each.what == "money"]
    assert moved == [
        (paid_at, "19.00 USD paid, payment pi_1"),
        (contested_at, "19.00 USD disputed, dispute dp_1"),
    ]
    shown, every = (run("explain", "ada@example.com", *more).out for more in ((), ("--all",)))
    assert "\npaid 19.00 USD, disputed 19.00 USD\n" in shown
    assert [name in shown for name in ("payment pi_1 is succeeded", "dispute dp_1 is needs_response")] == [False, True]
    assert "payment pi_1 is succeeded" in every


def test_a_change_of_seats_or_of_price_stands_in_it(database: Database) -> None:
    """An item at a time, as the history names it; what else of it changes is a detail."""
    event = store(database, "evt_1", "customer.subscription.updated", subject=("subscription", "sub_1"))
    write_state(database, event, "customer", "cus_1", Customer(email="ada@example.com"))
    seats = ((1, "price_a", None), (3, "price_a", None), (3, "price_a", 900), (3, "price_b", 900))
    for second, (quantity, price, amount) in enumerate(seats):
        item = SubscriptionItem(id="si_1", price_id=price, quantity=quantity, unit_amount=amount)
        held = Subscription(customer_id="cus_1", status="active", items=(item,))
        event = store(database, f"evt_{second + 2}", "customer.subscription.updated", subject=("subscription", "sub_1"))
        write_state(database, event, "subscription", "sub_1", held, second=second)
    found = explain(database, "ada@example.com").timeline
    told = [each.told for each in found if each.what == "change" and each.kind == "subscription" and not each.minor]
    assert told == [
        "subscription sub_1 is active",
        "subscription sub_1 had 1 x price_a, has 3 x price_a",
        "subscription sub_1 had 3 x price_a, has 3 x price_b",
    ]


def test_the_command_shows_it_and_json_carries_all_of_it(told: Market, run: Run) -> None:
    assert told
    shown = run("explain", SOPHIE.email)
    assert (shown.code, f"{SOPHIE.email}, user {SOPHIE.user_id}" in shown.out) == (0, True)
    order = [line.split()[3] for line in shown.out.splitlines() if re.match(r" +\d{4}-", line)]
    assert [key for key, _ in groupby(order)] == [*ORDER[:2], "lemonsqueezy", "paddle", "stripe", "paddle", "stripe"]
    assert "paid 6160 JPY" in shown.out
    assert len(run("explain", SOPHIE.email, "--all").out.splitlines()) > 2 * len(shown.out.splitlines())
    document: dict[str, Any] = run("explain", "--user", SOPHIE.user_id, "--json").json()
    assert document["person"]["emails"] == [SOPHIE.email]
    assert {each["what"] for each in document["timeline"]} == {"event", "change", "money"}
    assert run("explain", "--user", "nobody").code == 2
