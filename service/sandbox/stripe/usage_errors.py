"""Rejected usage, which Stripe reports only later and only by thin events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from service.sandbox.stripe import thin

if TYPE_CHECKING:
    from service.sandbox.stripe.world import World

Json = dict[str, Any]

_TRIGGERED = "v1.billing.meter.error_report_triggered"
_NO_METER = "v1.billing.meter.no_meter_found"


def report(world: World, event: Json) -> bool:
    """Send the thin event for usage that can't be counted; False if there is nothing wrong with it."""
    meters = [m for m in world.tables["billing.meter"].oldest() if m["event_name"] == event["event_name"]]
    meter = next((each for each in meters if each["status"] == "active"), None)
    if meter is None:
        code = "archived_meter" if meters else "meter_event_no_meter_found"
        _send(world, _TRIGGERED if meters else _NO_METER, meters[-1]["id"] if meters else None, code, event)
        return True
    fault = _fault(world, meter, event["payload"])
    if fault is not None:
        _send(world, _TRIGGERED, meter["id"], fault, event)
    return fault is not None


def _fault(world: World, meter: Json, payload: Json) -> str | None:
    customer = payload.get(meter["customer_mapping"]["event_payload_key"])
    if customer is None:
        return "no_customer_defined"
    if world.tables["customer"].get(customer) is None:
        return "meter_event_customer_not_found"
    if meter["default_aggregation"]["formula"] == "count":
        return None
    value = payload.get(meter["value_settings"]["event_payload_key"], "")
    try:
        float(value)
    except ValueError:
        return "meter_event_invalid_value"
    return None


def _send(world: World, kind: str, meter_id: str | None, code: str, event: Json) -> None:
    sample = {"error_message": code.replace("_", " "), "request": {"identifier": event["identifier"]}}
    data = {
        "developer_message_summary": "There is 1 invalid event",
        "reason": {"error_count": 1, "error_types": [{"code": code, "error_count": 1, "sample_errors": [sample]}]},
        "validation_start": thin.stamp(world.now),
        "validation_end": thin.stamp(world.now + 10),
    }
    full = thin.alone(world.ids.new("evt_test"), kind, world.now, meter_id, data)
    world.thin_alone[full["id"]] = full
    notification = {name: value for name, value in full.items() if name != "data"}
    for endpoint in world.endpoints.values():
        if endpoint.payload == "thin" and endpoint.wants(kind):
            world.deliveries.add(full["id"], endpoint, msgspec.json.encode(notification))
