"""Deliveries: signed, retried, and spoiled on request."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
import stripe
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.sandbox.server import serving
from service.sandbox.stripe import StripeSandbox, sign
from tests.sandbox.shop import DAY, Shop, refusal


@dataclass
class Receiver:
    """A webhook endpoint on a real socket that answers with `status` and keeps what it got."""

    url: str = ""
    status: int = 200
    got: list[tuple[bytes, str]] = field(default_factory=list)

    @property
    def types(self) -> list[str]:
        return [stripe.Event.construct_from(_json(body), None).type for body, _ in self.got]

    async def take(self, request: Request) -> Response:
        self.got.append((await request.body(), request.headers["stripe-signature"]))
        return Response(status_code=self.status)


def _json(body: bytes) -> dict[str, object]:
    parsed: dict[str, object] = httpx.Response(200, content=body).json()
    return parsed


@pytest.fixture(scope="module")
def listening() -> Iterator[Receiver]:
    receiver = Receiver()
    with serving(Starlette(routes=[Route("/hook", receiver.take, methods=["POST"])])) as url:
        receiver.url = f"{url}/hook"
        yield receiver


@pytest.fixture
def receiver(listening: Receiver) -> Receiver:
    listening.status = 200
    listening.got.clear()
    return listening


@pytest.fixture
def secret(sandbox: StripeSandbox, receiver: Receiver) -> str:
    sandbox.register_endpoint(receiver.url, "whsec_test")
    return "whsec_test"


def test_the_signature_is_stripes() -> None:
    secret = "whsec_test_0123456789abcdef"
    body = (
        b'{"id":"evt_test_1","object":"event","api_version":"2026-10-28.endive","created":1790000000,"livemode":false,'
        b'"type":"invoice.paid","data":{"object":{"id":"in_1","object":"invoice","currency":"twd",'
        b'"amount_paid":29900}}}'
    )
    wanted = "t=1790000000,v1=eb3700f865fe058b2312985f5eaebc80c14d63d37ac5c1c9b167ac247df54815"
    assert sign(body, secret, 1_790_000_000) == wanted
    both = sign(body, secret, 1_790_000_000, extra_secrets=["whsec_test_old_fedcba9876543210"])
    assert both == wanted + ",v1=2ee377662a589fadc829161de8a9280911f52b0575c91506900e2a61678d7741"


def test_a_delivery_passes_the_sdks_verifier(
    sandbox: StripeSandbox, receiver: Receiver, secret: str, shop: Shop
) -> None:
    customer = shop.customer()
    sandbox.deliveries.pump()
    body, header = receiver.got[0]
    event = stripe.Webhook.construct_event(body, header, secret)
    assert (event.type, event.data.object["id"]) == ("customer.created", customer)
    assert event.pending_webhooks == 1


def test_a_created_endpoint_shows_its_secret_once(
    sandbox: StripeSandbox, client: stripe.StripeClient, receiver: Receiver, shop: Shop
) -> None:
    endpoint = client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.created"]})
    assert endpoint.secret is not None
    assert "secret" not in client.v1.webhook_endpoints.retrieve(endpoint.id).to_dict()
    shop.price()
    shop.customer()
    sandbox.deliveries.pump()
    assert receiver.types == ["customer.created"]
    body, header = receiver.got[0]
    stripe.WebhookSignature.verify_header(body.decode(), header, endpoint.secret)


def test_what_happens_while_an_endpoint_is_disabled_is_not_sent_later(
    sandbox: StripeSandbox, client: stripe.StripeClient, receiver: Receiver, shop: Shop
) -> None:
    endpoint = client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    client.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    shop.customer()
    client.v1.webhook_endpoints.update(endpoint.id, {"disabled": False})
    assert sandbox.deliveries.pending() == []


def test_an_endpoint_gets_the_shape_of_its_own_version(sandbox: StripeSandbox, receiver: Receiver, shop: Shop) -> None:
    sandbox.register_endpoint(receiver.url, "whsec_old", "2024-06-20")
    sandbox.register_endpoint(receiver.url, "whsec_new")
    shop.subscription()
    bodies = [_json(each.body) for each in sandbox.deliveries.take()]
    made = [body for body in bodies if body["type"] == "customer.subscription.created"]
    objects = [body["data"]["object"] for body in made]  # type: ignore[index]
    assert [("current_period_end" in each) for each in objects] == [True, False]
    assert [body["api_version"] for body in made] == ["2024-06-20", "2026-10-28.endive"]


def test_a_refused_delivery_is_tried_again_later(
    sandbox: StripeSandbox, receiver: Receiver, secret: str, shop: Shop
) -> None:
    assert secret
    shop.customer()
    receiver.status = 503
    assert [attempt.status for attempt in sandbox.deliveries.pump()] == [503]
    assert sandbox.deliveries.pump() == []
    receiver.status = 200
    sandbox.advance(300)
    assert [attempt.status for attempt in sandbox.deliveries.pump()] == [200]
    assert len({header for _, header in receiver.got}) >= 1
    assert sandbox.deliveries.pending() == []


def test_retries_end_after_about_three_days(
    sandbox: StripeSandbox, receiver: Receiver, secret: str, shop: Shop
) -> None:
    assert secret
    receiver.status = 500
    shop.customer()
    begin, attempts = sandbox.clock.now(), 0
    while waiting := sandbox.deliveries.pending():
        sandbox.advance(max(waiting[0].due - sandbox.clock.now(), 0))
        attempts += len(sandbox.deliveries.pump())
    assert attempts == 10
    assert 2 * DAY < sandbox.clock.now() - begin <= 3 * DAY


def test_an_endpoint_that_is_down_is_an_attempt_with_an_error(sandbox: StripeSandbox, shop: Shop) -> None:
    sandbox.register_endpoint("http://127.0.0.1:9/hook", "whsec_x")
    shop.customer()
    attempt = sandbox.deliveries.pump()[0]
    assert attempt.status is None
    assert str(attempt.error).startswith("ConnectError")


def test_unacknowledged_events_can_be_listed(
    sandbox: StripeSandbox, client: stripe.StripeClient, secret: str, shop: Shop
) -> None:
    assert secret
    shop.customer()
    sandbox.deliveries.pump()
    sandbox.faults.drop = 1
    shop.price()
    sandbox.deliveries.pump()
    open_events = client.v1.events.list({"delivery_success": False}).data
    assert [(event.type, event.pending_webhooks) for event in open_events] == [("product.created", 1)]
    assert len(client.v1.events.list({"delivery_success": True}).data) == 2


def test_a_taken_delivery_is_settled_by_its_taker(
    sandbox: StripeSandbox, client: stripe.StripeClient, secret: str, shop: Shop
) -> None:
    assert secret
    shop.customer()
    delivery = sandbox.deliveries.take()[0]
    assert len(client.v1.events.list({"delivery_success": False}).data) == 1
    sandbox.deliveries.answer(delivery, 500)
    assert len(client.v1.events.list({"delivery_success": False}).data) == 1
    sandbox.deliveries.answer(delivery, 200)
    assert client.v1.events.list({"delivery_success": False}).data == []


def test_a_dropped_delivery_never_arrives(sandbox: StripeSandbox, receiver: Receiver, secret: str, shop: Shop) -> None:
    assert secret
    sandbox.faults.drop = 1
    shop.customer()
    assert sandbox.deliveries.pump() == []
    sandbox.advance(3 * DAY)
    assert sandbox.deliveries.pump() == []
    assert receiver.got == []


def test_a_duplicated_delivery_arrives_twice_and_counts_once(
    sandbox: StripeSandbox, receiver: Receiver, secret: str, shop: Shop
) -> None:
    assert secret
    sandbox.faults.duplicate = 1
    shop.customer()
    sandbox.deliveries.pump()
    assert len(receiver.got) == 2
    assert receiver.got[0][0] == receiver.got[1][0]
    assert sandbox.deliveries.unanswered(sandbox.events[0]["id"]) == 0


def test_a_delayed_delivery_arrives_after_later_ones(
    sandbox: StripeSandbox, receiver: Receiver, secret: str, shop: Shop
) -> None:
    assert secret
    sandbox.faults.delay = 1
    shop.customer()
    shop.price()
    sandbox.deliveries.pump()
    sandbox.advance(sandbox.faults.delay_seconds)
    sandbox.deliveries.pump()
    assert receiver.types == ["product.created", "price.created", "customer.created"]


def test_reordered_deliveries_are_the_same_deliveries(
    sandbox: StripeSandbox, receiver: Receiver, secret: str, shop: Shop
) -> None:
    assert secret
    sandbox.faults.reorder = True
    shop.subscription()
    sandbox.deliveries.pump()
    in_order = [event["type"] for event in sandbox.events]
    assert sorted(receiver.types) == sorted(in_order)
    assert receiver.types != in_order


@pytest.mark.parametrize("fault", ["wrong_signature", "stale_signature"])
def test_a_spoiled_signature_fails_the_sdks_verifier(
    sandbox: StripeSandbox, receiver: Receiver, secret: str, shop: Shop, fault: str
) -> None:
    setattr(sandbox.faults, fault, 1)
    shop.customer()
    sandbox.deliveries.pump()
    body, header = receiver.got[0]
    refusal(lambda: stripe.WebhookSignature.verify_header(body.decode(), header, secret, tolerance=300))
