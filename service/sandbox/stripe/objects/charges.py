"""Charges: made by payment intents, read and annotated here."""

from typing import Any

from service.sandbox.stripe.objects.attributes import metadata, taken
from service.sandbox.stripe.paging import CREATED, CURSOR, Page, page, page_of
from service.sandbox.stripe.params import Fields, clearable, text
from service.sandbox.stripe.params import metadata as metadata_kind
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.search import SEARCH, Found, search
from service.sandbox.stripe.world import World

Json = dict[str, Any]

_UPDATE = Fields(description=clearable, metadata=metadata_kind, receipt_email=clearable)


def retrieve(world: World, _params: Json, charge_id: str) -> Json:
    """The charge."""
    return world.get("charge", charge_id)


def update(world: World, params: Json, charge_id: str) -> Json:
    """Change a charge's description or metadata."""
    charge = world.get("charge", charge_id)
    values = taken(params, "description", "receipt_email") | metadata(params, charge["metadata"])
    return world.change(charge, "charge.updated", **values)


def listed(world: World, params: Json) -> Page:
    """Charges, failed ones included."""
    wanted = taken(params, "customer", "payment_intent")

    def test(row: Json) -> bool:
        return all(row[name] == value for name, value in wanted.items())

    return page(world, "/v1/charges", "charge", params, test)


def refunds(world: World, params: Json, charge_id: str) -> Page:
    """The charge's refunds, newest first."""
    ids = world.get("charge", charge_id)["_refunds"]
    rows = [world.get("refund", refund_id) for refund_id in reversed(ids)]
    return page_of(world, f"/v1/charges/{charge_id}/refunds", rows, params)


def searched(world: World, params: Json) -> Found:
    """Charges that match a query."""
    return search(world, "/v1/charges/search", "charge", params)


ROUTES = [
    Route("GET", "/v1/charges", "charge", listed, CREATED.plus(customer=text, payment_intent=text)),
    Route("GET", "/v1/charges/search", "charge", searched, SEARCH),
    Route("GET", "/v1/charges/*", "charge", retrieve),
    Route("POST", "/v1/charges/*", "charge", update, _UPDATE),
    Route("GET", "/v1/charges/*/refunds", "charge", refunds, CURSOR),
]
