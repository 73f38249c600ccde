"""Thin events: the notification that names an object, and the full event behind it (`/v2/core/events`)."""

from datetime import UTC, datetime
from typing import Any

from service.sandbox.ids import derived

Json = dict[str, Any]

PATHS = {
    "billing.meter": "billing/meters",
    "checkout.session": "checkout/sessions",
    "webhook_endpoint": "webhook_endpoints",
}


def twin_id(event: Json) -> str:
    """The id of a snapshot event's thin twin."""
    return derived("evt_test", event["id"])


def stamp(moment: int) -> str:
    """Unix seconds as the text that the v2 API uses."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def notification(event: Json) -> Json:
    """The thin notification of a snapshot event: no body of the object, and no word of the snapshot."""
    about = event["data"]["object"]
    return _envelope(twin_id(event), "v1." + event["type"], event["created"], event["request"]) | {
        "related_object": related(about["object"], about["id"])
    }


def full(event: Json) -> Json:
    """What `GET /v2/core/events/{id}` answers for a snapshot event's twin."""
    before = event["data"].get("previous_attributes")
    about = event["data"]["object"]
    after = {name: about.get(name) for name in before} if before else None
    return notification(event) | {
        "changes": {"before": before, "after": after} if before else None,
        "snapshot_event": event["id"],
    }


def alone(event_id: str, kind: str, created: int, meter: str | None, data: Json) -> Json:
    """A thin event without a snapshot: Stripe reports rejected usage in no other way."""
    return _envelope(event_id, kind, created, {"id": None, "idempotency_key": None}) | {
        "related_object": related("billing.meter", meter) if meter else None,
        "data": data,
    }


def related(resource: str, object_id: str) -> Json:
    """How a thin event names an object."""
    path = PATHS.get(resource, resource + "s")
    return {"id": object_id, "type": resource, "url": f"/v1/{path}/{object_id}"}


def _envelope(event_id: str, kind: str, created: int, request: Json) -> Json:
    reason = {"type": "request", "request": request} if request["id"] else None
    return {
        "id": event_id,
        "object": "v2.core.event",
        "type": kind,
        "livemode": False,
        "created": stamp(created),
        "context": None,
        "reason": reason,
    }
