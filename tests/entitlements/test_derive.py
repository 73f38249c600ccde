"""Which plan follows from which subscriptions: a pure function, and what holds of it for any of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import catalogue, plans
from service.entitled import Cause, Entitlements, Held, Sync, derive
from service.plans import Plans

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
TEXT = """
[plans.free]
name = "Free"
price = { USD = 0 }
limits = { devices = 1 }
prices.a = "price_free"
[plans.pro]
name = "Pro"
price = { USD = 19 }
limits = { devices = 5 }
features = { cluster = true }
prices.a = ["price_pro", "price_pro_old"]
prices.b = "price_pro"
[plans.team]
name = "Team"
price = { USD = 99 }
limits = { devices = "unlimited" }
features = { cluster = true }
prices.b = "price_team"
[entitlements]
past_due_grace_days = 7
"""
SYNCED = (
    Sync(account="a", synced=True, confirmed_at=NOW - DAY),
    Sync(account="b", synced=True, confirmed_at=NOW - 2 * DAY),
)
ONE_MISSING = (SYNCED[0], Sync(account="b", synced=False, reason="no complete reconcile run yet"))
EVENT = Cause(type="event", id="7", event_id="evt_7", event_type="subscription.updated", at=NOW - 3 * DAY)


@pytest.fixture(scope="module")
def sold() -> Plans:
    """Free, Pro and Team at the accounts a and b."""
    return load()


def load(text: str = TEXT) -> Plans:
    """The plans of a text."""
    return plans.load(catalogue.parse(text, "x"), ["a", "b"])


def held(status: str = "active", price: str = "price_pro", account: str = "a", id_: str = "sub_1", **more: Any) -> Held:
    """A subscription."""
    whole = {"customer_id": "cus_1", "as_of": NOW - 3 * DAY, "cause": EVENT, **more}
    return Held(account=account, id=id_, status=status, price_ids=(price,) if price else (), **whole)


CASES = [
    # (status and the rest of it, whether it counts, how it stands, until when)
    (held(), True, "active", None),
    (held("trialing"), True, "trialing", None),
    (held(cancels_at=NOW + MOMENT), True, "cancels_at_period_end", NOW + MOMENT),
    (held(cancels_at=NOW), False, "period_over", None),
    (held("trialing", cancels_at=NOW), False, "period_over", None),
    (held("past_due", past_due_since=NOW - 7 * DAY + MOMENT), True, "past_due_grace", NOW + MOMENT),
    (held("past_due", past_due_since=NOW - 7 * DAY), False, "grace_over", None),
    (held("past_due", past_due_since=NOW, cancels_at=NOW + DAY), True, "past_due_grace", NOW + DAY),
    (held("past_due", past_due_since=NOW, cancels_at=NOW), False, "period_over", None),
    (held("past_due", as_of=NOW - 6 * DAY), True, "past_due_grace", NOW + DAY),  # nothing tells since when
    (held("paused"), False, "paused", None),
    (held("paused", collection_paused=True), True, "collection_paused", None),
    (held("active", collection_paused=True), True, "active", None),
    (held("unpaid"), False, "unpaid", None),
    (held("incomplete"), False, "incomplete", None),
    (held("expired_incomplete"), False, "expired_incomplete", None),
    (held("ended"), False, "ended", None),
    (held("active", deleted=True), False, "deleted", None),
]


@pytest.mark.parametrize(("subscription", "counts", "standing", "until"), CASES)
def test_what_counts_and_until_when(
    sold: Plans, subscription: Held, counts: bool, standing: str, until: datetime | None
) -> None:
    found = derive(sold, [subscription], SYNCED, NOW)
    only = found.considered[0]
    assert (only.counts, only.standing, only.until if only.counts else None) == (counts, standing, until)
    assert (found.plan, found.state) == (("pro", "subscribed") if counts else ("free", "default"))
    assert found.valid_until == until


def test_the_answer_says_why_and_how_fresh_it_is(sold: Plans) -> None:
    found = derive(sold, [held(quantity=3)], SYNCED, NOW)
    assert found.why == found.considered[0]
    assert found.explanation == (
        "subscription sub_1 (a) is active (active) because of event evt_7 (subscription.updated) at 2026-11-20 12:00:00 UTC"
    )
    assert (found.why.quantity, found.why.cause) == (3, EVENT)
    assert msgspec.to_builtins(found.limits) == {"devices": {"amount": 5, "unit": None}}
    assert found.features == {"cluster": True}


@pytest.mark.parametrize(
    ("confirmed_at", "confirmed_by", "expected"),
    [
        (None, "webhook", (NOW - 3 * DAY, "webhook")),
        (None, "call", (NOW - 3 * DAY, "call")),
        (NOW - 4 * DAY, "webhook", (NOW - 3 * DAY, "webhook")),
        (NOW - DAY, "webhook", (NOW - DAY, "reconcile")),
    ],
)
def test_confirmed_is_the_later_of_the_row_and_the_last_run(
    sold: Plans, confirmed_at: datetime | None, confirmed_by: Any, expected: tuple[datetime, str]
) -> None:
    fresh = derive(sold, [held(confirmed_at=confirmed_at, confirmed_by=confirmed_by)], SYNCED, NOW).freshness
    assert (fresh.confirmed_at, fresh.confirmed_by, fresh.as_of) == (*expected, NOW - 3 * DAY)


def test_that_there_is_nothing_is_as_fresh_as_the_account_proven_longest_ago(sold: Plans) -> None:
    fresh = derive(sold, [], SYNCED, NOW).freshness
    assert (fresh.as_of, fresh.confirmed_by) == (NOW - 2 * DAY, "reconcile")


def test_the_best_plan_wins_and_nothing_is_merged(sold: Plans) -> None:
    found = derive(sold, [held(), held(account="b", price="price_team", id_="sub_2")], SYNCED, NOW)
    assert (found.plan, found.why and found.why.subscription_id) == ("team", "sub_2")
    assert [each.subscription_id for each in found.considered] == ["sub_1", "sub_2"]


def test_of_two_of_one_plan_the_one_that_lasts_is_named(sold: Plans) -> None:
    ending, lasting = held(cancels_at=NOW + DAY, id_="sub_z"), held(id_="sub_a")
    assert derive(sold, [ending, lasting], SYNCED, NOW).why == derive(sold, [lasting], SYNCED, NOW).why


def test_a_price_that_no_plan_names_is_never_free(sold: Plans) -> None:
    found = derive(sold, [held(price="price_x")], SYNCED, NOW)
    assert (found.state, found.plan, found.unknown_prices) == ("unknown_price", None, ("a:price_x",))
    assert "no plan names price_x: add it to a plan's prices.a" in found.explanation
    assert (found.limits, found.features) == ({}, {})


def test_a_price_that_no_plan_names_is_told_beside_a_plan_that_is_known(sold: Plans) -> None:
    found = derive(sold, [held(price="price_x"), held(id_="sub_2")], SYNCED, NOW)
    assert (found.state, found.plan, found.unknown_prices) == ("subscribed", "pro", ("a:price_x",))


def test_a_price_that_no_plan_names_does_not_matter_once_it_is_over(sold: Plans) -> None:
    found = derive(sold, [held("ended", price="price_x")], SYNCED, NOW)
    assert (found.state, found.plan, found.unknown_prices) == ("default", "free", ())


def test_a_known_price_among_others_is_the_plan(sold: Plans) -> None:
    found = derive(sold, [msgspec.structs.replace(held(), price_ids=("price_seats", "price_pro"))], SYNCED, NOW)
    assert (found.plan, found.unknown_prices) == ("pro", ())


def test_a_status_that_is_not_known_is_never_free(sold: Plans) -> None:
    found = derive(sold, [held("unknown")], SYNCED, NOW)
    assert (found.state, found.plan) == ("unknown_status", None)


@pytest.mark.parametrize("accounts", [(), ONE_MISSING])
def test_nothing_found_is_not_synced_until_every_account_is(sold: Plans, accounts: Sequence[Sync]) -> None:
    found = derive(sold, [held("ended")], accounts, NOW)
    assert (found.state, found.plan) == ("not_synced", None)
    assert ("b: no complete reconcile run yet" if accounts else "none is configured") in found.explanation


def test_a_paid_plan_is_an_answer_before_every_account_is_synced(sold: Plans) -> None:
    assert derive(sold, [held()], ONE_MISSING, NOW).plan == "pro"


def test_a_subscription_to_the_free_plan_is_no_answer_before_every_account_is_synced(sold: Plans) -> None:
    free = held(price="price_free")
    assert derive(sold, [free], ONE_MISSING, NOW).state == "not_synced"
    assert derive(sold, [free], SYNCED, NOW).why is not None


def test_a_subscription_below_the_default_plan_is_said_to_count_and_not_to_matter() -> None:
    """Everybody has more than it gives."""
    sold = load(TEXT.replace("[entitlements]", '[entitlements]\ndefault_plan = "pro"'))
    found = derive(sold, [held(price="price_free")], SYNCED, NOW)
    assert (found.state, found.plan) == ("default", "pro")
    assert found.explanation.startswith("no subscription that counts has a better plan than the default one")
    over = derive(sold, [held("ended")], SYNCED, NOW)
    assert over.explanation.startswith("no subscription counts")


def test_without_a_free_plan_there_is_none() -> None:
    found = derive(load(TEXT.replace("USD = 0", "USD = 1")), [], SYNCED, NOW)
    assert (found.state, found.plan, found.limits) == ("default", None, {})


SUBSCRIPTIONS = st.builds(
    held,
    status=st.sampled_from(["active", "trialing", "past_due", "paused", "unpaid", "ended", "incomplete", "unknown"]),
    price=st.sampled_from(["price_free", "price_pro", "price_team", "price_x", ""]),
    account=st.sampled_from("ab"),
    id_=st.sampled_from([f"sub_{n}" for n in range(9)]),
    cancels_at=st.sampled_from([None, NOW - DAY, NOW, NOW + DAY]),
    past_due_since=st.sampled_from([None, NOW - 9 * DAY, NOW - DAY]),
    collection_paused=st.booleans(),
    deleted=st.booleans(),
)
MANY = st.lists(SUBSCRIPTIONS, max_size=5, unique_by=lambda each: (each.account, each.id))
ACCOUNTS = st.sampled_from([SYNCED, ONE_MISSING, ()])
PLANS = load()


def rank(found: Entitlements) -> int:
    """How good a plan is; -1 where none is told."""
    return PLANS.by_id[found.plan].rank if found.plan is not None else -1


@given(subscriptions=MANY, accounts=ACCOUNTS, data=st.data())
def test_the_order_of_subscriptions_does_not_matter(
    subscriptions: list[Held], accounts: Sequence[Sync], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(subscriptions))
    assert derive(PLANS, shuffled, accounts, NOW) == derive(PLANS, subscriptions, accounts, NOW)


@given(subscriptions=MANY, accounts=ACCOUNTS, one=SUBSCRIPTIONS)
def test_one_more_subscription_never_takes_a_paid_plan_away(
    subscriptions: list[Held], accounts: Sequence[Sync], one: Held
) -> None:
    before = derive(PLANS, subscriptions, accounts, NOW)
    after = derive(PLANS, [*subscriptions, msgspec.structs.replace(one, id="sub_more")], accounts, NOW)
    assert rank(after) >= rank(before) or rank(before) <= 0


@given(subscriptions=MANY, accounts=ACCOUNTS)
def test_free_is_never_told_without_evidence(subscriptions: list[Held], accounts: Sequence[Sync]) -> None:
    found = derive(PLANS, subscriptions, accounts, NOW)
    if found.plan == "free":
        assert accounts
        assert all(each.synced for each in accounts)
        assert not found.unknown_prices
        assert all(each.standing != "unknown_status" for each in found.considered)
        assert all(each.plan == "free" for each in found.considered if each.counts)


@given(subscriptions=MANY, accounts=ACCOUNTS)
def test_a_plan_is_told_where_and_only_where_something_says_so(
    subscriptions: list[Held], accounts: Sequence[Sync]
) -> None:
    found = derive(PLANS, subscriptions, accounts, NOW)
    assert (found.plan is not None) == (found.state in ("subscribed", "default"))
    assert (found.why is not None) == (found.state == "subscribed")
    best = max((PLANS.by_id[each.plan].rank for each in found.considered if each.counts and each.plan), default=-1)
    assert rank(found) == best or best <= 0


@given(subscriptions=MANY, accounts=ACCOUNTS)
def test_the_answer_stays_the_same_until_it_says_it_may_change(
    subscriptions: list[Held], accounts: Sequence[Sync]
) -> None:
    found = derive(PLANS, subscriptions, accounts, NOW)
    last = (found.valid_until or NOW + 365 * DAY) - MOMENT
    later = derive(PLANS, subscriptions, accounts, last)
    assert (later.plan, later.state, later.why) == (found.plan, found.state, found.why)
