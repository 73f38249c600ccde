"""Lists that would lie or never end are refused: a sweep over them would prove nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.errors import MappingError, ProviderUnavailable
from service.providers.stripe.client import StripeReader
from service.sandbox.edge import Answer, Call
from tests.providers.stripe.conftest import Wire
from tests.providers.stripe.given import at

DATE = "Mon, 21 Sep 2026 14:13:20 GMT"
CUSTOMER = {"id": "cus_1", "object": "customer"}
Json = dict[str, Any]


def listing(*data: Any, has_more: bool = False) -> Json:
    """A page."""
    return {"object": "list", "url": "/v1/x", "has_more": has_more, "data": list(data)}


def answer(body: Any) -> Answer:
    """A dated answer."""
    return Answer(200, json.dumps(body).encode(), {"Date": DATE})


def page(reader: StripeReader, wire: Wire, body: Any, cursor: str | None = None) -> list[str]:
    """The ids of one page of customers, answered with `body`."""
    wire.answer = lambda _call: answer(body)
    found = reader.page("customer", cursor=cursor, since=None, until=None)
    return [objects[0].id for objects in found.objects]


@pytest.mark.parametrize(
    ("body", "cursor"),
    [
        (listing(has_more=True), None),
        (listing(CUSTOMER, has_more=True), "cus_1"),
        (listing(CUSTOMER, {**CUSTOMER, "id": "cus_2"}, has_more=True), "cus_1"),
        (listing({"id": "ch_1", "object": "charge"}), None),
        (listing({"id": "cus_1"}), None),
        (listing({"object": "customer"}), None),
        (listing({"object": "customer", "id": 5}), None),
        (listing("cus_1"), None),
        (listing(None), None),
        ({**listing(), "object": "customer"}, None),
        ({**listing(), "data": {}}, None),
        ({**listing(), "has_more": None}, None),
        ({"object": "list", "data": []}, None),
        ([], None),
    ],
)
def test_a_broken_page_is_unavailable(wire: Wire, reader: StripeReader, body: Any, cursor: str | None) -> None:
    with pytest.raises(ProviderUnavailable, match="GET /v1/customers: broken answer"):
        page(reader, wire, body, cursor)


def test_a_whole_page_passes(wire: Wire, reader: StripeReader) -> None:
    assert page(reader, wire, listing(CUSTOMER, has_more=True), "cus_9") == ["cus_1"]
    assert page(reader, wire, listing()) == []


def test_an_event_log_with_something_else_in_it_is_unavailable(wire: Wire, reader: StripeReader) -> None:
    wire.answer = lambda _call: answer(listing(CUSTOMER))
    with pytest.raises(ProviderUnavailable, match="/v1/events: broken answer"):
        reader.events(cursor=None, since=at(0), until=at(1))


@pytest.mark.parametrize("body", [{"id": "cus_2", "object": "customer"}, {"id": "cus_1", "object": "charge"}, [], None])
def test_a_read_that_answers_with_something_else_is_unavailable(wire: Wire, reader: StripeReader, body: Any) -> None:
    wire.answer = lambda _call: answer(body)
    with pytest.raises(ProviderUnavailable, match="/v1/customers/cus_1: broken answer"):
        reader.get("customer", "cus_1")


def test_a_nested_list_that_goes_in_circles_is_unavailable(wire: Wire, reader: StripeReader) -> None:
    def circle(call: Call) -> Answer:
        if call.path == "/v1/invoices/in_1":
            return answer({"id": "in_1", "object": "invoice", "lines": listing(has_more=True)})
        other = "il_b" if call.query.endswith("starting_after=il_a") else "il_a"
        return answer(listing({"id": other, "object": "line_item"}, has_more=True))

    wire.answer = circle
    with pytest.raises(ProviderUnavailable, match="/v1/invoices/in_1/lines: broken answer"):
        reader.get("invoice", "in_1")
    assert len(wire.calls) == 4


def test_endpoints_without_what_they_must_have_are_unavailable(wire: Wire, reader: StripeReader) -> None:
    wire.answer = lambda _call: answer(listing({"id": "we_1", "object": "webhook_endpoint"}))
    with pytest.raises(ProviderUnavailable, match="/v1/webhook_endpoints: broken answer"):
        reader.endpoints()


def test_an_object_that_cannot_be_translated_is_named_and_not_left_out(wire: Wire, reader: StripeReader) -> None:
    odd = {"id": "cus_2", "object": "customer", "created": "long ago"}
    with pytest.raises(MappingError, match="cus_2"):
        page(reader, wire, listing(CUSTOMER, odd))


def test_a_read_is_as_old_as_the_first_of_its_answers(wire: Wire, reader: StripeReader) -> None:
    def dated(call: Call) -> Answer:
        if call.path.endswith("/lines"):
            body = json.dumps(listing({"id": "il_1", "object": "line_item"})).encode()
            return Answer(200, body, {"Date": "Mon, 21 Sep 2026 14:13:25 GMT"})
        return answer({"id": "in_1", "object": "invoice", "lines": listing(has_more=True)})

    wire.answer = dated
    assert reader.get("invoice", "in_1").as_of == at(1_790_000_000)
