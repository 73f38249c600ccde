"""Notifications: one event on its way to one destination, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from service.sandbox.delivery import Attempt, Delivery, Endpoint
from service.sandbox.paddle.times import stamp

if TYPE_CHECKING:
    from service.sandbox.paddle.world import World

Json = dict[str, Any]


def everyone(world: World, event: Json) -> None:
    """Notify every destination that wants events of this type."""
    for endpoint in world.endpoints.values():
        if endpoint.wants(event["event_type"]):
            send(world, event, endpoint, "event")


def send(world: World, event: Json, endpoint: Endpoint, origin: str) -> Json:
    """Make a notification of an event and queue its delivery."""
    notification_id = world.notification_ids.new("ntf", world.now * 1_000_000)
    payload = {
        "event_id": event["event_id"],
        "event_type": event["event_type"],
        "occurred_at": event["occurred_at"],
        "notification_id": notification_id,
        "data": event["data"],
    }
    notification: Json = {
        "id": notification_id,
        "type": event["event_type"],
        "status": "not_attempted",
        "payload": payload,
        "occurred_at": event["occurred_at"],
        "delivered_at": None,
        "replayed_at": None,
        "origin": origin,
        "last_attempt_at": None,
        "retry_at": None,
        "times_attempted": 0,
        "notification_setting_id": endpoint.id,
        "_logs": [],
        "_created": world.now,
    }
    world.tables["notification"].add(notification_id, notification)
    delivery = world.deliveries.add(event["event_id"], endpoint, msgspec.json.encode(payload))
    delivery.tell = lambda sent, attempt: _attempted(world, notification, sent, attempt)
    return notification


def _attempted(world: World, notification: Json, delivery: Delivery, attempt: Attempt) -> None:
    """Write down one attempt and what becomes of the notification; a delivered one stays delivered."""
    at = stamp(world.now)
    log = {
        "id": world.notification_ids.new("ntflog", world.now * 1_000_000),
        "response_code": attempt.status or 0,
        "response_content_type": None,
        "response_body": attempt.error or "",
        "attempted_at": at,
    }
    notification["_logs"].append(log)
    notification |= {"last_attempt_at": at, "times_attempted": notification["times_attempted"] + 1}
    if attempt.answered:
        notification |= {"status": "delivered", "delivered_at": at, "retry_at": None}
    elif notification["status"] != "delivered":
        waits = delivery.due > world.now
        retry = stamp(delivery.due) if waits else None
        notification |= {"status": "needs_retry" if waits else "failed", "retry_at": retry}
