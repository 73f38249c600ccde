"""Deliveries: signed, retried for two and a half minutes, resent by hand, and spoiled on request."""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.sandbox.lemonsqueezy import LemonSqueezySandbox, sign
from service.sandbox.server import serving
from tests.sandbox.lemonsqueezy.shop import DAY, Shop, pointers, refusal

Json = dict[str, Any]

SECRET = "ls-signing-secret-123"


@dataclass
class Receiver:
    """A webhook endpoint on a real socket that answers with `status` and keeps what it got."""

    url: str = ""
    status: int = 200
    got: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [headers["x-event-name"] for _, headers in self.got]

    @property
    def bodies(self) -> list[Json]:
        return [msgspec.json.decode(body) for body, _ in self.got]

    async def take(self, request: Request) -> Response:
        self.got.append((await request.body(), dict(request.headers)))
        return Response(status_code=self.status)


@pytest.fixture(scope="module")
def listening() -> Iterator[Receiver]:
    receiver = Receiver()
    with serving(Starlette(routes=[Route("/hook", receiver.take, methods=["POST"])])) as url:
        receiver.url = f"{url}/hook"
        yield receiver


@pytest.fixture
def receiver(listening: Receiver, sandbox: LemonSqueezySandbox) -> Receiver:
    listening.status = 200
    listening.got.clear()
    sandbox.register_endpoint(listening.url, SECRET)
    return listening


@pytest.fixture
def order(sandbox: LemonSqueezySandbox, receiver: Receiver, shop: Shop) -> str:
    """A one-time purchase, whose one event waits for the receiver."""
    assert receiver.got == []
    return str(sandbox.buy(shop.variant(interval=None))["order"])


def test_the_signature_is_lemon_squeezys() -> None:
    body = (
        b'{"meta":{"event_name":"subscription_payment_success","test_mode":true,"webhook_id":'
        b'"11111111-2222-3333-4444-555555555555","custom_data":{"user_id":"42"}},"data":{"type":'
        b'"subscription-invoices","id":"1","attributes":{"store_id":1,"subscription_id":7,"status":"paid","total":999,'
        b'"currency":"USD","updated_at":"2026-09-21T12:53:20.000000Z","test_mode":true}}}'
    )
    assert sign(body, SECRET) == "8815dd8f6cde8b49e535c9ff95ce74b7b2bad753a698be0d73b0e743c3ec5a3f"


def test_a_delivery_is_signed_and_named(sandbox: LemonSqueezySandbox, receiver: Receiver, shop: Shop) -> None:
    shop.subscribe()
    sandbox.deliveries.pump()
    for (body, headers), event in zip(receiver.got, sandbox.events, strict=True):
        assert headers["x-signature"] == hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert headers["x-event-name"] == event["meta"]["event_name"]
        assert headers["content-type"].startswith("application/json")
        assert msgspec.json.decode(body) == event
    assert len({event["meta"]["webhook_id"] for event in sandbox.events}) == 4


@pytest.mark.usefixtures("order")
def test_a_body_that_is_printed_again_has_another_signature(sandbox: LemonSqueezySandbox, receiver: Receiver) -> None:
    sandbox.deliveries.pump()
    body, _ = receiver.got[0]
    assert msgspec.json.encode(msgspec.json.decode(body)) != body


def test_the_mode_is_told_in_meta_and_in_attributes() -> None:
    sandbox = LemonSqueezySandbox(test_mode=False)
    Shop(sandbox).subscribe()
    for event in sandbox.events:
        assert (event["meta"]["test_mode"], event["data"]["attributes"]["test_mode"]) == (False, False)


@pytest.mark.usefixtures("order")
@pytest.mark.parametrize("status", [201, 204, 302, 404, 500])
def test_nothing_but_200_settles_a_delivery(sandbox: LemonSqueezySandbox, receiver: Receiver, status: int) -> None:
    receiver.status = status
    assert [attempt.answered for attempt in sandbox.deliveries.pump()] == [False]
    assert len(sandbox.deliveries.pending()) == 1


@pytest.mark.usefixtures("order")
def test_it_is_given_up_after_155_seconds(sandbox: LemonSqueezySandbox, receiver: Receiver) -> None:
    receiver.status = 500
    begin, tried = sandbox.clock.now(), []
    for _ in range(600):
        tried += [sandbox.clock.now() - begin for _ in sandbox.deliveries.pump()]
        sandbox.advance(1)
    assert tried == [0, 5, 30, 155]
    assert sandbox.deliveries.pending() == []
    assert len({body for body, _ in receiver.got}) == 1
    receiver.status = 200
    sandbox.advance(DAY)
    assert sandbox.deliveries.pump() == []


@pytest.mark.usefixtures("order")
def test_a_retry_that_is_taken_is_the_last(sandbox: LemonSqueezySandbox, receiver: Receiver) -> None:
    receiver.status = 503
    sandbox.deliveries.pump()
    receiver.status = 200
    sandbox.advance(5)
    assert [attempt.answered for attempt in sandbox.deliveries.pump()] == [True]
    assert receiver.bodies[0]["meta"] == receiver.bodies[1]["meta"]
    assert sandbox.deliveries.pending() == []


@pytest.mark.parametrize(("keep_id", "fresh"), [(True, True), (True, False), (False, True), (False, False)])
def test_a_resent_event_tells_the_same(
    sandbox: LemonSqueezySandbox, receiver: Receiver, order: str, keep_id: bool, fresh: bool
) -> None:
    sandbox.advance(60)
    sandbox.refund("orders", order, 5)
    sandbox.resend(0, keep_id=keep_id, fresh_render=fresh)
    sandbox.deliveries.pump()
    assert receiver.names == ["order_created", "order_refunded", "order_created"]
    first, _, again = receiver.bodies
    assert (first["meta"]["webhook_id"] == again["meta"]["webhook_id"]) is keep_id
    old, new = first["data"]["attributes"], again["data"]["attributes"]
    assert (old.pop("urls") == new.pop("urls")) is not fresh
    assert (old, new["refunded_amount"]) == (new, 0)


def test_an_event_is_resent_by_its_id(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    shop.subscribe()
    chosen = sandbox.events[1]
    again = sandbox.resend(chosen["meta"]["webhook_id"], keep_id=True, fresh_render=False)
    assert again == chosen == sandbox.events[-1]
    with pytest.raises(LookupError):
        sandbox.resend("none")


def _webhook(shop: Shop, receiver_url: str, *events: str, **more: str) -> Json:
    attributes = {"url": receiver_url, "events": list(events), "secret": "first-secret", **more}
    return shop.create("webhooks", attributes, store=("stores", "1"))


def test_a_webhook_gets_its_events_and_hides_its_secret(
    sandbox: LemonSqueezySandbox, listening: Receiver, shop: Shop
) -> None:
    listening.got.clear()
    listening.status = 200
    made = _webhook(shop, listening.url, "order_created", "subscription_created")
    assert "secret" not in made["attributes"]
    assert made["attributes"]["last_sent_at"] is None
    shop.subscribe()
    sandbox.deliveries.pump()
    assert listening.names == ["order_created", "subscription_created"]
    body, headers = listening.got[0]
    assert headers["x-signature"] == sign(body, "first-secret")
    assert shop.get("webhooks", made["id"])["last_sent_at"] is not None


def test_a_new_secret_holds_at_once(sandbox: LemonSqueezySandbox, listening: Receiver, shop: Shop) -> None:
    listening.got.clear()
    listening.status = 200
    made = _webhook(shop, listening.url, "order_created")
    assert "secret" not in shop.change("webhooks", made["id"], secret="second-secret")["attributes"]
    shop.subscribe()
    sandbox.deliveries.pump()
    body, headers = listening.got[0]
    assert headers["x-signature"] == sign(body, "second-secret")
    shop.change("webhooks", made["id"], events=["order_refunded"])
    shop.subscribe()
    assert sandbox.deliveries.pending() == []


def test_a_deleted_webhook_gets_nothing(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    made = _webhook(shop, "http://127.0.0.1:9/hook", "order_created")
    assert sandbox.call("DELETE", f"/v1/webhooks/{made['id']}") == {}
    shop.subscribe()
    assert sandbox.deliveries.pending() == []
    assert refusal(lambda: sandbox.call("GET", f"/v1/webhooks/{made['id']}")).status == 404
    assert _webhook(shop, "http://127.0.0.1:9/hook", "order_created")["id"] == "2"


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "short"},
        {"secret": "x" * 41},
        {"url": "example.com/hook"},
        {"events": []},
        {"events": ["order_paid"]},
        {"events": "order_created"},
    ],
)
def test_a_webhook_that_makes_no_sense_is_refused(shop: Shop, wrong: Json) -> None:
    correct = {"url": "https://example.com/hook", "events": ["order_created"], "secret": "long-enough"}
    error = refusal(lambda: shop.create("webhooks", correct | wrong, store=("stores", "1")))
    assert pointers(error)[0].startswith(f"/data/attributes/{next(iter(wrong))}")


@pytest.mark.usefixtures("order")
def test_a_dropped_delivery_never_arrives(sandbox: LemonSqueezySandbox, receiver: Receiver) -> None:
    sandbox.faults.drop = 1
    assert sandbox.deliveries.pump() == []
    sandbox.advance(DAY)
    assert sandbox.deliveries.pump() == []
    assert receiver.got == []


@pytest.mark.usefixtures("order")
def test_a_duplicated_delivery_is_the_same_delivery(sandbox: LemonSqueezySandbox, receiver: Receiver) -> None:
    sandbox.faults.duplicate = 1
    sandbox.deliveries.pump()
    assert len(receiver.got) == 2
    assert receiver.got[0][0] == receiver.got[1][0]


def test_a_delayed_delivery_arrives_after_later_ones(
    sandbox: LemonSqueezySandbox, receiver: Receiver, order: str
) -> None:
    sandbox.faults.delay = 1
    sandbox.deliveries.pump()
    sandbox.refund("orders", order)
    sandbox.deliveries.pump()
    sandbox.advance(sandbox.faults.delay_seconds)
    sandbox.deliveries.pump()
    assert receiver.names == ["order_refunded", "order_created"]


def test_reordered_deliveries_are_the_same_deliveries(
    sandbox: LemonSqueezySandbox, receiver: Receiver, shop: Shop
) -> None:
    sandbox.faults.reorder = True
    shop.subscribe()
    shop.subscribe()
    sandbox.deliveries.pump()
    in_order = [event["meta"]["webhook_id"] for event in sandbox.events]
    arrived = [body["meta"]["webhook_id"] for body in receiver.bodies]
    assert sorted(arrived) == sorted(in_order)
    assert arrived != in_order


@pytest.mark.usefixtures("order")
def test_a_wrong_signature_is_somebody_elses(sandbox: LemonSqueezySandbox, receiver: Receiver) -> None:
    sandbox.faults.wrong_signature = 1
    sandbox.deliveries.pump()
    body, headers = receiver.got[0]
    assert headers["x-signature"] not in ("", sign(body, SECRET))
