"""Reading the event log."""

from typing import Any

from service.sandbox.paddle.events import OTHER_TYPES, TYPES, described
from service.sandbox.paddle.kinds import csv, moment, one_of, text
from service.sandbox.paddle.paging import Page, listing, page
from service.sandbox.paddle.routes import Route
from service.sandbox.paddle.settings import DAY
from service.sandbox.paddle.ulids import first
from service.sandbox.paddle.world import World

Json = dict[str, Any]

LIST = listing("evt", event_type=csv(one_of(*TYPES, *OTHER_TYPES)), filter=text(), to=moment, **{"from": moment})


def listed(world: World, params: Json) -> Page:
    """Events of the last 90 days; `from` and `to` (both included, assumed) bound `occurred_at`.

    `filter` looks for its text in the event's object, its id for instance: assumed, since Paddle does not say.
    """
    kinds, begin, end = params.get("event_type"), params.get("from", ""), params.get("to", "9999")
    sought = params.get("filter")

    def test(row: Json) -> bool:
        return (
            (kinds is None or row["event_type"] in kinds)
            and begin <= row["occurred_at"] <= end
            and (sought is None or sought in str(row["data"]))
        )

    return page(world, "event", params, test, since=oldest(world, "evt"))


def oldest(world: World, prefix: str) -> str:
    """The least id of what is still remembered."""
    return first(prefix, (world.now - world.faults.event_days * DAY) * 1_000_000)


def types(_world: World, _params: Json) -> list[Json]:
    """Every type of event."""
    return [described(name) for name in sorted((*TYPES, *OTHER_TYPES))]


ROUTES = [
    Route("GET", "/events", "event", listed, LIST),
    Route("GET", "/event-types", "event_type", types),
]
