"""Webhooks as registered at Lemon Squeezy."""

from __future__ import annotations

import json

import pytest

from service.errors import BadRequest, ProviderUnavailable
from service.provider import Endpoint
from service.providers.lemonsqueezy import provider
from service.providers.lemonsqueezy.client import LemonSqueezyReader
from service.sandbox.edge import Answer
from tests.providers.lemonsqueezy.conftest import Wire
from tests.providers.lemonsqueezy.given import SECRET
from tests.providers.lemonsqueezy.shelf import Shelf, answer

URL = "https://example.com/webhooks/lemonsqueezy"


def endpoint(id_: str, url: str = URL) -> Endpoint:
    """A webhook of ours. Its secret is ours too, so there is none to tell."""
    return Endpoint(id=id_, url=url, enabled=True, api_version=None, types=provider.types)


def test_a_new_webhook_gets_all_that_we_handle_our_secret_and_the_configured_store(
    store: LemonSqueezyReader, shelf: Shelf, wire: Wire
) -> None:
    assert store.register(URL, None) == endpoint("1")
    assert json.loads(wire.calls[-1].body) == {
        "data": {
            "type": "webhooks",
            "attributes": {"url": URL, "events": list(provider.types), "secret": SECRET},
            "relationships": {"store": {"data": {"type": "stores", "id": "1"}}},
        }
    }
    assert shelf.tables["webhooks"][0]["attributes"]["store_id"] == 1
    assert list(store.endpoints()) == [endpoint("1")]


def test_a_webhook_is_amended_with_the_secret_that_is_configured_now(
    store: LemonSqueezyReader, shelf: Shelf, wire: Wire
) -> None:
    store.register("https://example.com/old", None)
    assert store.register(URL, "1") == endpoint("1")
    assert wire.paths[-1] == "PATCH /v1/webhooks/1"
    assert json.loads(wire.calls[-1].body)["data"]["attributes"]["secret"] == SECRET
    assert len(shelf.tables["webhooks"]) == 1


def test_without_a_configured_store_the_only_one_is_taken(reader: LemonSqueezyReader, shelf: Shelf, wire: Wire) -> None:
    shelf.remove("stores", 2)
    assert reader.register(URL, None) == endpoint("1")
    assert wire.paths == ["GET /v1/stores", "POST /v1/webhooks"]


@pytest.mark.parametrize(("removed", "known"), [([], "2, 1"), ([1, 2], "none")])
def test_without_a_configured_store_several_or_none_are_a_bad_request(
    reader: LemonSqueezyReader, shelf: Shelf, wire: Wire, removed: list[int], known: str
) -> None:
    for each in removed:
        shelf.remove("stores", each)
    with pytest.raises(BadRequest, match=f"set LEMONSQUEEZY_STORE_ID .the key sees: {known}"):
        reader.register(URL, None)
    assert "POST /v1/webhooks" not in wire.paths


@pytest.mark.parametrize("secret", [None, "", "short", "s" * 41])
def test_a_secret_that_lemon_squeezy_would_refuse_is_named_before_anything_is_sent(
    wire: Wire, secret: str | None
) -> None:
    reader = wire.connect(store_id="1", secret=secret)
    with pytest.raises(BadRequest, match="LEMONSQUEEZY_WEBHOOK_SECRET") as caught:
        reader.register(URL, None)
    assert secret is None or len(secret) < 10 or secret not in str(caught.value)
    assert wire.calls == []


@pytest.mark.parametrize("secret", ["sixsix", "s" * 40])
def test_secrets_of_6_to_40_characters_are_taken(wire: Wire, shelf: Shelf, secret: str) -> None:
    assert shelf.tables
    reader = wire.connect(store_id="1", secret=secret)
    assert reader.register(URL, None).id == "1"


def test_all_pages_of_webhooks_are_read(store: LemonSqueezyReader, shelf: Shelf) -> None:
    for number in range(5):
        shelf.put("webhooks", number + 1, store_id=1, url=URL, events=["order_created"])
    shelf.put("webhooks", 9, store_id=2, url=URL, events=[])
    assert {each.id for each in store.endpoints()} == {"1", "2", "3", "4", "5"}


def test_without_a_store_the_webhooks_of_all_are_read(reader: LemonSqueezyReader, shelf: Shelf) -> None:
    for number in (1, 2):
        shelf.put("webhooks", number, store_id=number, url=URL, events=["order_created"])
    assert [(each.id, each.types) for each in reader.endpoints()] == [
        ("2", ("order_created",)),
        ("1", ("order_created",)),
    ]


@pytest.mark.parametrize("attributes", [{"url": None, "events": []}, {"url": URL, "events": None}, {}, {"url": 5}])
def test_a_webhook_without_what_it_must_have_is_unavailable(
    reader: LemonSqueezyReader, shelf: Shelf, attributes: dict[str, object]
) -> None:
    shelf.put("webhooks", 1, **attributes)
    with pytest.raises(ProviderUnavailable, match="/v1/webhooks: broken answer"):
        reader.endpoints()


@pytest.mark.parametrize("status", [429, 500])
def test_a_write_is_sent_once_whatever_becomes_of_it(store: LemonSqueezyReader, wire: Wire, status: int) -> None:
    wire.answer = lambda _call: Answer(status)
    for known in (None, "1"):
        with pytest.raises(Exception, match=str(status)):
            store.register(URL, known)
    assert wire.paths == ["POST /v1/webhooks", "PATCH /v1/webhooks/1"]


def test_a_refusal_names_the_field_and_not_the_secret(store: LemonSqueezyReader, wire: Wire) -> None:
    error = {
        "detail": f"The secret {SECRET} is taken.",
        "source": {"pointer": "/data/attributes/secret"},
        "status": "422",
        "title": "Unprocessable Entity",
    }
    wire.answer = lambda _call: answer({"errors": [error]}, 422)
    with pytest.raises(BadRequest) as caught:
        store.register(URL, None)
    assert str(caught.value) == "POST /v1/webhooks: 422 (unprocessable_entity, secret)"
