"""One event to snapshots: beginnings, what only one of event and read carries, and what can't be translated."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import MappingError
from service.model import UNKNOWN
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


@pytest.mark.parametrize("name", names())
def test_a_fixture_is_of_the_type_that_its_name_says(name: str) -> None:
    assert provider.envelope(fixture(name)).type == name.partition("__")[0]


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
def test_no_link_or_secret_enters_the_content(name: str) -> None:
    stored = msgspec.json.encode([each.content() for each in mapped(name).snapshots])
    assert b"http" not in stored
    assert b"token" not in stored


@pytest.mark.parametrize("name", HANDLED)
def test_unknown_fields_change_nothing(name: str) -> None:
    whole = json.loads(fixture(name))
    whole["data"]["invented_tomorrow"] = {"deeply": [{"nested": 1}]}
    whole["invented_tomorrow"] = True
    later = provider.map(json.dumps(whole).encode())
    assert [each.fields for each in later.snapshots] == [each.fields for each in mapped(name).snapshots]


@pytest.mark.parametrize("name", HANDLED)
@pytest.mark.parametrize("as_null", [True, False])
def test_any_field_but_the_id_may_be_missing_or_null(name: str, as_null: bool) -> None:
    obj = data(name)
    for field in sorted(obj.keys() - {"id"}):
        less = {other: value for other, value in obj.items() if other != field} | ({field: None} if as_null else {})
        found = provider.map(event(name.partition("__")[0], less))
        assert all(each.source_id for each in found.snapshots)


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
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"\xff",
        b'{"event_id":"evt_1","event_type":"transaction.paid"}',
        b'{"event_id":"evt_1","event_type":"transaction.paid","data":[]}',
        b'{"event_id":"evt_1","event_type":"transaction.paid","data":null}',
        b'{"event_id":"evt_1","event_type":"transaction.paid","data":{"id":"\\ud800"}}',
        b'{"event_id":"evt_1","event_type":"transaction.paid","data":{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    ],
)
def test_a_payload_that_is_no_event_about_an_object_cannot_be_mapped(payload: bytes) -> None:
    with pytest.raises(MappingError):
        provider.map(payload)


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


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda s: st.lists(s, max_size=2) | st.dictionaries(st.text(max_size=5), s, max_size=2),
    max_leaves=5,
)


def mutate(value: Any, path: list[int], new: Any) -> Any:
    """`value` with what lies at `path` (counted around) replaced."""
    if not path or not isinstance(value, dict | list) or not value:
        return new
    if isinstance(value, list):
        place = path[0] % len(value)
        return [mutate(each, path[1:], new) if at == place else each for at, each in enumerate(value)]
    name = sorted(value)[path[0] % len(value)]
    return value | {name: mutate(value[name], path[1:], new)}


@given(st.sampled_from(HANDLED), st.lists(st.integers(0, 99), min_size=1, max_size=6), _json)
def test_a_mutated_object_is_mapped_or_refused_by_name(name: str, path: list[int], new: Any) -> None:
    try:
        found = provider.map(event(name.partition("__")[0], mutate(data(name), path, new)))
    except MappingError:
        return
    for snapshot in found.snapshots:
        assert snapshot.source == source(name)
        assert 0 < len(snapshot.id) <= 255
        assert snapshot.content()


_words = st.text(min_size=1, max_size=12)


@given(st.sampled_from(HANDLED), _words)
def test_a_status_of_tomorrow_is_unknown_and_kept_for_every_kind(name: str, word: str) -> None:
    known = {"draft", "ready", "billed", "paid", "completed", "canceled", "past_due", "active", "archived"}
    known |= {"trialing", "paused", "pending_approval", "approved", "rejected", "reversed"}
    obj = data(name) | {"status": f"{word}!"}
    assert f"{word}!" not in known
    for snapshot in provider.map(event(name.partition("__")[0], obj)).snapshots:
        found = snapshot.content()
        assert found["status"] == UNKNOWN
        assert found["provider_status"] == f"{word}!".replace("\0", "\ufffd")
