"""What the adapter declares."""

import pytest

from service.provider import Listing, Provider
from service.providers.paddle import provider
from service.providers.paddle.events import EVENTS
from tests.providers.paddle.official import values


def test_the_instance_is_a_provider() -> None:
    port: Provider = provider
    assert port.name == "paddle"


def test_every_type_that_we_listen_to_exists_in_the_official_sdk() -> None:
    known = values("Events", "EventTypeName")
    assert [name for name in provider.types if name not in known] == []


def test_every_row_says_why() -> None:
    assert [name for name, row in EVENTS.items() if not row.why] == []
    assert provider.types == tuple(sorted(EVENTS))
    assert [name for name, row in EVENTS.items() if row.resource.source != name.partition(".")[0]] == []


def test_objects_begin_with_these_events_only() -> None:
    begins = {"customer", "product", "price", "subscription", "transaction", "adjustment"}
    assert {name for name, row in EVENTS.items() if row.begins} == {f"{each}.created" for each in begins}


def test_listings_go_from_parents_to_children_and_two_of_them_feed_several_kinds() -> None:
    plain = [Listing(source=each, kind=each, filter=None) for each in ("customer", "product")]
    assert provider.listings == (
        *plain,
        Listing(source="price", kind="price", filter=None),
        Listing(source="subscription", kind="subscription", filter=None),
        Listing(source="transaction", kind="invoice", filter="updated", feeds=("payment",)),
        Listing(source="adjustment", kind="refund", filter=None, feeds=("credit_note", "dispute")),
    )


@pytest.mark.parametrize(
    ("key", "mode"),
    [
        ("pdl_live_apikey_1", "live"),
        ("pdl_sdbx_apikey_1", "test"),
        ("pdl_ntfset_1", None),
        ("1a2b3c", None),
        ("", None),
        (None, None),
    ],
)
def test_the_mode_is_what_the_prefix_of_the_key_says(key: str | None, mode: str | None) -> None:
    assert provider.mode(key) == mode


@pytest.mark.parametrize(
    ("source", "object_id", "livemode", "url"),
    [
        ("customer", "ctm_1", True, "https://vendors.paddle.com/customers-v2/ctm_1"),
        ("customer", "ctm_1", False, "https://sandbox-vendors.paddle.com/customers-v2/ctm_1"),
        ("transaction", "txn_1", True, "https://vendors.paddle.com/transactions-v2/txn_1"),
        ("subscription", "a/../b?c", True, "https://vendors.paddle.com/subscriptions-v2/a%2F..%2Fb%3Fc"),
        ("adjustment", "adj_1", True, None),
        ("price", "pri_1", True, None),
    ],
)
def test_the_dashboard_page_is_that_of_the_object_and_mode(
    source: str, object_id: str, livemode: bool, url: str | None
) -> None:
    assert provider.dashboard_url(source, object_id, livemode=livemode) == url
