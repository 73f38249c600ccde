"""What meter events add up to."""

from typing import Any

from service.sandbox.stripe.world import World

Json = dict[str, Any]


def total(world: World, meter: Json, customer_id: str, start: int, end: int) -> float:
    """The meter's value for a customer from `start` up to but without `end`, by the meter's own formula."""
    name = meter["customer_mapping"]["event_payload_key"]
    value_name = meter["value_settings"]["event_payload_key"]
    events = [
        event
        for event in world.tables["billing.meter_event"].oldest()
        if event["event_name"] == meter["event_name"]
        and event["payload"].get(name) == customer_id
        and start <= event["timestamp"] < end
    ]
    formula = meter["default_aggregation"]["formula"]
    if formula == "count":
        return float(len(events))
    values = [float(event["payload"][value_name]) for event in sorted(events, key=lambda each: int(each["timestamp"]))]
    return values[-1] if formula == "last" and values else sum(values)


def of_item(world: World, subscription: Json, item: Json, start: int, end: int) -> int:
    """The quantity that a metered subscription item has used within a period."""
    meter = world.tables["billing.meter"].get(item["price"]["recurring"]["meter"] or "")
    return int(total(world, meter, subscription["customer"], start, end)) if meter else 0
