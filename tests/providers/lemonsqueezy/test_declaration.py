"""What the adapter declares."""

import pytest

from service.provider import Listing, Ordering, Provider
from service.providers.lemonsqueezy import provider
from service.providers.lemonsqueezy.events import EVENTS


def test_the_instance_is_a_provider() -> None:
    port: Provider = provider
    assert port.name == "lemonsqueezy"
    assert (port.options, port.scope_option, port.api_version) == (("store_id",), "store_id", None)


def test_objects_have_their_own_clock_and_orders_may_be_receipts() -> None:
    assert provider.ordering == Ordering(
        object_clock=True,
        precedence=("subscription-invoices", "orders", "payment-failures"),
        attempts=("payment-failures",),
        sticky=("user_id",),
        receipts=("orders",),
    )


def test_there_is_no_log() -> None:
    assert provider.log_memory_days is None


def test_half_of_the_keys_limit_is_read() -> None:
    assert (provider.reads_per_second * 60, provider.budget_scope) == (150, "key")


def test_every_row_says_why() -> None:
    assert [name for name, row in EVENTS.items() if not row.why] == []
    assert provider.types == tuple(sorted(EVENTS))


def test_objects_begin_with_these_events_only() -> None:
    assert {name for name, row in EVENTS.items() if row.begins} == {"order_created", "subscription_created"}
    assert {name for name, row in EVENTS.items() if row.fails} == {"subscription_payment_failed"}


def test_listings_go_from_parents_to_children_without_any_filter_by_time() -> None:
    assert [each.source for each in provider.listings] == [
        "customers",
        "products",
        "prices",
        "subscriptions",
        "orders",
        "subscription-invoices",
    ]
    assert {(each.filter, each.shifts) for each in provider.listings} == {(None, True)}


def test_orders_and_invoices_feed_payments_and_refunds_too() -> None:
    money = Listing(source="orders", kind="invoice", filter=None, shifts=True, feeds=("payment", "refund"))
    assert money in provider.listings
    assert {each.source for each in provider.listings if each.feeds} == {"orders", "subscription-invoices"}


@pytest.mark.parametrize("key", ["eyJ0eXAi", "", None])
def test_a_key_does_not_show_its_mode(key: str | None) -> None:
    assert provider.mode(key) is None


@pytest.mark.parametrize(
    ("source", "object_id", "url"),
    [
        ("orders", "9", "https://app.lemonsqueezy.com/orders/9"),
        ("subscriptions", "7", "https://app.lemonsqueezy.com/subscriptions/7"),
        ("customers", "a/../b?c", "https://app.lemonsqueezy.com/customers/a%2F..%2Fb%3Fc"),
        ("subscription-invoices", "5", None),
        ("prices", "8", None),
        ("payment-failures", "5", None),
    ],
)
def test_the_dashboard_page_is_that_of_the_object(source: str, object_id: str, url: str | None) -> None:
    assert provider.dashboard_url(source, object_id, livemode=True) == url
