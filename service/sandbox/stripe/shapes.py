"""Fresh objects in the shape of API version 2026-10-28.endive."""

from importlib.resources import files
from typing import Any

import msgspec

Json = dict[str, Any]

_SHAPES: dict[str, bytes] = {
    name: msgspec.json.encode(shape)
    for name, shape in msgspec.json.decode(files(__package__).joinpath("shapes.json").read_bytes()).items()
}


def fresh(resource: str, **values: Any) -> Json:
    """A new object of the resource with every field that Stripe renders, `values` put over the defaults."""
    shape: Json = msgspec.json.decode(_SHAPES[resource])
    return shape | values


def nested_list(url: str, data: list[Json]) -> Json:
    """A list inside an object, as Stripe nests it."""
    return {"object": "list", "data": data, "has_more": False, "url": url}
