"""What the adapter declares."""

import typing

import pytest
from stripe import Event

from service.provider import Listing, Provider
from service.providers.stripe import provider
from service.providers.stripe.events import EVENTS


def test_the_instance_is_a_provider() -> None:
    port: Provider = provider
    assert port.name == "stripe"


def test_every_type_that_we_listen_to_exists_in_the_official_sdk() -> None:
    known = str(typing.get_type_hints(Event, include_extras=True)["type"])
    assert [name for name in provider.types if f"'{name}'" not in known] == []


def test_every_row_says_why() -> None:
    assert [name for name, row in EVENTS.items() if not row.why] == []
    assert provider.types == tuple(sorted(EVENTS))


@pytest.mark.parametrize(
    ("begins", "deletes"),
    [
        (
            {
                "customer.created",
                "customer.subscription.created",
                "invoice.created",
                "payment_intent.created",
                "refund.created",
                "charge.dispute.created",
                "credit_note.created",
                "product.created",
                "price.created",
            },
            {"customer.deleted", "product.deleted", "price.deleted", "invoice.deleted"},
        )
    ],
)
def test_objects_begin_and_end_with_these_events_only(begins: set[str], deletes: set[str]) -> None:
    assert {name for name, row in EVENTS.items() if row.begins} == begins
    assert {name for name, row in EVENTS.items() if row.deletes} == deletes


def test_listings_go_from_parents_to_children_and_two_of_them_own_no_row() -> None:
    assert [each.source for each in provider.listings] == [
        "customer",
        "product",
        "price",
        "subscription",
        "invoice",
        "invoice_payment",
        "payment_intent",
        "charge",
        "refund",
        "dispute",
        "credit_note",
    ]
    assert {each.source for each in provider.listings if not each.owns_row} == {"invoice_payment", "charge"}
    assert Listing(source="charge", kind="payment", owns_row=False) in provider.listings


@pytest.mark.parametrize(
    ("key", "mode"),
    [
        ("sk_live_abc", "live"),
        ("rk_live_abc", "live"),
        ("sk_test_abc", "test"),
        ("rk_test_abc", "test"),
        ("pk_live_abc", None),
        ("sk_", None),
        ("", None),
        (None, None),
    ],
)
def test_the_mode_is_what_the_prefix_of_the_key_says(key: str | None, mode: str | None) -> None:
    assert provider.mode(key) == mode


@pytest.mark.parametrize(
    ("source", "object_id", "livemode", "url"),
    [
        ("customer", "cus_1", True, "https://dashboard.stripe.com/customers/cus_1"),
        ("customer", "cus_1", False, "https://dashboard.stripe.com/test/customers/cus_1"),
        ("charge", "ch_1", True, "https://dashboard.stripe.com/payments/ch_1"),
        ("customer", "a/../b?c", True, "https://dashboard.stripe.com/customers/a%2F..%2Fb%3Fc"),
        ("invoice_payment", "inpay_1", True, None),
    ],
)
def test_the_dashboard_page_is_that_of_the_object_and_mode(
    source: str, object_id: str, livemode: bool, url: str | None
) -> None:
    assert provider.dashboard_url(source, object_id, livemode=livemode) == url
