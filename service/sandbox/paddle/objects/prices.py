"""Prices."""

from typing import Any

from service.sandbox.paddle.errors import refused
from service.sandbox.paddle.kinds import (
    DURATION,
    Fields,
    Kind,
    amount,
    csv,
    custom_data,
    flag,
    id_of,
    list_of,
    nullable,
    one_of,
    text,
    whole,
)
from service.sandbox.paddle.money import CURRENCIES
from service.sandbox.paddle.objects.addresses import country
from service.sandbox.paddle.objects.catalogue import STATUS, STATUSES, of_status
from service.sandbox.paddle.objects.products import TYPE
from service.sandbox.paddle.paging import Page, among, listing, page
from service.sandbox.paddle.render import plain
from service.sandbox.paddle.routes import Route
from service.sandbox.paddle.world import World

Json = dict[str, Any]

MONEY = Fields("amount currency_code", amount=amount, currency_code=one_of(*CURRENCIES))
_OVERRIDE = Fields("country_codes unit_price", country_codes=list_of(country, least=1, most=250), unit_price=MONEY)
_QUANTITY = Fields("minimum maximum", minimum=whole(1, 100), maximum=whole(1, 1_000_000))
_TRIAL = DURATION.plus({"requires_payment_method": one_of(True)})
_FIELDS: dict[str, Kind] = {
    "description": text(500),
    "name": nullable(text(150)),
    "type": TYPE,
    "billing_cycle": nullable(DURATION),
    "trial_period": nullable(_TRIAL),
    "tax_mode": one_of("account_setting", "external", "internal", "location"),
    "unit_price": MONEY,
    "unit_price_overrides": list_of(_OVERRIDE, most=250),
    "quantity": _QUANTITY,
    "custom_data": custom_data,
}
CREATE = Fields("description product_id unit_price", **_FIELDS, product_id=id_of("pro"))
UPDATE = Fields("", **_FIELDS, status=STATUS)
INCLUDE = Fields("", include=csv(one_of("product")))
LIST = listing(
    "pri",
    **INCLUDE.kinds,
    id=csv(id_of("pri")),
    product_id=csv(id_of("pro")),
    status=STATUSES,
    type=csv(TYPE),
    recurring=flag,
)


def create(world: World, fields: Json) -> Json:
    """Create a price of a product."""
    world.get("product", fields["product_id"])
    defaults: Json = {
        **dict.fromkeys(("name", "billing_cycle", "trial_period", "custom_data")),
        "type": "standard",
        "tax_mode": "account_setting",
        "unit_price_overrides": [],
        "quantity": {"minimum": 1, "maximum": 100},
    }
    _check(defaults | fields)
    return world.add("price", "price.created", **(defaults | fields), status="active", import_meta=None)


def _check(price: Json) -> None:
    if price["trial_period"] is not None and price["billing_cycle"] is None:
        raise refused("bad_request", "trial_period requires a billing_cycle")
    if price["quantity"]["minimum"] > price["quantity"]["maximum"]:
        raise refused("bad_request", "quantity.minimum must not be greater than quantity.maximum")


def retrieve(world: World, params: Json, price_id: str) -> Json:
    """The price, archived or not."""
    return _with_product(world, world.get("price", price_id), params)


def update(world: World, fields: Json, price_id: str) -> Json:
    """Change a price; subscriptions and transactions keep the one that they were made with."""
    price = world.get("price", price_id)
    _check(price | fields)
    return world.change(price, "price.updated", **fields)


def listed(world: World, params: Json) -> Page:
    """Prices; archived ones only if `status` asks for them."""
    recurring = params.get("recurring")

    def test(row: Json) -> bool:
        return recurring is None or recurring == (row["billing_cycle"] is not None)

    found = page(world, "price", params, of_status(params), among(params, "id", "product_id", "type"), test)
    found.rows[:] = [_with_product(world, row, params) for row in found.rows]
    return found


def _with_product(world: World, price: Json, params: Json) -> Json:
    if "include" not in params:
        return price
    return price | {"product": plain(world.get("product", price["product_id"]))}


ROUTES = [
    Route("POST", "/prices", "price", create, CREATE, 201),
    Route("GET", "/prices", "price", listed, LIST),
    Route("GET", "/prices/*", "price", retrieve, INCLUDE),
    Route("PATCH", "/prices/*", "price", update, UPDATE),
]
