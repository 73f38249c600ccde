"""Invoices and their lines."""

from typing import Any

from service.sandbox.stripe.billing import collection, invoicing
from service.sandbox.stripe.errors import refused
from service.sandbox.stripe.objects.attributes import metadata, taken
from service.sandbox.stripe.objects.prices import currency
from service.sandbox.stripe.paging import CREATED, CURSOR, Page, page, page_of
from service.sandbox.stripe.params import Fields, anything, boolean, clearable, moment, natural, one_of, span, text
from service.sandbox.stripe.params import metadata as metadata_kind
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.search import SEARCH, Found, search
from service.sandbox.stripe.world import World

Json = dict[str, Any]

_METHOD = one_of("charge_automatically", "send_invoice")
_SHARED = Fields(
    auto_advance=boolean,
    automatically_finalizes_at=moment,
    collection_method=_METHOD,
    custom_fields=anything,
    days_until_due=natural,
    default_payment_method=clearable,
    description=clearable,
    due_date=moment,
    effective_at=moment,
    footer=clearable,
    metadata=metadata_kind,
    number=text,
    payment_settings=anything,
    statement_descriptor=clearable,
)
_CREATE = _SHARED.plus(
    "customer",
    currency=currency,
    customer=text,
    subscription=text,
    pending_invoice_items_behavior=one_of("exclude", "include"),
)
_PAY = Fields(
    forgive=boolean, off_session=boolean, paid_out_of_band=boolean, payment_method=text, source=text, mandate=text
)
_LIST = CREATED.plus(
    collection_method=_METHOD,
    customer=text,
    due_date=span,
    status=one_of("draft", "open", "paid", "uncollectible", "void"),
    subscription=text,
)
_PLAIN = (
    "auto_advance",
    "automatically_finalizes_at",
    "collection_method",
    "default_payment_method",
    "description",
    "due_date",
    "effective_at",
    "footer",
    "number",
    "statement_descriptor",
)


def create(world: World, params: Json) -> Json:
    """Draft an invoice by hand; pending items join it only if asked, as since 2022-08-01."""
    customer = world.get("customer", params["customer"], "customer")
    subscription = None
    if "subscription" in params:
        subscription = world.get("subscription", params["subscription"], "subscription")
    sends = params.get("collection_method") == "send_invoice"
    if sends and "due_date" not in params and "days_until_due" not in params:
        message = "You must set either `due_date` or `days_until_due` if `collection_method` is `send_invoice`."
        raise refused(message, param="days_until_due")
    include = subscription is not None or params.get("pending_invoice_items_behavior") == "include"
    values: Json = (
        {"auto_advance": False}
        | (collection.waiting(world) if params.get("auto_advance") else {})
        | taken(params, *_PLAIN, "currency")
        | metadata(params)
    )
    values["_days_until_due"] = params.get("days_until_due")
    invoice = invoicing.draft(world, customer, "manual", [], subscription=subscription, pending=include, **values)
    if invoice["auto_advance"]:
        collection.later(world, invoice)
    return invoice


def retrieve(world: World, _params: Json, invoice_id: str) -> Json:
    """The invoice."""
    return world.get("invoice", invoice_id)


def update(world: World, params: Json, invoice_id: str) -> Json:
    """Change an invoice; once it is final, only what Stripe leaves open."""
    invoice = world.get("invoice", invoice_id)
    if invoice["status"] != "draft":
        fixed = sorted(set(params) - {"auto_advance", "metadata", "default_payment_method", "payment_settings"})
        if fixed:
            raise refused(
                "Finalized invoices can't be updated in this way", code="invoice_not_editable", param=fixed[0]
            )
    values = taken(params, *_PLAIN) | metadata(params, invoice["metadata"])
    if "days_until_due" in params:
        values["_days_until_due"] = params["days_until_due"]
    if params.get("auto_advance") and invoice["status"] == "draft":
        values = collection.waiting(world) | values
    world.change(invoice, "invoice.updated", **values)
    if params.get("auto_advance") and invoice["status"] == "draft":
        collection.later(world, invoice)
    return invoice


def delete(world: World, _params: Json, invoice_id: str) -> Json:
    """Delete a draft for good; its pending items wait again."""
    invoice = world.get("invoice", invoice_id)
    if invoice["status"] != "draft":
        message = "You can only delete draft invoices. To void a finalized invoice, use the void endpoint."
        raise refused(message, code="invoice_not_editable")
    for item in world.tables["invoiceitem"].oldest():
        if item["invoice"] == invoice_id:
            item["invoice"] = None
    return world.remove("invoice", invoice, "invoice.deleted")


def finalize(world: World, params: Json, invoice_id: str) -> Json:
    """Finalize a draft; it is collected later if `auto_advance` says so."""
    invoice = world.get("invoice", invoice_id)
    _must_be(invoice, "finalize", "draft")
    if "auto_advance" in params:
        invoice["auto_advance"] = params["auto_advance"]
    invoicing.finalize(world, invoice)
    if invoice["auto_advance"] and invoice["status"] == "open" and invoice["collection_method"] != "send_invoice":
        collection.soon(world, invoice)
    return invoice


def pay(world: World, params: Json, invoice_id: str) -> Json:
    """Pay an invoice now, finalizing it first.

    Raises:
        SandboxError: it is paid or void already, or the payment was refused (402).
    """
    invoice = world.get("invoice", invoice_id)
    if invoice["status"] == "paid":
        raise refused("Invoice is already paid", code="invoice_already_paid")
    _must_be(invoice, "pay", "draft", "open", "uncollectible")
    if invoice["status"] == "draft":
        invoicing.finalize(world, invoice)
    if invoice["status"] == "paid":
        return invoice
    if params.get("paid_out_of_band"):
        invoicing.paid(world, invoice, out_of_band=True)
    elif not collection.attempt(world, invoice, method=params.get("payment_method"), retries=False):
        raise collection.refusal(world, invoice)
    return invoice


def send(world: World, _params: Json, invoice_id: str) -> Json:
    """Send an invoice to its customer, finalizing it first."""
    invoice = world.get("invoice", invoice_id)
    _must_be(invoice, "send", "draft", "open")
    if invoice["collection_method"] != "send_invoice":
        raise refused("You can only manually send an invoice if its collection method is 'send_invoice'.")
    if invoice["status"] == "draft":
        invoicing.finalize(world, invoice)
    world.emit(invoice, "invoice.sent")
    return invoice


def void(world: World, _params: Json, invoice_id: str) -> Json:
    """Void an open or uncollectible invoice."""
    invoice = world.get("invoice", invoice_id)
    _must_be(invoice, "void", "open", "uncollectible")
    return invoicing.close(world, invoice, "void", "invoice.voided")


def write_off(world: World, _params: Json, invoice_id: str) -> Json:
    """Mark an open invoice as uncollectible."""
    invoice = world.get("invoice", invoice_id)
    _must_be(invoice, "mark as uncollectible", "open")
    reason = "payment_not_received"
    return invoicing.close(world, invoice, "uncollectible", "invoice.marked_uncollectible", why=reason)


def _must_be(invoice: Json, verb: str, *statuses: str) -> None:
    if invoice["status"] not in statuses:
        message = f"You can't {verb} this invoice because its status is {invoice['status']}."
        raise refused(message, code="invoice_not_editable")


def listed(world: World, params: Json) -> Page:
    """Invoices, drafts included unless `status` says otherwise."""
    wanted = taken(params, "collection_method", "customer", "status")
    subscription, due = params.get("subscription"), params.get("due_date")

    def test(row: Json) -> bool:
        details = (row["parent"] or {}).get("subscription_details") or {}
        return (
            all(row[name] == value for name, value in wanted.items())
            and (subscription is None or details.get("subscription") == subscription)
            and (due is None or _due_within(row["due_date"], due))
        )

    return page(world, "/v1/invoices", "invoice", params, test)


def _due_within(moment_due: int | None, bounds: Json) -> bool:
    if moment_due is None:
        return False
    low = max(bounds.get("gte", 0), bounds.get("gt", -1) + 1)
    high = min(bounds.get("lte", moment_due), bounds.get("lt", moment_due + 1) - 1)
    return bool(low <= moment_due <= high)


def searched(world: World, params: Json) -> Found:
    """Invoices that match a query."""
    return search(world, "/v1/invoices/search", "invoice", params)


def lines(world: World, params: Json, invoice_id: str) -> Page:
    """The invoice's lines, in the order in which the invoice nests them."""
    invoice = world.get("invoice", invoice_id)
    return page_of(world, f"/v1/invoices/{invoice_id}/lines", invoice["lines"]["data"], params)


ROUTES = [
    Route("POST", "/v1/invoices", "invoice", create, _CREATE),
    Route("GET", "/v1/invoices", "invoice", listed, _LIST),
    Route("GET", "/v1/invoices/search", "invoice", searched, SEARCH),
    Route("GET", "/v1/invoices/*", "invoice", retrieve),
    Route("POST", "/v1/invoices/*", "invoice", update, _SHARED),
    Route("DELETE", "/v1/invoices/*", "invoice", delete),
    Route("GET", "/v1/invoices/*/lines", "invoice", lines, CURSOR),
    Route("POST", "/v1/invoices/*/finalize", "invoice", finalize, Fields(auto_advance=boolean)),
    Route("POST", "/v1/invoices/*/pay", "invoice", pay, _PAY),
    Route("POST", "/v1/invoices/*/send", "invoice", send),
    Route("POST", "/v1/invoices/*/void", "invoice", void),
    Route("POST", "/v1/invoices/*/mark_uncollectible", "invoice", write_off),
]
