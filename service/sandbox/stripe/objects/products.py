"""Products."""

from typing import Any

from service.sandbox.stripe.errors import refused
from service.sandbox.stripe.objects import prices
from service.sandbox.stripe.objects.attributes import metadata, taken
from service.sandbox.stripe.paging import CREATED, Page, page
from service.sandbox.stripe.params import Fields, anything, boolean, clearable, list_of, text
from service.sandbox.stripe.params import metadata as metadata_kind
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.search import SEARCH, Found, search
from service.sandbox.stripe.world import World

Json = dict[str, Any]

_SHARED = Fields(
    active=boolean,
    description=clearable,
    images=list_of(text, most=8),
    marketing_features=anything,
    metadata=metadata_kind,
    name=text,
    package_dimensions=anything,
    shippable=boolean,
    statement_descriptor=text,
    tax_code=clearable,
    unit_label=clearable,
    url=clearable,
)
_CREATE = _SHARED.plus("name", id=text, type=text, default_price_data=prices.INLINE_OF_PRODUCT)
_UPDATE = _SHARED.plus(default_price=text)
_LIST = CREATED.plus(active=boolean, ids=list_of(text), shippable=boolean, url=text)


def _values(params: Json, old: Json) -> Json:
    return taken(params, *_SHARED.kinds, "id", "type", "default_price") | metadata(params, old.get("metadata"))


def create(world: World, params: Json) -> Json:
    """Create a product, with its default price if that is described."""
    taken_id = params.get("id")
    if taken_id and world.tables["product"].place(taken_id) is not None:
        raise refused(f"Product already exists: '{taken_id}'", code="resource_already_exists", param="id")
    product = world.add("product", "prod", ["product.created"], updated=world.now, **_values(params, {}))
    if "default_price_data" in params:
        price = prices.create(world, params["default_price_data"] | {"product": product["id"]})
        world.change(product, "product.updated", default_price=price["id"])
    return product


def retrieve(world: World, _params: Json, product_id: str) -> Json:
    """The product, or the stub that is left of a deleted one."""
    return world.tables["product"].tombstones.get(product_id) or world.get("product", product_id)


def update(world: World, params: Json, product_id: str) -> Json:
    """Change a product."""
    product = world.get("product", product_id)
    if "default_price" in params:
        world.get("price", params["default_price"], "default_price")
    return world.change(product, "product.updated", updated=world.now, **_values(params, product))


def delete(world: World, _params: Json, product_id: str) -> Json:
    """Delete a product that has no prices."""
    product = world.get("product", product_id)
    if any(price["product"] == product_id for price in world.tables["price"].oldest()):
        raise refused("This product cannot be deleted because it has one or more user-created prices.")
    return world.remove("product", product, "product.deleted", tombstone=True)


def listed(world: World, params: Json) -> Page:
    """Products that are not deleted."""
    wanted = taken(params, "active", "shippable", "url")
    ids = params.get("ids")

    def test(row: Json) -> bool:
        return all(row[name] == value for name, value in wanted.items()) and (not ids or row["id"] in ids)

    return page(world, "/v1/products", "product", params, test)


def searched(world: World, params: Json) -> Found:
    """Products that match a query."""
    return search(world, "/v1/products/search", "product", params)


ROUTES = [
    Route("POST", "/v1/products", "product", create, _CREATE),
    Route("GET", "/v1/products", "product", listed, _LIST),
    Route("GET", "/v1/products/search", "product", searched, SEARCH),
    Route("GET", "/v1/products/*", "product", retrieve),
    Route("POST", "/v1/products/*", "product", update, _UPDATE),
    Route("DELETE", "/v1/products/*", "product", delete),
]
