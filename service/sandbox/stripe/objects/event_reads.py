"""Reading the event log: snapshots under `/v1/events`, their thin twins under `/v2/core/events`."""

from typing import Any

from service.sandbox.stripe import thin
from service.sandbox.stripe.errors import invalid, missing
from service.sandbox.stripe.paging import CREATED, Page, page
from service.sandbox.stripe.params import boolean, list_of, text
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.settings import DAY
from service.sandbox.stripe.world import World

Json = dict[str, Any]

_LIST = CREATED.plus(delivery_success=boolean, type=text, types=list_of(text, most=20))


def _kept_since(world: World) -> int:
    return world.now - world.faults.event_days * DAY


def retrieve(world: World, _params: Json, event_id: str) -> Json:
    """The event, for as long as events are kept."""
    event = world.get("event", event_id)
    if event["created"] < _kept_since(world):
        raise missing("event", event_id)
    return event


def listed(world: World, params: Json) -> Page:
    """Events that are still kept; `delivery_success=false` keeps those that an endpoint has not acknowledged."""
    if "type" in params and "types" in params:
        raise invalid("You may only specify one of these parameters: type, types.", "type")
    matches = _types(params)
    success = params.get("delivery_success")

    def test(row: Json) -> bool:
        return matches(row["type"]) and success in (None, world.deliveries.unanswered(row["id"]) == 0)

    created = dict(params.get("created", {}))
    created["gte"] = max(created.get("gte", 0), _kept_since(world))
    return page(world, "/v1/events", "event", params | {"created": created}, test)


def _types(params: Json) -> Any:
    if "types" in params:
        wanted = frozenset(params["types"])
        return lambda kind: kind in wanted
    pattern = params.get("type")
    if pattern is None or pattern == "*":
        return lambda _kind: True
    if pattern.endswith("*"):
        return lambda kind: kind.startswith(pattern[:-1])
    return lambda kind: kind == pattern


def retrieve_thin(world: World, _params: Json, event_id: str) -> Json:
    """The full event behind a thin notification, naming its snapshot twin if it has one."""
    if event_id in world.thin_alone:
        return world.thin_alone[event_id]
    for event in world.log[len(world.twins) :]:
        world.twins[thin.twin_id(event)] = event
    found = world.twins.get(event_id)
    if found is None or found["created"] < _kept_since(world):
        raise missing("event", event_id)
    return thin.full(found)


ROUTES = [
    Route("GET", "/v1/events", "event", listed, _LIST),
    Route("GET", "/v1/events/*", "event", retrieve),
    Route("GET", "/v2/core/events/*", "event", retrieve_thin),
]
