"""Addresses of customers."""

from typing import Any

from service.sandbox.paddle.errors import not_found
from service.sandbox.paddle.kinds import Fields, Unfit, csv, custom_data, id_of, nullable, text
from service.sandbox.paddle.objects.catalogue import STATUS, STATUSES, of_status
from service.sandbox.paddle.paging import Page, among, listing, page
from service.sandbox.paddle.routes import Route
from service.sandbox.paddle.world import World

Json = dict[str, Any]


def country(value: Any) -> str:
    """A two-letter country code."""
    if not isinstance(value, str) or len(value) != 2 or not (value.isascii() and value.isupper()):
        raise Unfit("must be a valid two-letter ISO 3166-1 country code")
    return value


_TEXTS = ("description", "first_line", "second_line", "city", "postal_code", "region")
_FIELDS = {"country_code": country, "custom_data": custom_data, **dict.fromkeys(_TEXTS, nullable(text()))}
CREATE = Fields("country_code", **_FIELDS)
UPDATE = Fields("", **_FIELDS, status=STATUS)
LIST = listing("add", id=csv(id_of("add")), status=STATUSES, search=text())


def create(world: World, fields: Json, customer_id: str) -> Json:
    """Create an address of a customer."""
    customer = world.get("customer", customer_id)
    defaults: Json = {**dict.fromkeys(_TEXTS), "custom_data": None}
    values = defaults | fields | {"customer_id": customer["id"], "status": "active", "import_meta": None}
    return world.add("address", "address.created", **values)


def of_customer(world: World, customer_id: str, address_id: str) -> Json:
    """The address.

    Raises:
        SandboxError: 404, also for an address of another customer.
    """
    address = world.get("address", address_id)
    if address["customer_id"] != customer_id:
        raise not_found("Address", address_id)
    return address


def retrieve(world: World, _params: Json, customer_id: str, address_id: str) -> Json:
    """The address, archived or not."""
    return of_customer(world, customer_id, address_id)


def update(world: World, fields: Json, customer_id: str, address_id: str) -> Json:
    """Change an address."""
    return world.change(of_customer(world, customer_id, address_id), "address.updated", **fields)


def listed(world: World, params: Json, customer_id: str) -> Page:
    """The customer's addresses; archived ones only if `status` asks for them."""
    world.get("customer", customer_id)
    sought = params.get("search", "").lower()

    def test(row: Json) -> bool:
        return row["customer_id"] == customer_id and sought in " ".join(str(row[name]) for name in _TEXTS).lower()

    return page(world, "address", params, of_status(params), among(params, "id"), test)


ROUTES = [
    Route("POST", "/customers/*/addresses", "address", create, CREATE, 201),
    Route("GET", "/customers/*/addresses", "address", listed, LIST),
    Route("GET", "/customers/*/addresses/*", "address", retrieve),
    Route("PATCH", "/customers/*/addresses/*", "address", update, UPDATE),
]
