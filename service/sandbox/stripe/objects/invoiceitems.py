"""Invoice items: what waits for a customer's next invoice."""

from typing import Any

from service.sandbox.stripe.billing import invoicing, lines
from service.sandbox.stripe.errors import missing_parameter, refused
from service.sandbox.stripe.objects.attributes import metadata, taken
from service.sandbox.stripe.objects.prices import currency
from service.sandbox.stripe.paging import CREATED, Page, page
from service.sandbox.stripe.params import Fields, boolean, clearable, integer, moment, natural, text
from service.sandbox.stripe.params import metadata as metadata_kind
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.world import World

Json = dict[str, Any]

_CREATE = Fields(
    "customer",
    amount=integer,
    currency=currency,
    customer=text,
    description=clearable,
    discountable=boolean,
    invoice=text,
    metadata=metadata_kind,
    period=Fields("start end", start=moment, end=moment),
    pricing=Fields("price", price=text),
    quantity=natural,
    subscription=text,
)
_UPDATE = Fields(amount=integer, description=clearable, discountable=boolean, metadata=metadata_kind)
_LIST = CREATED.plus(customer=text, invoice=text, pending=boolean)


def create(world: World, params: Json) -> Json:
    """Create an item that waits, or that joins the draft it names at once."""
    customer = world.get("customer", params["customer"], "customer")
    invoice = world.get("invoice", params["invoice"], "invoice") if "invoice" in params else None
    if invoice is not None and invoice["status"] != "draft":
        raise refused("The invoice is no longer editable.", code="invoice_not_editable", param="invoice")
    values = _priced(world, params, params.get("quantity", 1))
    values |= taken(params, "description", "discountable") | metadata(params) | _parent(world, params)
    values["period"] = params.get("period") or {"start": world.now, "end": world.now}
    values |= {"customer": customer["id"], "date": world.now}
    values["invoice"] = invoice["id"] if invoice else None
    item = world.add("invoiceitem", "ii", ["invoiceitem.created"], **values)
    if invoice is not None:
        invoicing.add_line(world, invoice, lines.for_invoiceitem(world, item))
    return item


def _priced(world: World, params: Json, quantity: int) -> Json:
    if "pricing" in params:
        price = world.get("price", params["pricing"]["price"], "pricing[price]")
        amount = lines.amount_of(price, quantity)
        values = {"currency": price["currency"], "pricing": lines.pricing_of(price)}
    else:
        for name in ("amount", "currency"):
            if name not in params:
                raise missing_parameter(name)
        amount = params["amount"]
        values = {"currency": params["currency"]}
    counted = {"quantity": quantity, "quantity_decimal": str(quantity)}
    return {"amount": amount, "net_amount": amount} | counted | values


def _parent(world: World, params: Json) -> Json:
    if "subscription" not in params:
        return {}
    subscription = world.get("subscription", params["subscription"], "subscription")
    details = {"subscription": subscription["id"], "subscription_item": None}
    return {"parent": {"type": "subscription_details", "subscription_details": details}}


def retrieve(world: World, _params: Json, item_id: str) -> Json:
    """The item."""
    return world.get("invoiceitem", item_id)


def update(world: World, params: Json, item_id: str) -> Json:
    """Change an item that still waits."""
    item = _waiting(world, item_id)
    item |= taken(params, "amount", "description", "discountable") | metadata(params, item["metadata"])
    item["net_amount"] = item["amount"]
    return item


def delete(world: World, _params: Json, item_id: str) -> Json:
    """Delete an item that still waits."""
    return world.remove("invoiceitem", _waiting(world, item_id), "invoiceitem.deleted")


def _waiting(world: World, item_id: str) -> Json:
    item = world.get("invoiceitem", item_id)
    if item["invoice"] is not None:
        raise refused("The invoice item is attached to an invoice and can't be changed.", code="invoice_not_editable")
    return item


def listed(world: World, params: Json) -> Page:
    """Invoice items; `pending` keeps those that wait."""
    wanted, pending = taken(params, "customer", "invoice"), params.get("pending")

    def test(row: Json) -> bool:
        waits = row["invoice"] is None
        return all(row[name] == value for name, value in wanted.items()) and pending in (None, waits)

    return page(world, "/v1/invoiceitems", "invoiceitem", params, test)


ROUTES = [
    Route("POST", "/v1/invoiceitems", "invoice", create, _CREATE),
    Route("GET", "/v1/invoiceitems", "invoice", listed, _LIST),
    Route("GET", "/v1/invoiceitems/*", "invoice", retrieve),
    Route("POST", "/v1/invoiceitems/*", "invoice", update, _UPDATE),
    Route("DELETE", "/v1/invoiceitems/*", "invoice", delete),
]
