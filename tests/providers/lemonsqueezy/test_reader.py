"""The read side, over a real socket."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import pytest

from service.errors import BadRequest, MappingError, NotFound
from service.model import Snapshot
from service.providers.lemonsqueezy.client import LemonSqueezyReader
from service.providers.lemonsqueezy.resources import RESOURCES
from service.sandbox.edge import Answer
from tests.providers.lemonsqueezy.conftest import Wire
from tests.providers.lemonsqueezy.given import CREATED, at, content, mapped, told
from tests.providers.lemonsqueezy.shelf import DATE, Shelf

NOW = at(CREATED)


def listed(reader: LemonSqueezyReader, source: str) -> list[tuple[Snapshot, ...]]:
    """The objects of a whole listing, page by page."""
    found: list[tuple[Snapshot, ...]] = []
    cursor = None
    while True:
        page = reader.page(source, cursor=cursor, since=None, until=None)
        found += page.objects
        if page.cursor is None:
            return found
        cursor = page.cursor


def ids(reader: LemonSqueezyReader, source: str) -> list[str]:
    """The ids of a whole listing."""
    return [objects[0].source_id for objects in listed(reader, source)]


@pytest.mark.parametrize("source", RESOURCES)
def test_a_listing_holds_every_object_once(reader: LemonSqueezyReader, shelf: Shelf, source: str) -> None:
    assert ids(reader, source) == [each["id"] for each in shelf.tables[source]]


@pytest.mark.parametrize("source", RESOURCES)
def test_a_read_by_id_says_the_same_as_the_listing(reader: LemonSqueezyReader, shelf: Shelf, source: str) -> None:
    assert shelf.tables[source]
    for objects in listed(reader, source):
        read = reader.get(source, objects[0].source_id)
        assert read.as_of == NOW
        assert [(each.key, each.kind, each.id, each.fields, each.as_of) for each in read.snapshots] == [
            (each.key, each.kind, each.id, each.fields, each.as_of) for each in objects
        ]


@pytest.mark.parametrize(
    "name", ["subscription_created__active", "order_created__paid", "subscription_payment_refunded__partly"]
)
def test_a_read_says_what_the_event_of_the_same_version_said(
    reader: LemonSqueezyReader, shelf: Shelf, name: str
) -> None:
    event = mapped(name).snapshots
    assert shelf.tables[event[0].source]
    read = reader.get(event[0].source, event[0].source_id).snapshots
    for one, other in zip(read, event, strict=True):
        assert {**told(one), "user_id": None} == {**told(other), "user_id": None}
        assert (one.key, one.id, one.as_of) == (other.key, other.id, other.as_of)


@pytest.mark.parametrize("source", RESOURCES)
def test_only_the_configured_stores_objects_are_listed(store: LemonSqueezyReader, shelf: Shelf, source: str) -> None:
    expected = [
        each["id"]
        for each in shelf.tables[source]
        if each["attributes"].get("store_id") == 1 or each["attributes"].get("variant_id") == 61
    ]
    assert ids(store, source) == expected != []


def test_a_price_gets_its_product_and_the_currency_of_its_store(reader: LemonSqueezyReader, shelf: Shelf) -> None:
    prices = {objects[0].id: content(objects[0]) for objects in listed(reader, "prices")}
    assert len(prices) == len(shelf.tables["prices"])
    assert (prices["90"]["product_id"], prices["90"]["currency"], prices["90"]["amount"]) == ("41", "USD", 100_000)
    assert (prices["100"]["product_id"], prices["100"]["currency"], prices["100"]["amount"]) == ("42", "JPY", 1_000)


def test_the_catalogue_is_read_once(reader: LemonSqueezyReader, shelf: Shelf, wire: Wire) -> None:
    assert shelf.tables["prices"]
    listed(reader, "prices")
    first = len(wire.calls)
    listed(reader, "prices")
    assert len(wire.calls) - first == 3
    assert [path for path in wire.paths[first:] if path != "GET /v1/prices"] == []


def test_a_price_of_a_product_that_came_later_is_looked_up(store: LemonSqueezyReader, shelf: Shelf) -> None:
    listed(store, "prices")
    for number, owner in ((43, 1), (44, 2)):
        shelf.put("products", number, store_id=owner)
        shelf.put("variants", number + 20, product_id=number)
        shelf.put("prices", number + 40, variant_id=number + 20, unit_price=5)
    assert {"83", "84"} & set(ids(store, "prices")) == {"83"}


@pytest.mark.parametrize("gone", ["products", "variants"])
def test_a_price_without_product_has_no_amount_and_is_not_left_out(
    store: LemonSqueezyReader, shelf: Shelf, gone: str
) -> None:
    shelf.tables[gone] = []
    assert ids(store, "prices") == [each["id"] for each in shelf.tables["prices"]]
    assert "amount" not in content(store.get("prices", "90").snapshots[0])


def test_a_failed_attempt_is_read_as_its_invoice(reader: LemonSqueezyReader, shelf: Shelf) -> None:
    shelf.tables["subscription-invoices"] = []
    shelf.add("subscription_payment_failed__stays_pending")
    read = reader.get("payment-failures", "5")
    assert [(each.key, each.kind) for each in read.snapshots] == [
        ("subscription-invoices:5", "invoice"),
        ("subscription-invoices:5", "payment"),
    ]


def test_an_objects_text_is_the_slice_that_the_api_sent(reader: LemonSqueezyReader, wire: Wire) -> None:
    sent = (
        r'{"type":"customers",  "id" :"1", "attributes":{"updated_at":"2026-09-21T14:13:20Z","url":"a\/b","odd":1.50}}'
    )
    page = '{"currentPage":1,"perPage":100,"lastPage":1,"total":1}'
    wire.answer = lambda _call: Answer(200, f'{{"meta":{{"page":{page}}}, "data":[ {sent}]}}'.encode(), {"Date": DATE})
    (objects,) = reader.page("customers", cursor=None, since=None, until=None).objects
    wire.answer = lambda _call: Answer(200, f'{{"data": {sent} }}'.encode(), {"Date": DATE})
    assert objects[0].raw == reader.get("customers", "1").snapshots[0].raw == sent


@pytest.mark.parametrize("source", [*RESOURCES, "payment-failures"])
def test_an_unknown_id_is_not_found(reader: LemonSqueezyReader, shelf: Shelf, wire: Wire, source: str) -> None:
    assert shelf.tables
    with pytest.raises(NotFound, match=r"404 \(not_found\)"):
        reader.get(source, "12345")
    assert len(wire.calls) == 1


def test_a_source_that_is_not_ours_is_a_bad_request(reader: LemonSqueezyReader, wire: Wire) -> None:
    with pytest.raises(BadRequest, match="discounts"):
        reader.get("discounts", "1")
    with pytest.raises(BadRequest, match="discounts"):
        reader.page("discounts", cursor=None, since=None, until=None)
    assert wire.calls == []


@pytest.mark.parametrize("object_id", ["", ".", "..", "x" * 256, "a\nb"])
def test_an_id_never_leads_to_another_path(reader: LemonSqueezyReader, wire: Wire, object_id: str) -> None:
    with pytest.raises(BadRequest):
        reader.get("orders", object_id)
    assert wire.calls == []


def test_an_object_that_cannot_be_translated_is_named_and_not_left_out(
    reader: LemonSqueezyReader, shelf: Shelf
) -> None:
    shelf.put("customers", 99, store_id=1, name=5)
    with pytest.raises(MappingError, match="customers '99'"):
        reader.page("customers", cursor=None, since=None, until=None)


def test_there_is_no_event_log_and_no_thin_notification(reader: LemonSqueezyReader) -> None:
    with pytest.raises(BadRequest, match="no list of events"):
        reader.events(cursor=None, since=NOW, until=NOW)
    assert reader.notification(b"{}") is None


@pytest.mark.parametrize(("test_mode", "identity"), [(True, "user:77:test"), (False, "user:77")])
def test_without_a_store_the_identity_is_the_user_of_the_key(
    reader: LemonSqueezyReader, shelf: Shelf, test_mode: bool, identity: str
) -> None:
    shelf.test_mode = test_mode
    assert reader.identity() == identity


@pytest.mark.parametrize(("test_mode", "identity"), [(True, "store:1:test"), (False, "store:1")])
def test_with_a_store_the_identity_is_the_store_whoevers_key_it_is(
    store: LemonSqueezyReader, shelf: Shelf, test_mode: bool, identity: str
) -> None:
    shelf.test_mode = test_mode
    assert store.identity() == identity


def test_a_store_that_the_key_does_not_see_is_named(wire: Wire, shelf: Shelf) -> None:
    assert shelf.tables["stores"]
    reader = wire.connect(store_id="9")
    with pytest.raises(NotFound, match="no store 9; check LEMONSQUEEZY_STORE_ID"):
        reader.identity()


def test_every_request_is_authorized_and_carries_both_media_types(
    store: LemonSqueezyReader, shelf: Shelf, wire: Wire
) -> None:
    assert shelf.tables
    store.page("orders", cursor=None, since=None, until=None)
    store.get("orders", "9")
    store.register("https://example.com/x", None)
    for call in wire.calls:
        assert call.headers["accept"] == call.headers["content-type"] == "application/vnd.api+json"
        assert call.headers["authorization"].startswith("Bearer ey")
    assert dict(parse_qsl(wire.calls[0].query)) == {
        "page[number]": "1",
        "page[size]": "100",
        "filter[store_id]": "1",
    }
    assert wire.calls[1].query == ""


def test_the_address_that_a_list_names_as_next_is_never_followed(
    reader: LemonSqueezyReader, shelf: Shelf, wire: Wire
) -> None:
    def misled(call: object) -> Answer:
        told_ = shelf(call)  # type: ignore[arg-type]
        body = json.loads(told_.body) | {"links": {"next": "http://127.0.0.1:1/elsewhere"}}
        return Answer(200, json.dumps(body).encode(), told_.headers)

    wire.answer = misled
    assert len(ids(reader, "customers")) == 6
    assert set(wire.paths) == {"GET /v1/customers"}


def test_sweeps_leave_the_workers_share_and_single_reads_may_use_it(
    reader: LemonSqueezyReader, shelf: Shelf, wire: Wire
) -> None:
    assert shelf.tables
    reader.page("customers", cursor=None, since=None, until=None)
    reader.get("orders", "9")
    reader.identity()
    assert wire.budget.taken == [False, True, True]


@pytest.mark.parametrize(("source", "theirs"), [("customers", "50"), ("products", "42"), ("prices", "100")])
def test_an_object_of_another_store_does_not_exist_for_this_one(
    shelf: Shelf, store: LemonSqueezyReader, reader: LemonSqueezyReader, source: str, theirs: str
) -> None:
    """Ids are small numbers, and one key may show several stores."""
    assert shelf.tables[source]
    assert reader.get(source, theirs).snapshots
    with pytest.raises(NotFound, match="another store"):
        store.get(source, theirs)
