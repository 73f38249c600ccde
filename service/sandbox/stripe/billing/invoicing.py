"""The life of an invoice up to its payment: drafted, finalized, paid, voided."""

from typing import Any

from service.sandbox.stripe.billing import lines as lines_of
from service.sandbox.stripe.billing import standing
from service.sandbox.stripe.billing.usage import of_item
from service.sandbox.stripe.shapes import fresh, nested_list
from service.sandbox.stripe.world import World

Json = dict[str, Any]

HOSTED = "https://invoice.stripe.com/i/"


def pending_items(world: World, customer_id: str, subscription_id: str | None) -> list[Json]:
    """Invoice items that wait for the customer's next invoice, those of other subscriptions left out."""

    def belongs(item: Json) -> bool:
        of = ((item["parent"] or {}).get("subscription_details") or {}).get("subscription")
        return item["invoice"] is None and item["customer"] == customer_id and of in (None, subscription_id)

    return [item for item in world.tables["invoiceitem"].oldest() if belongs(item)]


def draft(
    world: World,
    customer: Json,
    reason: str,
    lines: list[Json],
    *,
    subscription: Json | None = None,
    pending: bool = True,
    **values: Any,
) -> Json:
    """Create a draft invoice from lines, and from the customer's pending items if `pending`."""
    invoice_id = world.ids.new("in")
    waiting = pending_items(world, customer["id"], subscription["id"] if subscription else None) if pending else []
    lines = lines + [lines_of.for_invoiceitem(world, item) for item in waiting]
    for item in waiting:
        item["invoice"] = invoice_id
    for line in lines:
        line["invoice"] = invoice_id
    currency = lines[0]["currency"] if lines else values.pop("currency", None) or customer["currency"] or "usd"
    draft_values = {
        "currency": currency,
        "customer": customer["id"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "billing_reason": reason,
        "period_start": world.now,
        "period_end": world.now,
        "lines": nested_list(f"/v1/invoices/{invoice_id}/lines", lines),
        **_totals(lines),
        **(_of_subscription(subscription) if subscription else {}),
        **values,
    }
    if customer["currency"] is None:
        world.change(customer, "customer.updated", currency=currency)
    invoice = world.add("invoice", "in", ["invoice.created"], id=invoice_id, **draft_values)
    if subscription is not None:
        subscription["_invoices"].append(invoice_id)
    return invoice


def _of_subscription(subscription: Json) -> Json:
    details = {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]}
    return {
        "auto_advance": True,
        "collection_method": subscription["collection_method"],
        "parent": {"type": "subscription_details", "subscription_details": details, "quote_details": None},
        "_days_until_due": subscription["days_until_due"],
    }


def _totals(lines: list[Json]) -> Json:
    total = sum(line["amount"] for line in lines)
    due = max(total, 0)
    excluding = {"subtotal_excluding_tax": total, "total_excluding_tax": total}
    return {"subtotal": total, "total": total, "amount_due": due, "amount_remaining": due, **excluding}


def add_line(world: World, invoice: Json, line: Json) -> None:
    """Add a line to a draft."""
    line["invoice"] = invoice["id"]
    # A new list: the old one may be shared with an answer that is not encoded yet.
    data = [*invoice["lines"]["data"], line]
    world.change(invoice, "invoice.updated", lines=invoice["lines"] | {"data": data}, **_totals(data))


def finalize(world: World, invoice: Json) -> Json:
    """Number the invoice, settle it against the customer's balance and open it; nothing due means paid at once."""
    _count_usage(world, invoice)
    customer = world.tables["customer"].get(invoice["customer"])
    settled = _settled(world, invoice, customer)
    if settled["amount_due"] > 0:
        _request_payment(world, invoice, settled["amount_due"])
    transitions = invoice["status_transitions"] | {"finalized_at": world.now}
    due_in = invoice.get("_days_until_due")
    if invoice["collection_method"] == "send_invoice" and invoice["due_date"] is None and due_in is not None:
        settled["due_date"] = world.now + due_in * 86_400
    world.change(
        invoice,
        "invoice.finalized",
        "invoice.updated",
        status="open",
        number=_number(invoice, customer),
        effective_at=invoice["effective_at"] or world.now,
        automatically_finalizes_at=None,
        status_transitions=transitions,
        hosted_invoice_url=f"{HOSTED}{world.settings.account_id}/{invoice['id']}",
        invoice_pdf=f"{HOSTED}{world.settings.account_id}/{invoice['id']}/pdf",
        **settled,
    )
    if invoice["amount_due"] == 0:
        paid(world, invoice)
    elif invoice["due_date"] is not None:
        world.schedule.at(invoice["due_date"], lambda: _overdue(world, invoice))
    return invoice


def _count_usage(world: World, invoice: Json) -> None:
    """Bring metered lines up to what was reported while the invoice was a draft.

    Stripe does so when it finalizes an invoice (docs.stripe.com/billing/subscriptions/usage-based/configure-grace-period).
    """
    subscription = standing.subscription_of(world, invoice)
    if subscription is None:
        return
    items = {each["id"]: each for each in subscription["items"]["data"] if lines_of.is_metered(each)}
    data = [_counted(world, subscription, items, line) for line in invoice["lines"]["data"]]
    if data != invoice["lines"]["data"]:
        world.change(invoice, "invoice.updated", lines=invoice["lines"] | {"data": data}, **_totals(data))


def _counted(world: World, subscription: Json, items: dict[str, Json], line: Json) -> Json:
    details = line["parent"]["subscription_item_details"]
    item = items.get(details["subscription_item"]) if details is not None else None
    if item is None:
        return line
    used = of_item(world, subscription, item, line["period"]["start"], line["period"]["end"])
    amount = lines_of.amount_of(item["price"], used)
    return line | {"quantity": used, "quantity_decimal": str(used), "amount": amount, "subtotal": amount}


def _settled(world: World, invoice: Json, customer: Json | None) -> Json:
    """Amounts after the customer's balance: credit lowers what is due, debt raises it, a negative total is credited."""
    balance = customer["balance"] if customer else 0
    due = max(invoice["total"] + balance, 0)
    left = invoice["total"] + balance - due
    if customer is not None and left != balance:
        world.change(customer, "customer.updated", balance=left)
    return {"starting_balance": balance, "ending_balance": left, "amount_due": due, "amount_remaining": due}


def _number(invoice: Json, customer: Json | None) -> str:
    if invoice["number"]:
        return str(invoice["number"])
    if customer is None:
        return f"DELETED-{invoice['id'][-8:]}"
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    customer["next_invoice_sequence"] += 1
    return number


def _request_payment(world: World, invoice: Json, amount: int) -> None:
    """The payment intent of an invoice and the invoice payment that links them."""
    intent_id = world.ids.new("pi")
    invoice["_payment_intent"] = intent_id
    world.add(
        "payment_intent",
        "pi",
        ["payment_intent.created"],
        id=intent_id,
        amount=amount,
        currency=invoice["currency"],
        customer=invoice["customer"],
        description="Subscription creation" if invoice["billing_reason"] == "subscription_create" else None,
        client_secret=f"{intent_id}_secret_{world.ids.token(25)}",
        status="requires_payment_method",
        setup_future_usage="off_session" if invoice["parent"] else None,
        _invoice=invoice["id"],
    )
    payment = world.add(
        "invoice_payment",
        "inpay",
        invoice=invoice["id"],
        amount_requested=amount,
        currency=invoice["currency"],
        is_default=True,
        payment={"type": "payment_intent", "payment_intent": intent_id},
    )
    invoice["_payments"] = [*invoice.get("_payments", []), payment["id"]]


def payment_of(world: World, invoice: Json) -> Json | None:
    """The invoice payment that is still open."""
    rows = (world.get("invoice_payment", payment_id) for payment_id in invoice.get("_payments", ()))
    return next((row for row in rows if row["status"] == "open"), None)


def paid(world: World, invoice: Json, *, out_of_band: bool = False) -> None:
    """The invoice is paid in full; its subscription follows."""
    invoice["_paid_out_of_band"] = out_of_band
    world.change(
        invoice,
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
        status="paid",
        attempted=True,
        attempt_count=invoice["attempt_count"] + (0 if out_of_band or not invoice["amount_due"] else 1),
        amount_paid=invoice["amount_due"],
        amount_remaining=0,
        next_payment_attempt=None,
        status_details=None,
        status_transitions=invoice["status_transitions"] | {"paid_at": world.now},
    )
    settle_payment(world, invoice, "canceled" if out_of_band else "paid")
    standing.paid(world, invoice)


def settle_payment(world: World, invoice: Json, status: str) -> None:
    """Close the invoice's open payment as paid or canceled; a canceled one takes its payment intent with it."""
    payment = payment_of(world, invoice)
    if payment is None:
        return
    transitions = payment["status_transitions"] | {f"{status}_at": world.now}
    if status == "paid":
        amount = payment["amount_requested"]
        world.change(payment, "invoice_payment.paid", status=status, amount_paid=amount, status_transitions=transitions)
        return
    world.change(payment, status=status, status_transitions=transitions)
    intent = world.get("payment_intent", payment["payment"]["payment_intent"])
    world.change(
        intent,
        "payment_intent.canceled",
        status="canceled",
        canceled_at=world.now,
        cancellation_reason="void_invoice",
    )


def close(world: World, invoice: Json, status: str, *types: str, why: str | None = None) -> Json:
    """Void an invoice, or write it off as uncollectible."""
    moment = {"void": "voided_at", "uncollectible": "marked_uncollectible_at"}[status]
    values: Json = {"status_transitions": invoice["status_transitions"] | {moment: world.now}}
    if status == "uncollectible":
        values["status_details"] = {"uncollectible": {"reason": why}}
    if status == "void":
        settle_payment(world, invoice, "canceled")
        values["amount_remaining"] = 0
    world.change(invoice, "invoice.updated", *types, status=status, next_payment_attempt=None, **values)
    return invoice


def _overdue(world: World, invoice: Json) -> None:
    if invoice["status"] == "open" and invoice["collection_method"] == "send_invoice":
        world.emit(invoice, "invoice.overdue")


def preview(world: World, customer: Json, subscription: Json, lines: list[Json], moment: int) -> Json:
    """An invoice that is only announced: it is in no list, and its id names nothing."""
    invoice_id = world.ids.new("upcoming_in")
    values = _of_subscription(subscription) | _totals(lines) | {"created": moment, "next_payment_attempt": moment}
    return fresh(
        "invoice",
        id=invoice_id,
        billing_reason="upcoming",
        currency=subscription["currency"],
        customer=customer["id"],
        lines=nested_list(f"/v1/invoices/upcoming/lines?subscription={subscription['id']}", lines),
        period_start=moment,
        period_end=moment,
        **values,
    )
