"""Invoice payments: the only link between an invoice and a payment intent."""

from typing import Any

from service.sandbox.stripe.objects.attributes import taken
from service.sandbox.stripe.paging import CREATED, Page, page
from service.sandbox.stripe.params import Fields, one_of, text
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.world import World

Json = dict[str, Any]

_PAYMENT = Fields("type", type=one_of("payment_intent", "payment_record"), payment_intent=text, payment_record=text)
_LIST = CREATED.plus(invoice=text, payment=_PAYMENT, status=one_of("open", "paid", "canceled"))


def retrieve(world: World, _params: Json, payment_id: str) -> Json:
    """The invoice payment."""
    return world.get("invoice_payment", payment_id)


def listed(world: World, params: Json) -> Page:
    """Invoice payments, by invoice, by payment intent or by status."""
    wanted, payment = taken(params, "invoice", "status"), params.get("payment") or {}

    def test(row: Json) -> bool:
        right = all(row[name] == value for name, value in wanted.items())
        return right and all(row["payment"].get(name) == value for name, value in payment.items())

    return page(world, "/v1/invoice_payments", "invoice_payment", params, test)


ROUTES = [
    Route("GET", "/v1/invoice_payments", "invoice", listed, _LIST),
    Route("GET", "/v1/invoice_payments/*", "invoice", retrieve),
]
