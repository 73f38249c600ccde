"""The event log: newest first, between two times, with and without the filter of 2026-09-23."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest

from service.errors import BadRequest, ProviderUnavailable
from service.provider import EventPage
from service.providers.paddle import provider
from service.providers.paddle.client import PaddleReader
from service.sandbox.edge import Answer, Call
from tests.providers.paddle.conftest import Wire
from tests.providers.paddle.given import Json, data, moment
from tests.providers.paddle.shelf import Shelf, answer, refusal

SINCE, UNTIL = moment("2026-09-21T10:00:11Z"), moment("2026-09-21T10:00:14Z")


def entry(number: int, **more: object) -> Json:
    """One event of the log; its number is the second at which it occurred."""
    return {
        "event_id": f"evt_{number:04d}",
        "event_type": "customer.updated",
        "occurred_at": f"2026-09-21T10:00:{number:02d}.000000Z",
        "data": data("customer.created__with_user_id"),
        **more,
    }


@pytest.fixture
def log(shelf: Shelf) -> Shelf:
    """A log of twenty events, a second apart."""
    shelf.lists["events"] = [entry(number) for number in range(20)]
    return shelf


def pages(reader: PaddleReader) -> list[EventPage]:
    """The window's pages."""
    found = [reader.events(cursor=None, since=SINCE, until=UNTIL)]
    while found[-1].cursor is not None:
        found.append(reader.events(cursor=found[-1].cursor, since=SINCE, until=UNTIL))
    return found


def ids(found: list[EventPage]) -> list[str]:
    """The events of some pages."""
    return [event.envelope.event_id for page in found for event in page.events]


@pytest.mark.parametrize("filters", [True, False])
def test_the_window_is_inclusive_on_both_sides_and_newest_first(
    reader: PaddleReader, log: Shelf, filters: bool
) -> None:
    log.filters_events = filters
    assert ids(pages(reader)) == ["evt_0014", "evt_0013", "evt_0012", "evt_0011"]


def test_the_filter_asks_for_little_more_than_the_window(reader: PaddleReader, log: Shelf, wire: Wire) -> None:
    log.cap = 50
    assert len(pages(reader)) == 1
    assert len(wire.calls) == 1


def test_without_the_filter_the_walk_ends_soon_after_the_window(reader: PaddleReader, log: Shelf, wire: Wire) -> None:
    log.filters_events = False
    pages(reader)
    # One call refused, then 19 to 10 by twos, and one page that lies before the window altogether; 7 to 0 stay unread.
    assert len(wire.calls) == 1 + 5 + 1


def test_an_api_that_ignores_the_filter_changes_nothing(reader: PaddleReader, log: Shelf, wire: Wire) -> None:
    def without_filter(call: Call) -> Answer:
        kept = [(name, value) for name, value in parse_qsl(call.query) if name not in ("from", "to")]
        return log(replace(call, query=urlencode(kept)))

    wire.answer = without_filter
    assert ids(pages(reader)) == ["evt_0014", "evt_0013", "evt_0012", "evt_0011"]


def test_each_payload_is_the_slice_that_was_sent_and_has_its_own_envelope(reader: PaddleReader, log: Shelf) -> None:
    log.cap = 50
    (page,) = pages(reader)
    for event in page.events:
        assert json.loads(event.payload) == log.lists["events"][int(event.envelope.event_id[4:])]
        assert event.envelope == provider.envelope(event.payload)


@pytest.mark.parametrize("cursor", [None, "evt_0013"])
def test_a_refusal_that_is_not_the_filters_is_one(reader: PaddleReader, wire: Wire, cursor: str | None) -> None:
    wire.answer = lambda _call: refusal(400, "invalid_cursor")
    with pytest.raises(BadRequest, match="invalid_cursor"):
        reader.events(cursor=cursor, since=SINCE, until=UNTIL)


def test_a_filter_refused_in_the_middle_is_gone_on_without(reader: PaddleReader, log: Shelf) -> None:
    first = reader.events(cursor=None, since=SINCE, until=UNTIL)
    log.filters_events = False
    found = [first]
    while found[-1].cursor is not None:
        found.append(reader.events(cursor=found[-1].cursor, since=SINCE, until=UNTIL))
    assert ids(found) == ["evt_0014", "evt_0013", "evt_0012", "evt_0011"]


def test_an_event_without_envelope_is_a_broken_answer(reader: PaddleReader, wire: Wire) -> None:
    body = {"data": [entry(4, occurred_at="soon")], "meta": {"pagination": {"has_more": False}}}
    wire.answer = lambda _call: answer(200, body)
    with pytest.raises(ProviderUnavailable, match="no envelope"):
        reader.events(cursor=None, since=SINCE, until=UNTIL)


def test_an_empty_log_is_one_empty_page(reader: PaddleReader, shelf: Shelf) -> None:
    assert pages(reader)[0].events == ()
    assert shelf.lists == {}
