"""The event log: what each change says, to whom, and in which shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from service.sandbox.delivery import Endpoint
from service.sandbox.stripe import thin
from service.sandbox.stripe.legacy import is_legacy
from service.sandbox.stripe.render import view

if TYPE_CHECKING:
    from service.sandbox.stripe.world import World

Json = dict[str, Any]

OLD = "2024-06-20"


def emit(world: World, thing: Json, types: Iterable[str]) -> None:
    """Record one event of each type about the object as it is now, and queue it for the endpoints that want it.

    An `*.updated` event carries what changed since the object's last event, and is left out if nothing did.
    """
    version = world.faults.api_version or world.settings.api_version
    shapes = {old: _data(world, thing, old) for old in _shapes_wanted(world, version)}
    for kind in types:
        if not kind.endswith(".updated"):
            _record(world, kind, {old: {"object": data["object"]} for old, data in shapes.items()}, version)
        elif shapes[False].get("previous_attributes") != {}:
            _record(world, kind, shapes, version)


def _shapes_wanted(world: World, version: str) -> set[bool]:
    """Which renderings this event needs, True for that of before basil; the current one always."""
    pinned = (each.api_version for each in world.endpoints.values() if each.api_version)
    return {False, is_legacy(version), *map(is_legacy, pinned)}


def _data(world: World, thing: Json, old: bool) -> Json:
    """The event's `data` in one shape. What was seen in the other shape only is no base for a difference."""
    version = OLD if old else world.settings.api_version
    now: Json = msgspec.json.decode(msgspec.json.encode(view(world, thing, version)))
    before = world.seen.get((thing["id"], old))
    world.seen[thing["id"], old] = now
    if before is None:
        return {"object": now}
    return {"object": now, "previous_attributes": previous_attributes(before, now)}


def previous_attributes(before: Json, now: Json) -> Json:
    """The old values of what differs: nested hashes in part, arrays whole, None for what was not there."""
    changed: Json = {}
    for name in dict.fromkeys([*now, *before]):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            changed[name] = previous_attributes(old, new)
        else:
            changed[name] = old
    return changed


def _record(world: World, kind: str, shapes: dict[bool, Json], version: str) -> None:
    wanting = [each for each in world.endpoints.values() if each.wants(kind)]
    step = max(world.faults.stamp_seconds, 1)
    event: Json = {
        "id": world.ids.new("evt"),
        "object": "event",
        "api_version": version,
        "created": world.now - world.now % step,
        "data": shapes[is_legacy(version)],
        "livemode": False,
        "pending_webhooks": len(wanting),
        "request": {"id": world.cause.request_id, "idempotency_key": world.cause.idempotency_key},
        "type": kind,
    }
    world.log.append(event)
    world.tables["event"].add(event)
    for endpoint in wanting:
        world.deliveries.add(event["id"], endpoint, _body(event, endpoint, shapes))


def _body(event: Json, endpoint: Endpoint, shapes: dict[bool, Json]) -> bytes:
    """The bytes that one endpoint gets: Stripe prints its deliveries with an indent of two."""
    if endpoint.payload == "thin":
        return msgspec.json.encode(thin.notification(event))
    version = endpoint.api_version or event["api_version"]
    own = {**event, "api_version": version, "data": shapes[is_legacy(version)]}
    return msgspec.json.format(msgspec.json.encode(own), indent=2)
