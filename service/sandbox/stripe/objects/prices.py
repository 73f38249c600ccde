"""Prices."""

from decimal import Decimal
from typing import Any

from service.sandbox.stripe.errors import invalid, missing_parameter, refused
from service.sandbox.stripe.objects.attributes import metadata, taken
from service.sandbox.stripe.paging import CREATED, Page, page
from service.sandbox.stripe.params import Fields, boolean, clearable, decimal, integer, list_of, natural, one_of, text
from service.sandbox.stripe.params import metadata as metadata_kind
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.search import SEARCH, Found, search
from service.sandbox.stripe.world import World

Json = dict[str, Any]


def currency(value: Any, path: str) -> str:
    """A three-letter currency, lower case."""
    code = text(value, path).lower()
    if len(code) != 3 or not code.isalpha():
        raise invalid(f"Invalid currency: {code}.", path)
    return code


_RECURRING = Fields(
    "interval",
    interval=one_of("day", "week", "month", "year"),
    interval_count=integer,
    usage_type=one_of("licensed", "metered"),
    meter=text,
    trial_period_days=natural,
)
_TAX = one_of("exclusive", "inclusive", "unspecified")
_UPDATE = Fields(active=boolean, lookup_key=clearable, metadata=metadata_kind, nickname=clearable, tax_behavior=_TAX)
_CREATE = _UPDATE.plus(
    "currency",
    billing_scheme=one_of("per_unit", "tiered"),
    currency=currency,
    product=text,
    product_data=Fields("name", name=text, id=text, active=boolean, metadata=metadata_kind, unit_label=text),
    recurring=_RECURRING,
    transfer_lookup_key=boolean,
    unit_amount=integer,
    unit_amount_decimal=decimal,
)
INLINE_OF_PRODUCT = Fields(
    "currency", currency=currency, unit_amount=integer, unit_amount_decimal=decimal, recurring=_RECURRING
)
"""A price that is described inside its product."""
INLINE = INLINE_OF_PRODUCT.plus("product", product=text, tax_behavior=_TAX)
"""A price that is described where it is used."""
_LIST = CREATED.plus(
    active=boolean,
    currency=currency,
    product=text,
    type=one_of("one_time", "recurring"),
    lookup_keys=list_of(text, most=10),
    recurring=Fields(interval=text, meter=text, usage_type=text),
)
_DEFAULTS: Json = {"interval_count": 1, "usage_type": "licensed", "meter": None, "trial_period_days": None}


def _amounts(params: Json) -> Json:
    if "unit_amount" in params:
        return {"unit_amount": params["unit_amount"], "unit_amount_decimal": str(params["unit_amount"])}
    if "unit_amount_decimal" not in params:
        raise missing_parameter("unit_amount")
    exact = Decimal(params["unit_amount_decimal"])
    whole = int(exact) if exact == exact.to_integral_value() else None
    return {"unit_amount": whole, "unit_amount_decimal": params["unit_amount_decimal"]}


def _product(world: World, params: Json) -> str:
    if "product_data" in params:
        described = {"updated": world.now} | params["product_data"]
        return str(world.add("product", "prod", ["product.created"], **described)["id"])
    if "product" not in params:
        raise missing_parameter("product")
    return str(world.get("product", params["product"], "product")["id"])


def _recurring(world: World, params: Json) -> Json:
    sent = params.get("recurring")
    if not sent:
        return {"recurring": None, "type": "one_time"}
    recurring = _DEFAULTS | sent
    if recurring["meter"]:
        world.get("billing.meter", recurring["meter"], "recurring[meter]")
        if recurring["usage_type"] != "metered":
            raise refused("A price with a meter must have usage_type metered.", param="recurring[usage_type]")
    return {"recurring": recurring, "type": "recurring"}


def create(world: World, params: Json) -> Json:
    """Create a price of a product; without `recurring` it is paid once."""
    values = _amounts(params) | _recurring(world, params) | {"product": _product(world, params)}
    key = params.get("lookup_key")
    for other in world.tables["price"].oldest() if key else ():
        if other["lookup_key"] == key and not params.get("transfer_lookup_key"):
            raise refused(f"A price (`{other['id']}`) already uses that lookup key.", param="lookup_key")
    plain = taken(params, "currency", "active", "lookup_key", "nickname", "tax_behavior", "billing_scheme")
    return world.add("price", "price", ["price.created"], **values, **plain, **metadata(params))


def retrieve(world: World, _params: Json, price_id: str) -> Json:
    """The price."""
    return world.get("price", price_id)


def update(world: World, params: Json, price_id: str) -> Json:
    """Change what can be changed of a price; its amount can't."""
    price = world.get("price", price_id)
    values = taken(params, "active", "lookup_key", "nickname", "tax_behavior") | metadata(params, price["metadata"])
    return world.change(price, "price.updated", **values)


def listed(world: World, params: Json) -> Page:
    """Prices."""
    wanted = taken(params, "active", "currency", "product", "type")
    keys, recurring = params.get("lookup_keys"), params.get("recurring") or {}

    def test(row: Json) -> bool:
        return (
            all(row[name] == value for name, value in wanted.items())
            and (not keys or row["lookup_key"] in keys)
            and all((row["recurring"] or {}).get(name) == value for name, value in recurring.items())
        )

    return page(world, "/v1/prices", "price", params, test)


def searched(world: World, params: Json) -> Found:
    """Prices that match a query."""
    return search(world, "/v1/prices/search", "price", params)


ROUTES = [
    Route("POST", "/v1/prices", "price", create, _CREATE),
    Route("GET", "/v1/prices", "price", listed, _LIST),
    Route("GET", "/v1/prices/search", "price", searched, SEARCH),
    Route("GET", "/v1/prices/*", "price", retrieve),
    Route("POST", "/v1/prices/*", "price", update, _UPDATE),
]
