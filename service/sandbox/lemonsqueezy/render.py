"""Objects as the API and the webhooks show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.sandbox.lemonsqueezy.shapes import SHAPES
from service.sandbox.lemonsqueezy.table import Row

if TYPE_CHECKING:
    from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]


def resource(world: World, row: Row, base: str | None = None, *, urls: bool = True) -> Json:
    """The resource object: attributes, and relationships that are links only.

    Every rendering signs its `urls` anew; `urls=False` leaves them out. `base` begins the links.
    """
    shape = SHAPES[row.kind]
    attributes = row.attributes | shape.show(world, row)
    attributes |= urls_of(world, row) if urls else {}
    own = f"{base or world.settings.base_url}/v1/{row.kind}/{row.id}"
    return {
        "type": row.kind,
        "id": str(row.id),
        "attributes": attributes,
        "relationships": {each.name: {"links": _links(own, each.name)} for each in shape.relations},
        "links": {"self": own},
    }


def urls_of(world: World, row: Row) -> Json:
    """The attributes that hold signed URLs, signed now."""
    return SHAPES[row.kind].urls(world, row)


def _links(own: str, name: str) -> Json:
    return {"related": f"{own}/{name}", "self": f"{own}/relationships/{name}"}
