"""Deliveries: signed, retried, replayed, and spoiled on request."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from paddle_billing.Notifications import Secret, Verifier  # type: ignore[import-untyped]
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.sandbox.paddle import PaddleSandbox, sign
from service.sandbox.paddle.settings import LIVE_RETRIES, SANDBOX_RETRIES
from service.sandbox.server import serving
from tests.sandbox.paddle.shop import DAY, HOUR, Shop, code_of, refusal

SECRET = "pdl_ntfset_01h8bz0000000000000000000_testsecretABC123"


@dataclass
class Receiver:
    """A webhook endpoint on a real socket that answers with `status` and keeps what it got."""

    url: str = ""
    status: int = 200
    got: list[tuple[bytes, str]] = field(default_factory=list)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body, _ in self.got]

    async def take(self, request: Request) -> Response:
        self.got.append((await request.body(), request.headers["paddle-signature"]))
        return Response(status_code=self.status)


@pytest.fixture(scope="module")
def listening() -> Iterator[Receiver]:
    receiver = Receiver()
    with serving(Starlette(routes=[Route("/hook", receiver.take, methods=["POST"])])) as url:
        receiver.url = f"{url}/hook"
        yield receiver


@pytest.fixture
def receiver(listening: Receiver, sandbox: PaddleSandbox) -> Receiver:
    listening.status = 200
    listening.got.clear()
    sandbox.register_endpoint(listening.url, SECRET)
    return listening


def _is_signed(body: bytes, header: str, secret: str) -> bool:
    request = SimpleNamespace(headers={"Paddle-Signature": header}, body=body)
    return bool(Verifier(60).verify(request, Secret(secret)))


def test_the_signature_is_paddles() -> None:
    body = (
        b'{"event_id":"evt_01h8bzakzx3hm2fmen703n5q45","event_type":"transaction.completed",'
        b'"occurred_at":"2026-09-21T12:53:20.123456Z","notification_id":"ntf_01h8bzam7dqq5r4a83sxtv5j0z",'
        b'"data":{"id":"txn_01h8bzakzx3hm2fmen703n5q46","status":"completed","currency_code":"TWD"}}'
    )
    wanted = "ts=1790000000;h1=443815b266e91cfa9d141eca60c45934560f8d59d7c4457a88b3136845e52aab"
    assert sign(body, SECRET, 1_790_000_000) == wanted
    old = "pdl_ntfset_01h8bz0000000000000000000_oldsecretXYZ789"
    both = sign(body, SECRET, 1_790_000_000, extra_secrets=[old])
    assert both == wanted + ";h1=1203b48a664d97eacbe0e808bad18a384447f88de760f0aa564b2889f4e755fa"


def test_a_delivery_passes_the_sdks_verifier(sandbox: PaddleSandbox, receiver: Receiver, shop: Shop) -> None:
    customer = shop.customer()
    sandbox.deliveries.pump()
    body, header = receiver.got[0]
    assert _is_signed(body, header, SECRET)
    sent = receiver.bodies[0]
    assert list(sent) == ["event_id", "event_type", "occurred_at", "notification_id", "data"]
    assert (sent["event_type"], sent["data"]["id"]) == ("customer.created", customer)
    assert sent["event_id"] == sandbox.events[0]["event_id"]


@pytest.mark.parametrize("status", [201, 202, 204, 302, 400, 500])
def test_nothing_but_200_is_an_answer(sandbox: PaddleSandbox, receiver: Receiver, shop: Shop, status: int) -> None:
    receiver.status = status
    shop.customer()
    attempt = sandbox.deliveries.pump()[0]
    assert (attempt.status, attempt.answered) == (status, False)
    notification = shop.rows("/notifications")[0]
    assert (notification["status"], notification["times_attempted"]) == ("needs_retry", 1)
    assert notification["retry_at"] > notification["last_attempt_at"]


def test_a_retry_is_signed_anew(sandbox: PaddleSandbox, receiver: Receiver, shop: Shop) -> None:
    receiver.status = 500
    shop.customer()
    sandbox.deliveries.pump()
    time.sleep(1.1)
    sandbox.advance(HOUR)
    receiver.status = 200
    sandbox.deliveries.pump()
    (first, one), (second, other) = receiver.got
    assert first == second
    assert int(other[3:13]) > int(one[3:13])
    assert shop.rows("/notifications", status="delivered")[0]["times_attempted"] == 2


def test_sixty_retries_fill_three_days(sandbox: PaddleSandbox, receiver: Receiver, shop: Shop) -> None:
    assert len(LIVE_RETRIES) == 60
    assert 2.9 * DAY < sum(LIVE_RETRIES) < 3 * DAY
    assert sum(SANDBOX_RETRIES) == 15 * 60
    receiver.status = 500
    shop.customer()
    for _ in range(90):
        sandbox.deliveries.pump()
        sandbox.advance(9 * HOUR)
    assert len(receiver.got) == 61
    assert sandbox.deliveries.pending() == []
    assert shop.rows("/notifications")[0]["status"] == "failed"
    notification = shop.rows("/notifications")[0]["id"]
    assert len(shop.rows(f"/notifications/{notification}/logs", per_page=200)) == 61


def test_a_replay_is_a_new_notification_of_the_same_event(
    sandbox: PaddleSandbox, receiver: Receiver, shop: Shop
) -> None:
    shop.customer()
    first = shop.rows("/notifications")[0]["id"]
    early = refusal(lambda: shop.post(f"/notifications/{first}/replay"))
    assert (early.status, code_of(early)) == (400, "notification_cannot_replay")
    sandbox.deliveries.pump()
    again = shop.post(f"/notifications/{first}/replay")["notification_id"]
    sandbox.deliveries.pump()
    one, other = receiver.bodies
    assert (one["notification_id"], other["notification_id"]) == (first, again)
    assert one["event_id"] == other["event_id"]
    assert first != again
    assert sandbox.call("GET", f"/notifications/{again}")["data"]["origin"] == "replay"
    assert sandbox.call("GET", f"/notifications/{first}")["data"]["replayed_at"] is not None
    assert len(sandbox.events) == 1


@pytest.mark.usefixtures("receiver")
def test_notifications_are_filtered_and_forgotten(sandbox: PaddleSandbox, shop: Shop) -> None:
    customer = shop.customer()
    assert len(shop.rows("/notifications", status="not_attempted,failed", search=customer)) == 1
    setting = shop.rows("/notification-settings")[0]["id"]
    assert len(shop.rows("/notifications", notification_setting_id=setting)) == 1
    assert shop.rows("/notifications", status="delivered") == []
    assert shop.rows("/notifications", **{"from": "2027-01-01T00:00:00Z"}) == []
    notification = shop.rows("/notifications")[0]["id"]
    sandbox.advance(90 * DAY + 1)
    assert shop.rows("/notifications") == []
    assert refusal(lambda: shop.rows(f"/notifications/{notification}")).status == 404


def test_a_destination_gets_what_it_subscribed_to(sandbox: PaddleSandbox, listening: Receiver, shop: Shop) -> None:
    listening.got.clear()
    sent = {"description": "x", "destination": listening.url, "type": "url", "subscribed_events": ["customer.created"]}
    setting = shop.post("/notification-settings", sent)
    assert [each["name"] for each in setting["subscribed_events"]] == ["customer.created"]
    shop.price()
    shop.customer()
    sandbox.deliveries.pump()
    assert [body["event_type"] for body in listening.bodies] == ["customer.created"]
    assert _is_signed(*listening.got[0], setting["endpoint_secret_key"])
    path = f"/notification-settings/{setting['id']}"
    shop.patch(path, {"active": False})
    shop.customer()
    shop.patch(path, {"active": True, "traffic_source": "simulation"})
    shop.customer()
    shop.patch(path, {"traffic_source": "all", "subscribed_events": ["price.created"]})
    shop.customer()
    assert sandbox.deliveries.pending() == []
    assert [row["id"] for row in shop.rows("/notification-settings", active=True)] == [setting["id"]]
    assert sandbox.call("DELETE", path) == {}
    assert refusal(lambda: shop.rows(path)).status == 404


def test_a_rotated_secret_signs_beside_the_old_one_for_a_while(
    sandbox: PaddleSandbox, receiver: Receiver, shop: Shop
) -> None:
    setting = shop.rows("/notification-settings")[0]["id"]
    shop.customer()
    new = sandbox.rotate_secret(setting, overlap_seconds=HOUR)["endpoint_secret_key"]
    shop.customer()
    sandbox.deliveries.pump()
    for body, header in receiver.got:
        assert header.count("h1=") == 2
        assert _is_signed(body, header, SECRET)
        assert _is_signed(body, header, new)
    sandbox.advance(HOUR)
    shop.customer()
    sandbox.deliveries.pump()
    body, header = receiver.got[-1]
    assert header.count("h1=") == 1
    assert _is_signed(body, header, new)
    assert not _is_signed(body, header, SECRET)


def test_spoiled_signatures(sandbox: PaddleSandbox, receiver: Receiver, shop: Shop) -> None:
    sandbox.faults.wrong_signature = 1
    shop.customer()
    sandbox.deliveries.pump()
    assert not _is_signed(*receiver.got[0], SECRET)
    sandbox.faults.stale_signature = 1
    shop.customer()
    sandbox.deliveries.pump()
    body, header = receiver.got[1]
    stamp, mac = header.split(";")
    assert int(stamp[3:]) < time.time() - 590
    wanted = hmac.new(SECRET.encode(), stamp[3:].encode() + b":" + body, hashlib.sha256).hexdigest()
    assert mac == f"h1={wanted}"


def test_lost_doubled_late_and_shuffled_deliveries(sandbox: PaddleSandbox, receiver: Receiver, shop: Shop) -> None:
    sandbox.faults.drop = 1
    shop.customer()
    sandbox.deliveries.pump()
    assert (receiver.got, shop.rows("/notifications")[0]["status"]) == ([], "not_attempted")
    sandbox.faults.duplicate = 1
    shop.customer()
    sandbox.deliveries.pump()
    one, other = receiver.bodies
    assert one == other
    sandbox.faults.delay = 1
    shop.customer()
    assert sandbox.deliveries.pump() == []
    sandbox.advance(HOUR)
    assert len(sandbox.deliveries.pump()) == 1
    sandbox.faults.reorder = True
    for _ in range(8):
        shop.customer()
    sandbox.deliveries.pump()
    ids = [body["event_id"] for body in receiver.bodies[-8:]]
    assert ids != sorted(ids)
    assert set(ids) == {event["event_id"] for event in sandbox.events[-8:]}


@pytest.mark.usefixtures("receiver")
def test_what_was_delivered_once_stays_delivered(sandbox: PaddleSandbox, shop: Shop) -> None:
    shop.customer()
    delivery = sandbox.deliveries.take()[0]
    for status in (500, 200, 500):
        sandbox.deliveries.answer(delivery, status)
    assert shop.rows("/notifications")[0]["status"] == "delivered"
    assert sandbox.deliveries.unanswered(delivery.event_id) == 0
