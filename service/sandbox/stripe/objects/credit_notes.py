"""Credit notes: before payment they lower what is due, after it they refund or credit."""

from typing import Any

from service.sandbox.stripe.billing import invoicing
from service.sandbox.stripe.errors import missing_parameter, refused
from service.sandbox.stripe.objects import refunds
from service.sandbox.stripe.objects.attributes import metadata, taken
from service.sandbox.stripe.paging import CREATED, CURSOR, Page, page, page_of
from service.sandbox.stripe.params import Fields, clearable, moment, natural, one_of, text
from service.sandbox.stripe.params import metadata as metadata_kind
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.shapes import nested_list
from service.sandbox.stripe.world import World

Json = dict[str, Any]

_REASON = one_of("duplicate", "fraudulent", "order_change", "product_unsatisfactory")
_CREATE = Fields(
    "invoice",
    amount=natural,
    credit_amount=natural,
    effective_at=moment,
    invoice=text,
    memo=clearable,
    metadata=metadata_kind,
    out_of_band_amount=natural,
    reason=_REASON,
    refund_amount=natural,
)


def create(world: World, params: Json) -> Json:
    """Issue a credit note for an open or a paid invoice."""
    invoice = world.get("invoice", params["invoice"], "invoice")
    if invoice["status"] not in ("open", "paid"):
        raise refused(f"You cannot create a credit note for an invoice with status {invoice['status']}.")
    paid = invoice["status"] == "paid"
    amount = params.get("amount", _by_parts(params) if paid else None)
    if not amount:
        raise missing_parameter("amount")
    issued = invoice["pre_payment_credit_notes_amount"] + invoice["post_payment_credit_notes_amount"]
    left = invoice["total"] - issued if paid else invoice["amount_remaining"]
    if amount > left:
        message = f"The credit note amount ({amount}) can't be more than what is left of the invoice ({left})."
        raise refused(message, param="amount")
    if paid and _by_parts(params) != amount:
        raise refused("The sum of credit_amount, refund_amount and out_of_band_amount must equal the amount.")
    refunded = _refunded(world, invoice, params)
    note = _made(world, invoice, params, amount, refunded)
    _apply(world, invoice, params, amount)
    return note


def _by_parts(params: Json) -> int:
    return sum(params.get(name, 0) for name in ("credit_amount", "refund_amount", "out_of_band_amount"))


def _refunded(world: World, invoice: Json, params: Json) -> list[Json]:
    amount = params.get("refund_amount", 0)
    intent = world.tables["payment_intent"].get(invoice.get("_payment_intent") or "")
    if not amount:
        return []
    if intent is None or intent["latest_charge"] is None:
        raise refused("The invoice has no payment that could be refunded.", param="refund_amount")
    refund = refunds.create(world, {"charge": intent["latest_charge"], "amount": amount})
    return [{"amount_refunded": amount, "payment_record_refund": None, "refund": refund["id"], "type": "refund"}]


def _made(world: World, invoice: Json, params: Json, amount: int, refunded: list[Json]) -> Json:
    note_id = world.ids.new("cn")
    paid = invoice["status"] == "paid"
    invoice["_credit_notes"] = invoice.get("_credit_notes", 0) + 1
    line = {
        "id": world.ids.new("cnli"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": params.get("memo"),
        "livemode": False,
        "quantity": 1,
        "type": "custom_line_item",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }
    amounts = dict.fromkeys(("amount", "subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"), amount)
    return world.add(
        "credit_note",
        "cn",
        ["credit_note.created"],
        id=note_id,
        currency=invoice["currency"],
        customer=invoice["customer"],
        effective_at=params.get("effective_at", world.now),
        invoice=invoice["id"],
        lines=nested_list(f"/v1/credit_notes/{note_id}/lines", [line]),
        number=f"{invoice['number']}-CN-{invoice['_credit_notes']:02d}",
        refunds=refunded,
        type="post_payment" if paid else "pre_payment",
        post_payment_amount=amount if paid else 0,
        pre_payment_amount=0 if paid else amount,
        **amounts,
        **taken(params, "memo", "out_of_band_amount", "reason"),
        **metadata(params),
    )


def _apply(world: World, invoice: Json, params: Json, amount: int) -> None:
    if invoice["status"] == "paid":
        _credit(world, invoice, -params.get("credit_amount", 0))
        total = invoice["post_payment_credit_notes_amount"] + amount
        world.change(invoice, "invoice.updated", post_payment_credit_notes_amount=total)
        return
    _lower(world, invoice, amount)
    if invoice["amount_remaining"] == 0:
        invoicing.settle_payment(world, invoice, "canceled")
        invoicing.paid(world, invoice)


def _credit(world: World, invoice: Json, amount: int) -> None:
    customer = world.tables["customer"].get(invoice["customer"])
    if amount and customer is not None:
        world.change(customer, "customer.updated", balance=customer["balance"] + amount)


def _lower(world: World, invoice: Json, amount: int) -> None:
    due = invoice["amount_due"] - amount
    noted = invoice["pre_payment_credit_notes_amount"] + amount
    values = {"amount_due": due, "amount_remaining": due, "pre_payment_credit_notes_amount": noted}
    world.change(invoice, "invoice.updated", **values)
    payment = invoicing.payment_of(world, invoice)
    if payment is not None and due > 0:
        world.change(payment, amount_requested=due)
        world.change(world.get("payment_intent", payment["payment"]["payment_intent"]), amount=due)


def void(world: World, _params: Json, note_id: str) -> Json:
    """Void a credit note of an invoice that is still open."""
    note = world.get("credit_note", note_id)
    if note["status"] == "void":
        raise refused("This credit note is already void.")
    invoice = world.get("invoice", note["invoice"])
    if note["type"] != "pre_payment" or invoice["status"] != "open":
        raise refused("You can only void a credit note of an open invoice.")
    world.change(note, "credit_note.voided", status="void", voided_at=world.now)
    _lower(world, invoice, -note["amount"])
    return note


def retrieve(world: World, _params: Json, note_id: str) -> Json:
    """The credit note."""
    return world.get("credit_note", note_id)


def update(world: World, params: Json, note_id: str) -> Json:
    """Change a credit note's memo or metadata."""
    note = world.get("credit_note", note_id)
    values = taken(params, "memo") | metadata(params, note["metadata"])
    return world.change(note, "credit_note.updated", **values)


def lines(world: World, params: Json, note_id: str) -> Page:
    """The credit note's lines."""
    note = world.get("credit_note", note_id)
    return page_of(world, f"/v1/credit_notes/{note_id}/lines", note["lines"]["data"], params)


def listed(world: World, params: Json) -> Page:
    """Credit notes, void ones included."""
    wanted = taken(params, "customer", "invoice")

    def test(row: Json) -> bool:
        return all(row[name] == value for name, value in wanted.items())

    return page(world, "/v1/credit_notes", "credit_note", params, test)


ROUTES = [
    Route("POST", "/v1/credit_notes", "credit_note", create, _CREATE),
    Route("GET", "/v1/credit_notes", "credit_note", listed, CREATED.plus(customer=text, invoice=text)),
    Route("GET", "/v1/credit_notes/*", "credit_note", retrieve),
    Route("POST", "/v1/credit_notes/*", "credit_note", update, Fields(memo=clearable, metadata=metadata_kind)),
    Route("GET", "/v1/credit_notes/*/lines", "credit_note", lines, CURSOR),
    Route("POST", "/v1/credit_notes/*/void", "credit_note", void),
]
