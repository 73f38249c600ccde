"""Subscriptions at all three stand-ins, by their real events, and what they entitle to at each turn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from service.store.subscribed import Asked
from tests.entitlements.market import DAY, HOUR, PROVIDERS, Market, changes, market
from tests.store.samples import rows


@pytest.fixture
def opened(database_url: str) -> Iterator[Market]:
    """Three businesses whose first whole run is over."""
    with market(database_url) as found:
        found.reconcile()
        yield found


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_failed_renewal_keeps_the_plan_for_the_grace_and_a_payment_brings_it_back(
    opened: Market, provider: str
) -> None:
    till = opened.tills[provider]
    till.sandbox.settings.retry_days = (8, 9, 9)
    till.buy("ada")
    opened.deliver()
    assert opened.stands("ada") == ("pro", "subscribed", "active")
    till.fail(1)
    opened.later(31 * DAY + 2 * HOUR)
    opened.deliver()
    plan, state, standing = opened.stands("ada")
    assert (plan, state, standing) == ("pro", "subscribed", "past_due_grace")
    until = opened.user("ada").valid_until
    assert until is not None
    assert timedelta(days=3) < until - opened.now() < timedelta(days=5)
    opened.later(5 * DAY)
    assert opened.stands("ada") == ("free", "default", "grace_over")
    opened.worker.drain()
    opened.later(5 * DAY)
    opened.deliver()
    assert opened.stands("ada") == ("pro", "subscribed", "active")
    assert changes(opened) == [
        ("ada", None, "pro", "event"), ("ada", "pro", "free", "clock"), ("ada", "free", "pro", "event"),
    ]  # fmt: skip


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_cancelled_subscription_is_used_up_even_if_the_event_of_its_end_is_lost(
    opened: Market, provider: str
) -> None:
    till = opened.tills[provider]
    subscription = till.buy("ada")
    till.cancel(subscription)
    opened.deliver()
    assert opened.stands("ada") == ("pro", "subscribed", "cancels_at_period_end")
    until = opened.user("ada").valid_until
    opened.later(31 * DAY + HOUR)
    assert until is not None
    assert until < opened.now()
    assert opened.stands("ada") == ("free", "default", "period_over")
    opened.lose()
    opened.worker.drain()
    opened.reconcile()
    assert opened.stands("ada") == ("free", "default", "ended")
    assert changes(opened) == [("ada", None, "pro", "event"), ("ada", "pro", "free", "clock")]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_trial_counts_as_its_plan(opened: Market, provider: str) -> None:
    opened.tills[provider].buy("ada", trial=True)
    opened.deliver()
    assert opened.stands("ada") == ("pro", "subscribed", "trialing")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_a_run_finds_entitles_as_what_an_event_told(opened: Market, provider: str) -> None:
    """By customer: only events tell whose user a Lemon Squeezy subscription is."""
    opened.tills[provider].buy("ada")
    opened.lose()
    opened.reconcile()
    found = opened.system.entitlements.email("ada@example.COM")
    assert (found.plan, found.freshness.confirmed_by) == ("pro", "reconcile")
    assert found.why is not None
    assert found.why.cause is not None
    assert found.why.cause.type == "run"
    customer = found.why.customer_id
    assert customer is not None
    assert opened.system.entitlements.customer(provider, customer).plan == "pro"


@pytest.mark.parametrize(
    ("provider", "mode", "plan", "standing"),
    [
        ("stripe", (), "pro", "active"),  # the collection alone
        ("paddle", (), "free", "paused"),
        ("lemonsqueezy", ("void",), "free", "paused"),
        ("lemonsqueezy", ("free",), "pro", "collection_paused"),
    ],
)
def test_a_pause_ends_the_service_unless_only_the_collection_is_paused(
    opened: Market, provider: str, mode: tuple[str, ...], plan: str, standing: str
) -> None:
    till = opened.tills[provider]
    till.pause(till.buy("ada"), *mode)
    opened.deliver()
    found = opened.user("ada")
    assert (found.plan, found.considered[0].standing) == (plan, standing)


def test_the_best_of_three_providers_by_one_user_id(opened: Market) -> None:
    """Ended at one, paused at another, alive at the third; then nowhere."""
    stripe, paddle, lemon = (opened.tills[name] for name in PROVIDERS)
    paddle.pause(paddle.buy("ada"))
    lemon.cancel(lemon.buy("ada"))
    stripe.buy("ada")
    opened.deliver()
    found = opened.user("ada")
    assert (found.plan, found.why and found.why.account) == ("pro", "stripe")
    assert {each.account: each.standing for each in found.considered} == {
        "stripe": "active", "paddle": "paused", "lemonsqueezy": "cancels_at_period_end",
    }  # fmt: skip
    for name in PROVIDERS:
        customer = next(each.customer_id for each in found.considered if each.account == name)
        assert customer is not None
        assert opened.system.entitlements.customer(name, customer) == opened.user("ada")
    assert opened.user("someone else").plan == "free"


def test_before_every_account_is_synced_nothing_is_free_but_what_is_paid_is_known(database_url: str) -> None:
    with market(database_url) as early:
        early.tills["paddle"].buy("ada")
        early.deliver()
        assert (early.user("ada").plan, early.user("bob").state) == ("pro", "not_synced")
        for name in ("stripe", "paddle"):
            early.reconcile(account=name)
            assert early.user("bob").state == "not_synced"
        early.reconcile(account="lemonsqueezy", kind="subscriptions")
        assert early.user("bob").state == "not_synced"
        early.reconcile(account="lemonsqueezy")
        assert (early.user("bob").state, early.user("bob").plan) == ("default", "free")


def test_a_dry_or_limited_first_run_proves_nothing(database_url: str) -> None:
    with market(database_url) as early:
        early.reconcile(dry_run=True)
        early.reconcile(since=timedelta(days=2))
        assert {each.account: each.synced for each in early.user("bob").accounts}["stripe"] is False
        assert early.user("bob").state == "not_synced"


def test_what_ended_before_the_first_run_is_written_down_after_it(database_url: str) -> None:
    """Nothing is known until then, so nothing is written; an hour later it is looked at again by itself."""
    with market(database_url) as early:
        till = early.tills["paddle"]
        till.pause(till.buy("ada"))
        early.deliver()
        assert (early.user("ada").state, changes(early)) == ("not_synced", [])
        early.reconcile()
        early.later(HOUR)
        early.worker.drain()
        assert changes(early) == [("ada", None, "free", "clock")]


def test_one_asker_is_told_what_many_are_told(opened: Market) -> None:
    """PostgreSQL answers one by statements of their own: of users, customers and addresses, known and unknown."""
    bought = [opened.tills[provider].buy("ada") for provider in PROVIDERS]
    opened.tills["stripe"].buy("grace", trial=True)
    opened.deliver()
    opened.tills["stripe"].cancel(bought[0])
    opened.deliver()
    opened.reconcile()
    customers = rows(opened.system.database, "SELECT account, id, email FROM customer ORDER BY account, id")
    asked = [Asked(user_id=user) for user in ("ada", "grace", "nobody")]
    asked += [Asked(account=row[0], customer_id=row[1]) for row in customers]
    asked += [Asked(email=str(row[2]).upper()) for row in customers]
    asked += [Asked(account="stripe", customer_id="cus_0"), Asked(email="nobody@example.com")]
    entitled, now = opened.system.entitlements, opened.now()
    with opened.system.database.read() as connection:
        together = entitled.several(connection, asked, now)
    alone = [
        entitled.user(each.user_id) if each.user_id is not None
        else entitled.email(each.email) if each.email is not None
        else entitled.customer(each.account or "", each.customer_id or "")
        for each in asked
    ]  # fmt: skip
    assert alone == together
    assert len({each.plan for each in together}) == 2
