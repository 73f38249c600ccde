"""Plans are read exactly or not at all, and a price at an account means one plan."""

from __future__ import annotations

import pytest

from service import catalogue, plans
from service.billing import Rules
from service.errors import BadRequest, ConfigError
from service.plans import Limit, Money, Plans
from service.refunds import RefundPolicy

GOOD = """\
[plans.free]
name = "Free"
price = { USD = 0 }
[plans.free.limits]
devices = 1

[plans.pro]
name = "Pro"
price = { TWD = 590, USD = 19.99, JPY = 3000 }
[plans.pro.limits]
devices = "5 devices"
[plans.pro.features]
cluster = true
[plans.pro.prices]
shop = { USD = "price_usd", TWD = ["price_twd", "price_twd_old"] }
other = ["price_a", "price_b"]
[plans.pro.refunds]
policy = "prorated"

[plans.enterprise]
name = "Enterprise"
price = "custom"
limits = { devices = "unlimited" }
prices.other = "price_e"

[refunds]
policy = "none"
"""
NO_CURRENCY = "'usd' is no currency: write three capital letters, for instance USD"
NO_LIMIT = 'expected a whole number, a number with a unit such as "10 GB", or "unlimited"'
NO_DAYS = "expected days together with policy = 'full_within_days', and only then"
NO_PLAN = "there is no plan of this id; known: free, pro, enterprise"
ACCESS = 'policy = "none"\n[entitlements]\n'
WRONG = [
    ("price = { USD = 0 }", 'price = "x"', 3, "plans.free.price: invalid enum value 'x'; expected one of 'custom'"),
    ("price = { USD = 0 }", "price = {}", 3, 'plans.free.price: expected a price by currency, such as { USD = 19 }, or "custom"'),
    ("price = { USD = 0 }", "price = { usd = 0 }", 3, f"plans.free.price.usd: {NO_CURRENCY}"),
    ("USD = 19.99", "USD = 19.999", 9, "plans.pro.price.USD: expected an amount from 0 with at most 2 decimals"),
    ("USD = 19.99", "USD = nan", 9, "plans.pro.price.USD: expected an amount from 0 with at most 2 decimals"),
    ("JPY = 3000", "JPY = 3000.5", 9, "plans.pro.price.JPY: expected an amount from 0 with at most 0 decimals"),
    ("devices = 1", "devices = -1", 5, f"plans.free.limits.devices: {NO_LIMIT}"),
    ("devices = 1", 'devices = "1GB"', 5, f"plans.free.limits.devices: {NO_LIMIT}"),
    ("devices = 1", "devices = true", 5, "plans.free.limits.devices: expected a whole number or text, got true or false"),
    ("devices = 1", "disks = 1", 4, "plans.free.limits.devices: missing; plan 'pro' has it, so every plan must (0, or 'unlimited')"),
    ("cluster = true", "cluster = 1", 13, "plans.pro.features.cluster: expected true or false, got a whole number"),
    ('"price_twd_old"', '"price_usd"', 15, "plans.pro.prices.shop.TWD[1]: price 'price_usd' means plan 'pro' already; name it once"),
    ('"price_e"', '"price_b"', 24, "plans.enterprise.prices.other: price 'price_b' means plan 'pro' already; name it once"),
    ('"price_e"', '""', 24, "plans.enterprise.prices.other: expected a price id, not an empty text"),
    ("prices.other", "prices.strpie", 24, "plans.enterprise.prices.strpie: there is no account of this name; known: shop, other"),
    ("shop = { USD", "shop = { usd", 15, f"plans.pro.prices.shop.usd: {NO_CURRENCY}"),
    ('policy = "prorated"', 'policy = "prorated"\ndays = 3', 17, f"plans.pro.refunds: {NO_DAYS}"),
    ('policy = "none"', 'policy = "full_within_days"', 26, f"refunds: {NO_DAYS}"),
    ("[plans.enterprise]", "[plans.Enterprise]", 20, "plans.Enterprise: expected an id of lower-case letters, digits, - and _, at most 64"),
    ('policy = "none"', ACCESS + 'default_plan = "fre"', 29, f"entitlements.default_plan: {NO_PLAN}"),
    ('policy = "none"', ACCESS + 'webhook_only = ["x"]', 29, "entitlements.webhook_only[0]: there is no account 'x'"),
    ('policy = "none"', ACCESS + 'past_due_grace_days = -1', 28, "entitlements: past_due_grace_days: expected days from 0 to 3650"),
]  # fmt: skip


def _plans(text: str = GOOD) -> Plans:
    return plans.load(catalogue.parse(text, "tallyhook.toml"), ["shop", "other"])


@pytest.mark.parametrize(("right", "wrong", "line", "message"), WRONG)
def test_a_wrong_plan_is_refused_where_it_stands(right: str, wrong: str, line: int, message: str) -> None:
    assert right in GOOD
    with pytest.raises(ConfigError) as caught:
        _plans(GOOD.replace(right, wrong))
    assert str(caught.value) == f"tallyhook.toml, line {line}: {message}"


def test_plans_rank_in_the_order_of_the_file_and_keep_their_units() -> None:
    found = _plans().by_id
    assert [(plan.id, plan.rank) for plan in found.values()] == [("free", 0), ("pro", 1), ("enterprise", 2)]
    assert found["pro"].price == (Money(59000, "TWD"), Money(1999, "USD"), Money(3000, "JPY"))
    assert [found[id_].limits["devices"] for id_ in found] == [Limit(1), Limit(5, "devices"), Limit("unlimited")]
    assert found["enterprise"].price == ()


def test_a_feature_that_a_plan_does_not_name_it_does_not_have() -> None:
    assert [plan.features for plan in _plans().by_id.values()] == [
        {"cluster": False},
        {"cluster": True},
        {"cluster": False},
    ]


def test_every_price_means_its_plan_and_only_at_its_account() -> None:
    found = _plans()
    assert [found.plan_of("shop", each) for each in ("price_usd", "price_twd", "price_twd_old")] == ["pro"] * 3
    assert (found.plan_of("shop", "price_a"), found.plan_of("nowhere", "price_a")) == (None, None)
    assert found.all_price_ids("other") == {"price_a", "price_b", "price_e"}


@pytest.mark.parametrize(
    ("account", "currency", "price_id"),
    [
        ("shop", "USD", "price_usd"),
        ("shop", "TWD", "price_twd"),
        ("shop", None, "price_twd"),  # the currency that the plan names first
        ("other", None, "price_a"),
        ("other", "EUR", "price_a"),  # the account does not tell its prices apart by currency
    ],
)
def test_a_new_subscription_takes_the_first_price_of_its_currency(
    account: str, currency: str | None, price_id: str
) -> None:
    rules: Rules = _plans()
    assert rules.price_ids(account, "pro", currency) == (price_id,)


@pytest.mark.parametrize(
    ("account", "plan_id", "currency", "message"),
    [
        ("shop", "prö", None, "there is no plan 'prö'; known: free, pro, enterprise"),
        (
            "shop",
            "enterprise",
            None,
            "plan 'enterprise' has no price at account 'shop'; set plans.enterprise.prices.shop",
        ),
        ("shop", "pro", "EUR", "plan 'pro' at account 'shop' is sold in USD, TWD, not in EUR"),
    ],
)
def test_what_is_not_sold_is_refused_with_what_is(
    account: str, plan_id: str, currency: str | None, message: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        _plans().price_ids(account, plan_id, currency)
    assert str(caught.value) == message


def test_a_plan_may_have_a_refund_policy_of_its_own() -> None:
    found = _plans()
    assert found.policy("pro") == RefundPolicy(policy="prorated")
    assert found.policy("free") == found.policy(None) == RefundPolicy(policy="none")


def test_the_default_plan_is_the_least_that_costs_nothing_unless_one_is_named() -> None:
    named = GOOD + '[entitlements]\ndefault_plan = "pro"\n'
    none = GOOD.replace("USD = 0 ", "USD = 1 ")
    found = [each.default and each.default.id for each in (_plans(), _plans(named), _plans(none))]
    assert found == ["free", "pro", None]


def test_the_built_in_example_is_the_promised_one() -> None:
    found = plans.load(catalogue.parse("", "x"), []).by_id
    told = {
        id_: (str(each.price[0]) if each.price else "custom", *map(str, each.limits.values()))
        for id_, each in found.items()
    }
    assert told == {
        "free": ("0.00 USD", "1", "100 MB"),
        "pro": ("19.00 USD", "5", "10 GB"),
        "team": ("99.00 USD", "unlimited", "100 GB"),
        "enterprise": ("custom", "unlimited", "unlimited"),
    }
    assert [each.features["cluster"] for each in found.values()] == [False, True, True, True]
    assert [each.features["sso"] and each.features["sla"] for each in found.values()] == [False, False, False, True]
