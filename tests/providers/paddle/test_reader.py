"""The read side over a real socket: objects, pages, endpoints, refusals."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from service.errors import BadRequest, Forbidden, NotFound, ProviderUnavailable, RateLimited
from service.model import Snapshot
from service.provider import Connection
from service.providers.paddle import provider
from service.providers.paddle.client import PaddleReader
from service.providers.paddle.resources import RESOURCES
from service.providers.paddle.wire import API, api
from service.sandbox.edge import Answer, Call
from tests.providers.paddle.conftest import Budget, Wire
from tests.providers.paddle.given import KEY, at, data, moment
from tests.providers.paddle.shelf import DATE, Shelf, answer, refusal

T = 1_790_000_000
SAMPLES = {
    "customer": "customer.created__with_user_id",
    "product": "product.created__active",
    "price": "price.created__monthly",
    "subscription": "subscription.created__two_seats",
    "transaction": "transaction.completed__first_payment",
    "adjustment": "adjustment.created__refund_waiting",
}


def fill(shelf: Shelf, count: int = 5) -> None:
    """So many objects of each source."""
    for source, name in SAMPLES.items():
        usual = data(name)
        shelf.lists[RESOURCES[source].path[1:]] = [{**usual, "id": f"{source}_{number}"} for number in range(count)]


def listed(reader: PaddleReader, source: str) -> list[Snapshot]:
    """The first snapshot of each object of a whole listing."""
    found: list[Snapshot] = []
    cursor = None
    while True:
        page = reader.page(source, cursor=cursor, since=None, until=None)
        found += [snapshots[0] for snapshots in page.objects if snapshots]
        cursor = page.cursor
        if cursor is None:
            return found


def asked(call: Call) -> dict[str, str]:
    """The query of a call."""
    return {name: values[0] for name, values in parse_qs(call.query).items()}


@pytest.mark.parametrize("source", RESOURCES)
def test_a_listing_holds_every_object_once_oldest_first(reader: PaddleReader, shelf: Shelf, source: str) -> None:
    fill(shelf)
    assert [each.source_id for each in listed(reader, source)] == [f"{source}_{number}" for number in range(5)]


@pytest.mark.parametrize("source", RESOURCES)
def test_a_read_by_id_says_the_same_as_the_listing(reader: PaddleReader, shelf: Shelf, source: str) -> None:
    fill(shelf, 2)
    for snapshot in listed(reader, source):
        read = reader.get(source, snapshot.source_id)
        assert read.as_of == at(T)
        assert (read.snapshots[0].fields, read.snapshots[0].as_of) == (snapshot.fields, snapshot.as_of)


@pytest.mark.parametrize("source", ["customer", "product", "price"])
def test_archived_objects_are_listed(reader: PaddleReader, shelf: Shelf, source: str) -> None:
    fill(shelf, 2)
    for each in shelf.lists[RESOURCES[source].path[1:]]:
        each["status"] = "archived"
    assert [each.content()["status"] for each in listed(reader, source)] == ["archived", "archived"]


def test_a_listed_objects_text_is_the_slice_that_the_api_sent(reader: PaddleReader, wire: Wire) -> None:
    sent = b'{"meta": {"pagination":{"has_more":false,"next":"x"}},\n "data":[ {"id":"ctm_1",  "odd" :1.50} ]}'
    wire.answer = lambda _call: Answer(200, sent, {"Date": DATE})
    (objects,) = reader.page("customer", cursor=None, since=None, until=None).objects
    assert objects[0].raw == '{"id":"ctm_1",  "odd" :1.50}'
    wire.answer = lambda _call: Answer(200, b'{"data" : {"id":"ctm_1",  "odd" :1.50} }', {"Date": DATE})
    assert reader.get("customer", "ctm_1").snapshots[0].raw == '{"id":"ctm_1",  "odd" :1.50}'


def test_a_checkout_that_nobody_finished_is_listed_and_read_without_rows(reader: PaddleReader, shelf: Shelf) -> None:
    shelf.lists["transactions"] = [data("transaction.created__checkout_opened")]
    page = reader.page("transaction", cursor=None, since=None, until=None)
    assert page.objects == ((),)
    assert reader.get("transaction", "txn_1").snapshots == ()


def test_transactions_are_limited_by_their_last_update_on_both_sides(reader: PaddleReader, shelf: Shelf) -> None:
    usual = data("transaction.completed__first_payment")
    for number in range(4):
        updated = f"2026-09-21T10:00:0{number}.000000Z"
        shelf.lists.setdefault("transactions", []).append(usual | {"id": f"txn_{number}", "updated_at": updated})
    shelf.cap = 50
    since, until = moment("2026-09-21T18:00:01+08:00"), moment("2026-09-21T10:00:02Z")
    page = reader.page("transaction", cursor=None, since=since, until=until)
    assert [each[0].id for each in page.objects] == ["txn_1", "txn_2"]


def test_lists_without_a_time_filter_are_never_asked_for_one(reader: PaddleReader, shelf: Shelf, wire: Wire) -> None:
    fill(shelf, 1)
    for source in RESOURCES:
        reader.page(source, cursor=None, since=at(T), until=at(T + 1))
    filtered = [call.path for call in wire.calls if any("[" in name for name in asked(call))]
    assert filtered == ["/transactions"]


def test_the_address_of_the_next_page_is_taken_apart_and_never_followed(
    reader: PaddleReader, shelf: Shelf, wire: Wire
) -> None:
    fill(shelf, 3)
    page = reader.page("customer", cursor=None, since=None, until=None)
    assert page.cursor == "customer_1"
    reader.page("customer", cursor=page.cursor, since=None, until=None)
    assert [asked(call).get("after") for call in wire.calls] == [None, "customer_1"]
    assert {asked(call)["per_page"] for call in wire.calls} == {"200"}


@pytest.mark.parametrize("source", RESOURCES)
def test_an_unknown_id_is_not_found(reader: PaddleReader, shelf: Shelf, source: str) -> None:
    fill(shelf)
    with pytest.raises(NotFound):
        reader.get(source, "nobody_1")


def test_an_answer_that_holds_another_object_is_broken(reader: PaddleReader, wire: Wire) -> None:
    wire.answer = lambda _call: answer(200, {"data": {"id": "ctm_2"}})
    with pytest.raises(ProviderUnavailable, match="another object"):
        reader.get("customer", "ctm_1")
    wire.answer = lambda _call: answer(200, {"data": [{"id": "adj_2"}], "meta": {"pagination": {"has_more": False}}})
    with pytest.raises(ProviderUnavailable, match="another object"):
        reader.get("adjustment", "adj_1")


@pytest.mark.parametrize("object_id", ["", "..", "a" * 256, "a\nb", "adj_1,adj_2"])
def test_an_id_that_is_none_is_never_asked_for(reader: PaddleReader, wire: Wire, object_id: str) -> None:
    with pytest.raises(BadRequest):
        reader.get("adjustment", object_id)
    assert wire.calls == []


def test_a_source_that_is_not_ours_is_a_bad_request(reader: PaddleReader) -> None:
    with pytest.raises(BadRequest, match="discount"):
        reader.get("discount", "dsc_1")
    with pytest.raises(BadRequest, match="discount"):
        reader.page("discount", cursor=None, since=None, until=None)


@pytest.mark.parametrize(
    ("status", "error"), [(400, BadRequest), (401, Forbidden), (403, Forbidden), (404, NotFound), (409, BadRequest)]
)
def test_a_refusal_tells_paddles_code_and_request_id_and_nothing_else(
    reader: PaddleReader, wire: Wire, status: int, error: type[Exception]
) -> None:
    wire.answer = lambda _call: refusal(status, "some_code")
    with pytest.raises(error) as caught:
        reader.get("customer", "ctm_1")
    assert str(caught.value) == f"GET /customers/ctm_1: {status} (some_code, 0daa7c59f2eb41b6bf2ebb3b070873a5)"
    assert len(wire.calls) == 1


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"error":"x","meta":[]}', b'{"error":{"code":5},"meta":{"request_id":7}}']
)
def test_a_refusal_without_readable_reason_is_still_that_refusal(reader: PaddleReader, wire: Wire, body: bytes) -> None:
    wire.answer = lambda _call: Answer(404, body, {"Date": DATE})
    with pytest.raises(NotFound, match=r"404$"):
        reader.get("customer", "ctm_1")


def test_retry_after_holds_back_everyone_who_shares_the_budget(reader: PaddleReader, wire: Wire) -> None:
    wire.answer = lambda _call: Answer(429, b"", {"Date": DATE, "Retry-After": "7"})
    with pytest.raises(RateLimited):
        reader.identity()
    assert wire.budget.pauses == [7.0] * 5


def test_the_identity_is_the_oldest_product_archived_or_not(reader: PaddleReader, shelf: Shelf, wire: Wire) -> None:
    assert reader.identity() is None
    fill(shelf)
    assert reader.identity() == "product_0"
    shelf.lists["products"][0]["status"] = "archived"
    assert reader.identity() == "product_0"
    assert asked(wire.calls[-1])["per_page"] == "1"


def test_customers_alone_do_not_identify_an_account_whose_first_product_is_to_come(
    reader: PaddleReader, shelf: Shelf
) -> None:
    shelf.lists["customers"] = [data(SAMPLES["customer"])]
    assert reader.identity() is None


def test_currencies_that_we_would_misread_are_told(reader: PaddleReader, wire: Wire) -> None:
    told = [("USD", 2), ("JPY", 0), ("HUF", 0), ("KWD", 3)]
    body = {"data": [{"code": code, "decimal_places": decimals, "name": "x"} for code, decimals in told], "meta": {}}
    wire.answer = lambda _call: answer(200, body)
    assert [(each.ok, each.warning, each.detail) for each in reader.checks(None)] == [
        (False, False, "HUF has 0 decimals at Paddle, but its amounts are read with 2"),
        (None, True, "KWD is new: 3 decimals at Paddle, taken as they come; compare with ISO 4217"),
    ]
    wire.answer = lambda _call: answer(200, {"data": [{"code": "USD"}]})
    with pytest.raises(ProviderUnavailable, match="decimals"):
        reader.checks(None)


def test_requests_name_the_version_and_carry_the_key(reader: PaddleReader, shelf: Shelf, wire: Wire) -> None:
    fill(shelf, 1)
    reader.get("price", "price_0")
    (call,) = wire.calls
    assert call.headers["paddle-version"] == provider.api_version == "1"
    assert call.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("key", "base"),
    [
        ("pdl_sdbx_apikey_1", "https://sandbox-api.paddle.com"),
        ("pdl_live_apikey_1", "https://api.paddle.com"),
        ("0123456789abcdef", "https://api.paddle.com"),
    ],
)
def test_the_key_says_which_api_it_belongs_to(key: str, base: str) -> None:
    assert api(key).base == base
    assert API.base == "https://api.paddle.com"


def test_the_declaration_connects_a_reader() -> None:
    reader = provider.connect(Connection(api_key=KEY, api_base=None, budget=Budget()))
    assert isinstance(reader, PaddleReader)
    assert reader.notification(b"") is None
    reader.close()


def test_sweeps_leave_the_workers_share_and_single_reads_may_use_it(
    reader: PaddleReader, shelf: Shelf, wire: Wire
) -> None:
    fill(shelf, 1)
    reader.page("customer", cursor=None, since=None, until=None)
    reader.events(cursor=None, since=at(0), until=at(T))
    reader.get("customer", "customer_0")
    reader.get("adjustment", "adjustment_0")
    reader.identity()
    assert wire.budget.taken == [False, False, True, True, True]
