"""Products."""

from typing import Any

from service.sandbox.paddle.kinds import Fields, csv, custom_data, id_of, nullable, one_of, text
from service.sandbox.paddle.objects.catalogue import STATUS, STATUSES, of_status
from service.sandbox.paddle.paging import Page, among, listing, page
from service.sandbox.paddle.render import plain
from service.sandbox.paddle.routes import Route
from service.sandbox.paddle.world import World

Json = dict[str, Any]

TAX_CATEGORY = one_of(
    *("digital-goods", "ebooks", "implementation-services", "professional-services", "saas", "standard"),
    *("software-programming-services", "training-services", "website-hosting"),
)
TYPE = one_of("standard", "custom")
_FIELDS = {
    "name": text(200),
    "tax_category": TAX_CATEGORY,
    "type": TYPE,
    "description": nullable(text(2_048)),
    "image_url": nullable(text()),
    "custom_data": custom_data,
}
CREATE = Fields("name tax_category", **_FIELDS)
UPDATE = Fields("", **_FIELDS, status=STATUS)
INCLUDE = Fields("", include=csv(one_of("prices")))
LIST = listing(
    "pro",
    **INCLUDE.kinds,
    id=csv(id_of("pro")),
    status=STATUSES,
    tax_category=csv(TAX_CATEGORY),
    type=csv(TYPE),
)


def create(world: World, fields: Json) -> Json:
    """Create a product."""
    defaults: Json = {"type": "standard", "description": None, "image_url": None, "custom_data": None}
    values = defaults | fields | {"status": "active", "import_meta": None}
    return world.add("product", "product.created", **values)


def retrieve(world: World, params: Json, product_id: str) -> Json:
    """The product, archived or not."""
    return _with_prices(world, world.get("product", product_id), params)


def update(world: World, fields: Json, product_id: str) -> Json:
    """Change a product; `status` archives it and brings it back."""
    return world.change(world.get("product", product_id), "product.updated", **fields)


def listed(world: World, params: Json) -> Page:
    """Products; archived ones only if `status` asks for them."""
    found = page(world, "product", params, of_status(params), among(params, "id", "tax_category", "type"))
    found.rows[:] = [_with_prices(world, row, params) for row in found.rows]
    return found


def _with_prices(world: World, product: Json, params: Json) -> Json:
    if "include" not in params:
        return product
    prices = [plain(price) for _, price in world.tables["price"].upwards() if price["product_id"] == product["id"]]
    return product | {"prices": prices}


ROUTES = [
    Route("POST", "/products", "product", create, CREATE, 201),
    Route("GET", "/products", "product", listed, LIST),
    Route("GET", "/products/*", "product", retrieve, INCLUDE),
    Route("PATCH", "/products/*", "product", update, UPDATE),
]
