"""One event to snapshots: beginnings, what only one of event and read carries, and what can't be translated."""

import json

import msgspec
import pytest

from service.errors import MappingError
from service.provider import Mapped
from service.providers.paddle import provider
from service.providers.paddle.resources import RESOURCES
from tests.providers.paddle.given import Json, data, event, fixture, mapped, names

HANDLED = [name for name in names() if provider.map(fixture(name)).snapshots]
# What only the API carries, what only webhooks do, what links expire, and what other objects change without this one.
PASSING: dict[str, Json] = {
    "subscription": {
        "management_urls": {"cancel": "https://buyer-portal.paddle.com/x?token=1"},
        "transaction_id": "txn_9",
        "next_transaction": {"details": {"totals": {"total": "9"}}},
        "recurring_transaction_details": {"totals": {"total": "9"}},
        "consent_requirements": [{"type": "x"}],
    },
    "transaction": {
        "checkout": {"url": "https://shop.example.com/pay?_ptxn=other"},
        "customer": {"id": "ctm_9", "email": "other@example.com"},
        "address": {"id": "add_9"},
        "adjustments": [{"id": "adj_9"}],
        "adjustments_totals": {"total": "9"},
        "available_payment_methods": ["card"],
        "discount": {"id": "dsc_9"},
        "receipt_data": "printed",
    },
    "price": {"product": {"id": "pro_1", "name": "Renamed"}},
    "product": {"prices": [{"id": "pri_9"}]},
    "customer": {"locale": "de", "marketing_consent": True},
    "adjustment": {"credit_applied_to_balance": True, "payout_totals": {"total": "9"}, "tax_rates_used": []},
}


def source(name: str) -> str:
    """The name of a fixture's resource."""
    return name.partition(".")[0]


def test_every_type_has_fixtures() -> None:
    assert set(provider.types) - {name.partition("__")[0] for name in names()} == set()


@pytest.mark.parametrize("name", HANDLED)
def test_every_snapshot_is_of_the_events_object_with_its_exact_text(name: str) -> None:
    envelope = provider.envelope(fixture(name))
    for snapshot in mapped(name).snapshots:
        assert (snapshot.source, snapshot.source_id) == (envelope.kind, envelope.object_id)
        assert snapshot.raw is not None
        assert snapshot.raw.encode() in fixture(name)
        assert json.loads(snapshot.raw) == data(name)


@pytest.mark.parametrize("name", HANDLED)
def test_a_read_of_the_same_version_gives_equal_snapshots(name: str) -> None:
    later = data(name) | PASSING[source(name)]
    for part in (later.get("details", {}).get("line_items", []), later.get("items", [])):
        for each in part:
            each["product"] = {"id": "pro_1", "name": "Renamed", "updated_at": "2026-11-01T00:00:00Z"}
    read = RESOURCES[source(name)].snapshots(later, None)
    told = [msgspec.structs.replace(each, raw=None) for each in mapped(name).snapshots]
    assert list(read) == told


@pytest.mark.parametrize("name", HANDLED)
def test_created_events_begin_their_object_and_others_do_not(name: str) -> None:
    assert mapped(name).begins == name.partition("__")[0].endswith(".created")


@pytest.mark.parametrize("name", HANDLED)
def test_paddle_never_tells_what_was_before_and_never_deletes(name: str) -> None:
    assert mapped(name).before == ()
    assert mapped(name).read is None
    assert not any(each.deleted for each in mapped(name).snapshots)


def test_a_type_that_we_do_not_handle_is_ignored_whatever_it_carries() -> None:
    assert provider.map(event("discount.created", {"id": 5})) == Mapped(ignored="unhandled_type")


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": ""},
        {"id": "t" * 256},
        {"id": "t\0"},
        {"id": []},
        {"status": 5},
        {"currency_code": 840},
        {"customer_id": {"id": "ctm_1"}},
        {"created_at": "2026-09-21T14:13:20"},
        {"updated_at": 1_790_000_000},
        {"billing_period": []},
        {"billing_period": {"starts_at": "soon"}},
        {"payments": {}},
        {"payments": ["captured"]},
        {"details": {"line_items": [{"price_id": "pri_1"}]}},
        {"details": {"totals": "3990"}},
    ],
)
def test_a_value_of_another_type_is_a_mapping_error_that_names_the_object(change: Json) -> None:
    with pytest.raises(MappingError, match=r"^transaction "):
        provider.map(event("transaction.updated", data("transaction.completed__first_payment") | change))
