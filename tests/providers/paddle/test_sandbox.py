"""The read side against the stand-in, over a real socket."""

from __future__ import annotations

import json

import msgspec
import pytest

from service.errors import NotFound
from service.model import Snapshot
from service.provider import EventPage
from service.providers.paddle import provider
from service.providers.paddle.client import PaddleReader
from service.providers.paddle.resources import RESOURCES
from service.sandbox.paddle import PaddleSandbox, sign
from tests.providers.paddle.conftest import Wire
from tests.providers.paddle.given import KEY, at
from tests.providers.paddle.shop import DAY, bought, drafted, fill, price

NOW = 1_790_000_000
WHOLE = {"since": at(NOW - DAY), "until": at(NOW + 400 * DAY)}


@pytest.fixture
def sandbox(wire: Wire) -> PaddleSandbox:
    """The stand-in behind the wire, with pages so small that they are always cut off."""
    sandbox = PaddleSandbox(seed=7, api_key=KEY, page_cap=2)
    wire.answer = sandbox.exchange
    return sandbox


def listed(reader: PaddleReader, source: str) -> list[tuple[Snapshot, ...]]:
    """The snapshots of each object of a whole listing."""
    found: list[tuple[Snapshot, ...]] = []
    cursor = None
    while True:
        page = reader.page(source, cursor=cursor, since=None, until=None)
        found += page.objects
        cursor = page.cursor
        if cursor is None:
            return found


def logged(reader: PaddleReader) -> list[EventPage]:
    """The whole event log, page by page."""
    found = [reader.events(cursor=None, **WHOLE)]
    while found[-1].cursor is not None:
        found.append(reader.events(cursor=found[-1].cursor, **WHOLE))
    return found


def everything(reader: PaddleReader) -> dict[tuple[str, str], Snapshot]:
    """All rows that the listings make, without their text."""
    rows = [each for source in RESOURCES for snapshots in listed(reader, source) for each in snapshots]
    return {(each.kind, each.id): msgspec.structs.replace(each, raw=None) for each in rows}


def test_the_listings_make_rows_of_every_kind_but_not_of_open_checkouts(
    reader: PaddleReader, sandbox: PaddleSandbox
) -> None:
    fill(sandbox)
    rows = everything(reader)
    assert {kind for kind, _ in rows} == {
        "customer", "product", "price", "subscription", "invoice", "payment", "refund", "dispute"
    }  # fmt: skip
    unissued = [key for key, each in sandbox.objects("transaction").items() if each["status"] == "draft"]
    assert unissued
    assert not [key for key in unissued if ("invoice", key) in rows]


@pytest.mark.parametrize("source", RESOURCES)
def test_a_read_by_id_says_the_same_as_the_listing(reader: PaddleReader, sandbox: PaddleSandbox, source: str) -> None:
    fill(sandbox)
    found = [snapshots for snapshots in listed(reader, source) if snapshots]
    assert found
    for snapshots in found:
        read = reader.get(source, snapshots[0].source_id)
        assert [(each.key, each.kind, each.fields, each.as_of) for each in read.snapshots] == [
            (each.key, each.kind, each.fields, each.as_of) for each in snapshots
        ]
        assert read.as_of == at(sandbox.clock.now())


def test_the_state_does_not_depend_on_where_lists_are_cut(wire: Wire) -> None:
    def state(page_cap: int) -> dict[tuple[str, str], Snapshot]:
        sandbox = PaddleSandbox(seed=7, api_key=KEY, page_cap=page_cap)
        wire.answer = sandbox.exchange
        fill(sandbox)
        reader = wire.connect()
        found = everything(reader)
        reader.close()
        return found

    assert state(1) == state(3) == state(200)


def test_every_event_of_a_history_in_order_ends_where_the_api_is(reader: PaddleReader, sandbox: PaddleSandbox) -> None:
    sandbox.settings.page_cap = 200
    fill(sandbox)
    last: dict[tuple[str, str], Snapshot] = {}
    for event in sandbox.events:
        for snapshot in provider.map(msgspec.json.encode(event)).snapshots:
            key = snapshot.kind, snapshot.id
            assert snapshot.as_of is not None
            before = last.get(key)
            assert before is None or before.as_of is None or before.as_of <= snapshot.as_of
            last[key] = msgspec.structs.replace(snapshot, raw=None)
    assert everything(reader) == last


def test_a_row_once_made_is_made_by_every_later_version_of_its_object(sandbox: PaddleSandbox) -> None:
    fill(sandbox)
    customer, monthly = next(iter(sandbox.objects("customer"))), price(sandbox)
    overdue, draft = drafted(sandbox, monthly, customer), drafted(sandbox, monthly, customer)
    sandbox.call("PATCH", f"/transactions/{overdue}", {"status": "billed"})
    sandbox.advance(20 * DAY)
    sandbox.call("PATCH", f"/transactions/{overdue}", {"status": "canceled"})
    sandbox.call("PATCH", f"/transactions/{draft}", {"collection_mode": "automatic", "billing_details": None})
    made: dict[str, set[str]] = {}
    for event in sandbox.events:
        kinds = {each.kind for each in provider.map(msgspec.json.encode(event)).snapshots}
        assert kinds >= made.setdefault(event["data"]["id"], set())
        made[event["data"]["id"]] |= kinds
    assert (made[overdue], made[draft]) == ({"invoice"}, set())


def test_the_event_log_is_paddles_newest_first(reader: PaddleReader, sandbox: PaddleSandbox) -> None:
    fill(sandbox)
    found = [event for page in logged(reader) for event in page.events]
    assert [json.loads(each.payload) for each in found] == list(reversed(sandbox.events))
    assert [provider.envelope(each.payload) for each in found] == [each.envelope for each in found]


def test_the_log_is_limited_by_time_on_both_sides(reader: PaddleReader, sandbox: PaddleSandbox) -> None:
    for _ in range(4):
        price(sandbox)
        sandbox.advance(10)
    page = reader.events(cursor=None, since=at(NOW + 10), until=at(NOW + 11))
    assert [each.envelope.type for each in page.events] == ["price.created", "product.created"]


def test_only_what_changed_since_is_listed_of_transactions(reader: PaddleReader, sandbox: PaddleSandbox) -> None:
    monthly = price(sandbox)
    bought(sandbox, monthly, "user-1")
    sandbox.advance(60)
    later = bought(sandbox, monthly, "user-2")["id"]
    page = reader.page("transaction", cursor=None, since=at(NOW + 60), until=at(NOW + 61))
    assert [each[0].id for each in page.objects] == [later]
    assert not reader.page("transaction", cursor=None, since=at(NOW + 62), until=None).objects


def test_an_unknown_id_is_not_found(reader: PaddleReader, sandbox: PaddleSandbox) -> None:
    known = bought(sandbox, price(sandbox), "user-1")["id"]
    for source, prefix in [("transaction", "txn"), ("adjustment", "adj"), ("customer", "ctm"), ("price", "pri")]:
        with pytest.raises(NotFound):
            reader.get(source, f"{prefix}{known[3:]}"[:-1] + "z")


def test_the_identity_is_the_oldest_product(reader: PaddleReader, sandbox: PaddleSandbox) -> None:
    assert reader.identity() is None
    fill(sandbox)
    assert reader.identity() == next(iter(sandbox.objects("product")))


def test_no_currency_would_be_misread(reader: PaddleReader, sandbox: PaddleSandbox) -> None:
    assert [each.ok for each in reader.checks(None)] == [True]
    assert sandbox.requests == [("GET", "/currencies")]


def test_a_registered_endpoint_is_told_of_all_that_we_handle(reader: PaddleReader, sandbox: PaddleSandbox) -> None:
    made = reader.register("https://example.com/hook", None)
    assert made.secret is not None
    assert (made.types, made.api_version, made.enabled) == (provider.types, "1", True)
    assert reader.endpoints() == [msgspec.structs.replace(made, secret=None)]
    amended = reader.register("https://example.com/new", made.id)
    assert amended == msgspec.structs.replace(made, secret=None, url="https://example.com/new")
    assert list(sandbox.objects("notification_setting")) == [made.id]


def test_a_delivery_verifies_under_the_old_secret_and_the_new_while_they_change(sandbox: PaddleSandbox) -> None:
    sandbox.register_endpoint("https://example.com/hook", "new,old")
    price(sandbox)
    delivery, *_ = sandbox.deliveries.pending()
    headers = {b"paddle-signature": sign(delivery.body, "new", NOW, extra_secrets=("old",)).encode()}
    for secret in ("new", "old"):
        provider.verify(headers=headers, body=delivery.body, secrets=[secret], now=NOW, tolerance=300)
    assert provider.envelope(delivery.body).type == "product.created"
