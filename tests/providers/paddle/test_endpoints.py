"""The notification destinations registered at Paddle."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from service.errors import ProviderUnavailable, RateLimited
from service.provider import Endpoint
from service.providers.paddle import provider
from service.providers.paddle.client import PaddleReader
from service.sandbox.edge import Answer, Call
from tests.providers.paddle.conftest import Wire
from tests.providers.paddle.given import Json
from tests.providers.paddle.shelf import DATE, Shelf, answer


def setting(**changes: Any) -> Json:
    """A notification destination as Paddle shows it."""
    usual = {
        "id": "ntfset_1",
        "description": "tallyhook",
        "type": "url",
        "destination": "https://example.com/hook",
        "active": True,
        "api_version": 1,
        "include_sensitive_fields": False,
        "subscribed_events": [
            {"name": "transaction.paid", "description": "x", "group": "y", "available_versions": [1]}
        ],
        "endpoint_secret_key": "pdl_ntfset_1_secret",
        "traffic_source": "platform",
    }
    return usual | changes


def test_all_endpoints_are_read_but_mailboxes_and_no_secret_of_theirs(reader: PaddleReader, shelf: Shelf) -> None:
    shelf.lists["notification-settings"] = [
        setting(),
        setting(id="ntfset_2", type="email", destination="ann@example.com"),
        setting(id="ntfset_3", active=False),
    ]
    first = Endpoint(
        id="ntfset_1", url="https://example.com/hook", enabled=True, api_version="1", types=("transaction.paid",)
    )
    assert reader.endpoints() == [first, msgspec.structs.replace(first, id="ntfset_3", enabled=False)]


def test_a_destination_that_lacks_what_it_must_have_is_a_broken_answer(reader: PaddleReader, shelf: Shelf) -> None:
    shelf.lists["notification-settings"] = [{"id": "ntfset_1"}]
    with pytest.raises(ProviderUnavailable, match="destination"):
        reader.endpoints()


def written(call: Call) -> Json:
    """The body of a write."""
    assert call.headers["content-type"] == "application/json"
    found: Json = json.loads(call.body)
    return found


def test_a_new_endpoint_gets_all_that_we_handle_and_nothing_simulated(reader: PaddleReader, wire: Wire) -> None:
    types = [{"name": each} for each in provider.types]
    wire.answer = lambda _call: answer(201, {"data": setting(subscribed_events=types)})
    made = reader.register("https://example.com/hook", None)
    assert (made.secret, made.types, made.enabled) == ("pdl_ntfset_1_secret", provider.types, True)
    (call,) = wire.calls
    assert (call.method, call.path) == ("POST", "/notification-settings")
    assert written(call) == {
        "type": "url",
        "description": "tallyhook",
        "destination": "https://example.com/hook",
        "subscribed_events": list(provider.types),
        "api_version": 1,
        "include_sensitive_fields": False,
        "traffic_source": "platform",
    }


def test_an_amended_endpoint_is_active_and_keeps_its_secret_to_itself(reader: PaddleReader, wire: Wire) -> None:
    wire.answer = lambda _call: answer(200, {"data": setting()})
    assert reader.register("https://example.com/hook", "ntfset/1").secret is None
    (call,) = wire.calls
    assert call.method == "PATCH"
    assert written(call)["active"] is True
    assert "type" not in written(call)


@pytest.mark.parametrize("endpoint_id", [None, "ntfset_1"])
def test_a_write_is_sent_once_whatever_becomes_of_it(reader: PaddleReader, wire: Wire, endpoint_id: str | None) -> None:
    for lost in (Answer(500), Answer(429, b"", {"Date": DATE, "Retry-After": "1"}), Answer(dropped=True)):
        wire.answer = lambda _call, lost=lost: lost  # type: ignore[misc]
        wire.calls.clear()
        with pytest.raises((ProviderUnavailable, RateLimited)):
            reader.register("https://example.com/hook", endpoint_id)
        assert len(wire.calls) == 1
