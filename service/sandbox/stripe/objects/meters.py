"""Billing meters, meter events and their summaries."""

from typing import Any

from service.sandbox.stripe.billing.usage import total
from service.sandbox.stripe.errors import invalid, refused
from service.sandbox.stripe.objects.attributes import taken
from service.sandbox.stripe.paging import CURSOR, Page, page, page_of
from service.sandbox.stripe.params import Fields, moment, one_of, text
from service.sandbox.stripe.params import metadata as text_by_name
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.settings import DAY
from service.sandbox.stripe.shapes import fresh
from service.sandbox.stripe.usage_errors import report
from service.sandbox.stripe.world import World

Json = dict[str, Any]

PAST_DAYS, AHEAD_SECONDS, UNIQUE_SECONDS = 35, 300, DAY

_METER = Fields(
    "display_name event_name default_aggregation",
    customer_mapping=Fields("event_payload_key type", event_payload_key=text, type=one_of("by_id")),
    default_aggregation=Fields("formula", formula=one_of("count", "last", "sum")),
    display_name=text,
    event_name=text,
    event_time_window=one_of("day", "hour"),
    value_settings=Fields("event_payload_key", event_payload_key=text),
)
_EVENT = Fields("event_name payload", event_name=text, payload=text_by_name, identifier=text, timestamp=moment)
_SUMMARIES = CURSOR.plus(
    "customer start_time end_time",
    customer=text,
    start_time=moment,
    end_time=moment,
    value_grouping_window=one_of("day", "hour"),
)


def create(world: World, params: Json) -> Json:
    """Create a meter; one active meter has an event name."""
    for other in world.tables["billing.meter"].oldest():
        if other["event_name"] == params["event_name"] and other["status"] == "active":
            raise refused(f"A meter with event name {params['event_name']} already exists.", param="event_name")
    defaults = {
        "customer_mapping": {"event_payload_key": "stripe_customer_id", "type": "by_id"},
        "value_settings": {"event_payload_key": "value"},
    }
    return world.add("billing.meter", "mtr_test", ["billing.meter.created"], updated=world.now, **defaults | params)


def retrieve(world: World, _params: Json, meter_id: str) -> Json:
    """The meter."""
    return world.get("billing.meter", meter_id)


def update(world: World, params: Json, meter_id: str) -> Json:
    """Change a meter's name."""
    meter = world.get("billing.meter", meter_id)
    return world.change(meter, "billing.meter.updated", updated=world.now, **params)


def deactivate(world: World, _params: Json, meter_id: str) -> Json:
    """Deactivate a meter: it takes no events until it is reactivated."""
    return _switch(world, meter_id, "inactive", world.now, "billing.meter.deactivated")


def reactivate(world: World, _params: Json, meter_id: str) -> Json:
    """Let a deactivated meter take events again."""
    return _switch(world, meter_id, "active", None, "billing.meter.reactivated")


def _switch(world: World, meter_id: str, status: str, at: int | None, kind: str) -> Json:
    meter = world.get("billing.meter", meter_id)
    if meter["status"] == status:
        raise refused(f"Meter {meter_id} is already {status}.")
    transitions = {"deactivated_at": at}
    return world.change(meter, kind, status=status, status_transitions=transitions, updated=world.now)


def listed(world: World, params: Json) -> Page:
    """Meters."""
    status = params.get("status")
    return page(world, "/v1/billing/meters", "billing.meter", params, lambda row: status in (None, row["status"]))


def record(world: World, params: Json) -> Json:
    """Accept usage. What is wrong with customer, value or meter is only reported later, by a thin event.

    Raises:
        SandboxError: an identifier that was used within the last 24 hours, or a timestamp out of range.
    """
    at = params.get("timestamp", world.now)
    _check_time(world, at)
    identifier = params.get("identifier") or world.ids.token(24)
    _check_unique(world, identifier)
    payload = params["payload"] or {}
    event = fresh("billing.meter_event", created=world.now, event_name=params["event_name"], timestamp=at)
    event |= {"identifier": identifier, "payload": payload, "id": identifier}
    if not report(world, event):
        world.tables["billing.meter_event"].add(event)
    world.identifiers[identifier] = world.now
    return {name: value for name, value in event.items() if name != "id"}


def _check_time(world: World, at: int) -> None:
    if at < world.now - PAST_DAYS * DAY:
        message = f"The timestamp must be within the past {PAST_DAYS} calendar days."
        raise invalid(message, "timestamp", code="timestamp_too_far_in_past")
    if at > world.now + AHEAD_SECONDS:
        message = "The timestamp cannot be more than 5 minutes in the future."
        raise invalid(message, "timestamp", code="timestamp_in_future")


def _check_unique(world: World, identifier: str) -> None:
    used = world.identifiers.get(identifier)
    if used is not None and world.now - used < UNIQUE_SECONDS:
        raise refused(f"An event already exists with identifier {identifier}.", param="identifier")


def summaries(world: World, params: Json, meter_id: str) -> Page:
    """What a customer used, in one window or by hour or day, newest window first; windows of nothing are left out."""
    meter = world.get("billing.meter", meter_id)
    start, end = params["start_time"], params["end_time"]
    step = {"day": DAY, "hour": 3_600}.get(params.get("value_grouping_window", ""))
    for name, at in (("start_time", start), ("end_time", end)):
        if at % (step or 60):
            unit = params.get("value_grouping_window", "minute")
            raise invalid(f"Timestamps must be aligned with {unit} boundaries.", name)
    if end <= start:
        raise invalid("The end_time must be after the start_time.", "end_time")
    rows = []
    for begin in range(start, end, step or end - start):
        until = min(begin + (step or end - start), end)
        value = total(world, meter, params["customer"], begin, until)
        if value or step is None:
            rows.append(_summary(meter, value, begin, until))
    url = f"/v1/billing/meters/{meter_id}/event_summaries"
    return page_of(world, url, rows[::-1], taken(params, "limit", "starting_after", "ending_before"))


def _summary(meter: Json, value: float, start: int, end: int) -> Json:
    summary = {"id": f"mtrusg_{meter['id']}_{start}", "meter": meter["id"], "start_time": start, "end_time": end}
    return fresh("billing.meter_event_summary", aggregated_value=value, **summary)


_LIST = CURSOR.plus(status=one_of("active", "inactive"))
_BY_NAME = Fields(display_name=text)

ROUTES = [
    Route("POST", "/v1/billing/meters", "billing.meter", create, _METER),
    Route("GET", "/v1/billing/meters", "billing.meter", listed, _LIST),
    Route("GET", "/v1/billing/meters/*", "billing.meter", retrieve),
    Route("POST", "/v1/billing/meters/*", "billing.meter", update, _BY_NAME),
    Route("POST", "/v1/billing/meters/*/deactivate", "billing.meter", deactivate),
    Route("POST", "/v1/billing/meters/*/reactivate", "billing.meter", reactivate),
    Route("GET", "/v1/billing/meters/*/event_summaries", "billing.meter", summaries, _SUMMARIES),
    Route("POST", "/v1/billing/meter_events", "billing.meter_event", record, _EVENT),
]
