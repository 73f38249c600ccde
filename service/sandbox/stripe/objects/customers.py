"""Customers."""

from typing import Any

from service.sandbox.stripe.billing import standing
from service.sandbox.stripe.objects.attributes import metadata, taken
from service.sandbox.stripe.paging import CREATED, Page, page
from service.sandbox.stripe.params import Fields, anything, clearable, integer, list_of, natural, one_of, text
from service.sandbox.stripe.params import metadata as metadata_kind
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.search import SEARCH, Found, search
from service.sandbox.stripe.world import World

Json = dict[str, Any]

_INVOICE_SETTINGS = Fields(
    default_payment_method=clearable, footer=clearable, custom_fields=anything, rendering_options=anything
)
_UPDATE = Fields(
    address=anything,
    balance=integer,
    business_name=clearable,
    description=clearable,
    email=clearable,
    individual_name=clearable,
    invoice_prefix=text,
    invoice_settings=_INVOICE_SETTINGS,
    metadata=metadata_kind,
    name=clearable,
    next_invoice_sequence=natural,
    phone=clearable,
    preferred_locales=list_of(text),
    shipping=anything,
    source=text,
    tax_exempt=one_of("none", "exempt", "reverse"),
)
_CREATE = _UPDATE.plus(payment_method=text, test_clock=text)
_PLAIN = ("balance", "business_name", "description", "email", "individual_name", "invoice_prefix", "name")
_MORE = ("next_invoice_sequence", "phone", "preferred_locales", "tax_exempt", "test_clock")


def _values(params: Json, old: Json) -> Json:
    values = taken(params, *_PLAIN, *_MORE) | metadata(params, old.get("metadata"))
    for name in ("address", "shipping"):
        if name in params:
            values[name] = params[name] or None
    settings = dict(params.get("invoice_settings") or {})
    if "payment_method" in params:
        settings.setdefault("default_payment_method", params["payment_method"])
    if settings:
        values["invoice_settings"] = old.get("invoice_settings", _NO_SETTINGS) | settings
    return values


_NO_SETTINGS: Json = {"custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None}


def create(world: World, params: Json) -> Json:
    """Create a customer; nothing is required, and an email may be used twice."""
    start = {"invoice_prefix": world.ids.token(8).upper(), "invoice_settings": _NO_SETTINGS}
    return world.add("customer", "cus", ["customer.created"], **start | _values(params, {}))


def retrieve(world: World, _params: Json, customer_id: str) -> Json:
    """The customer, or the stub that is left of a deleted one."""
    tombstone = world.tables["customer"].tombstones.get(customer_id)
    return tombstone or world.get("customer", customer_id)


def update(world: World, params: Json, customer_id: str) -> Json:
    """Change a customer."""
    customer = world.get("customer", customer_id)
    return world.change(customer, "customer.updated", **_values(params, customer))


def delete(world: World, _params: Json, customer_id: str) -> Json:
    """Delete a customer for good and cancel its subscriptions at once."""
    customer = world.get("customer", customer_id)
    for subscription in list(world.tables["subscription"].oldest()):
        if subscription["customer"] == customer_id and standing.lives(subscription):
            standing.end(world, subscription, reason=None)
    return world.remove("customer", customer, "customer.deleted", tombstone=True)


def listed(world: World, params: Json) -> Page:
    """Customers that are not deleted."""
    email = params.get("email")
    return page(world, "/v1/customers", "customer", params, lambda row: email is None or row["email"] == email)


def searched(world: World, params: Json) -> Found:
    """Customers that match a query."""
    return search(world, "/v1/customers/search", "customer", params)


ROUTES = [
    Route("POST", "/v1/customers", "customer", create, _CREATE),
    Route("GET", "/v1/customers", "customer", listed, CREATED.plus(email=text, test_clock=text)),
    Route("GET", "/v1/customers/search", "customer", searched, SEARCH),
    Route("GET", "/v1/customers/*", "customer", retrieve),
    Route("POST", "/v1/customers/*", "customer", update, _UPDATE),
    Route("DELETE", "/v1/customers/*", "customer", delete),
]
