"""What a change sends: the body of a webhook, and sending it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from service.sandbox.lemonsqueezy.render import resource, urls_of
from service.sandbox.lemonsqueezy.table import Row

if TYPE_CHECKING:
    from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]

WEBHOOK = "webhook "
"""What the names of endpoints begin with that a webhook object made; its id follows."""
NAMES = (
    "order_created",
    "order_refunded",
    "subscription_created",
    "subscription_updated",
    "subscription_cancelled",
    "subscription_resumed",
    "subscription_expired",
    "subscription_paused",
    "subscription_unpaused",
    "subscription_payment_success",
    "subscription_payment_failed",
    "subscription_payment_recovered",
    "subscription_payment_refunded",
    "license_key_created",
    "license_key_updated",
    "affiliate_activated",
)


def emit(world: World, row: Row, name: str) -> None:
    """Record an event about the object as it is now, and queue it for the endpoints that want it."""
    meta: Json = {"event_name": name, "test_mode": world.settings.test_mode, "webhook_id": world.uuid()}
    custom = row.hidden.get("custom")
    if custom and (row.kind != "subscription-invoices" or world.settings.custom_data_on_invoices):
        meta["custom_data"] = custom
    _send(world, {"meta": meta, "data": resource(world, row)})


def resend(world: World, event: Json, *, keep_id: bool, fresh_render: bool) -> Json:
    """Send an event again: what it told stays; its `webhook_id` and its signed URLs may be new."""
    again: Json = msgspec.json.decode(msgspec.json.encode(event))
    if not keep_id:
        again["meta"]["webhook_id"] = world.uuid()
    row = world.find(again["data"]["type"], again["data"]["id"])
    if fresh_render and row is not None:
        again["data"]["attributes"] |= urls_of(world, row)
    _send(world, again)
    return again


def _send(world: World, event: Json) -> None:
    body = msgspec.json.encode(event)
    # A log that shared parts with the objects would change with them.
    world.log.append(msgspec.json.decode(body))
    name, event_id = event["meta"]["event_name"], event["meta"]["webhook_id"]
    for endpoint in world.endpoints.values():
        if endpoint.wants(name):
            world.deliveries.add(event_id, endpoint, _as_php(body))
            _note(world, endpoint.id)


def _note(world: World, endpoint_id: str) -> None:
    """Let the webhook behind an endpoint, if there is one, show when it was last used."""
    webhook = world.find("webhooks", endpoint_id.removeprefix(WEBHOOK))
    if webhook is not None:
        webhook.attributes["last_sent_at"] = world.stamp


def _as_php(body: bytes) -> bytes:
    """PHP's `json_encode` escapes every slash, so a body that is parsed and printed again has another signature."""
    return body.replace(b"/", rb"\/")
