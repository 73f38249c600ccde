"""A shop at the stand-in with something of everything that becomes a row, and much that must not."""

from __future__ import annotations

from typing import Any

from service.sandbox.paddle import PaddleSandbox

Json = dict[str, Any]
DAY = 86_400


def price(sandbox: PaddleSandbox, amount: int = 1900, *, trial: bool = False) -> str:
    """A new monthly price's id."""
    product = sandbox.call("POST", "/products", {"name": "Pro", "tax_category": "saas"})["data"]["id"]
    wanted: Json = {
        "product_id": product,
        "description": "Pro",
        "unit_price": {"amount": str(amount), "currency_code": "USD"},
        "billing_cycle": {"interval": "month", "frequency": 1},
    }
    if trial:
        wanted["trial_period"] = {"interval": "day", "frequency": 14}
    return str(sandbox.call("POST", "/prices", wanted)["data"]["id"])


def bought(sandbox: PaddleSandbox, price_id: str, user: str) -> Json:
    """The transaction of a completed checkout."""
    draft = sandbox.open_checkout(price_id, quantity=2, custom_data={"user_id": user})
    return sandbox.complete_checkout(draft["id"], email=f"{user}@example.com")


def drafted(sandbox: PaddleSandbox, price_id: str, customer: str) -> str:
    """A draft that is to be paid by bank within two weeks; its id."""
    address = sandbox.call("GET", f"/customers/{customer}/addresses")["data"][0]["id"]
    terms = {"payment_terms": {"interval": "day", "frequency": 14}, "enable_checkout": False}
    wanted = {
        "items": [{"price_id": price_id, "quantity": 1}],
        "customer_id": customer,
        "address_id": address,
        "collection_mode": "manual",
        "billing_details": terms,
    }
    return str(sandbox.call("POST", "/transactions", wanted)["data"]["id"])


def invoiced(sandbox: PaddleSandbox, price_id: str, customer: str) -> Json:
    """The same, issued as an invoice."""
    draft = drafted(sandbox, price_id, customer)
    found: Json = sandbox.call("PATCH", f"/transactions/{draft}", {"status": "billed"})["data"]
    return found


def fill(sandbox: PaddleSandbox) -> None:
    """Three buyers, a month of renewals, dunning, and every kind of adjustment."""
    monthly, trial = price(sandbox), price(sandbox, 500, trial=True)
    first, *_ = paid = [bought(sandbox, monthly, f"user-{number}") for number in range(3)]
    bought(sandbox, trial, "user-3")
    sandbox.open_checkout(monthly)
    sandbox.advance(60)
    sandbox.payments.fail_next(paid[1]["customer_id"] or customer_of(sandbox, paid[1]), 2)
    sandbox.advance(35 * DAY)
    bill = invoiced(sandbox, monthly, customer_of(sandbox, first))
    sandbox.pay_invoice(bill["id"])
    invoiced(sandbox, monthly, customer_of(sandbox, first))
    subscriptions = list(sandbox.objects("subscription"))
    sandbox.call("POST", f"/subscriptions/{subscriptions[0]}/cancel", {"effective_from": "immediately"})
    sandbox.call("POST", f"/subscriptions/{subscriptions[2]}/cancel", {"effective_from": "next_billing_period"})
    _adjust(sandbox, [each["id"] for each in paid])
    sandbox.call("PATCH", f"/prices/{trial}", {"status": "archived"})
    sandbox.advance(60)


def customer_of(sandbox: PaddleSandbox, transaction: Json) -> str:
    """The buyer of a transaction."""
    return str(sandbox.objects("transaction")[transaction["id"]]["customer_id"])


def _adjust(sandbox: PaddleSandbox, transactions: list[str]) -> None:
    wanted = {"action": "refund", "type": "full", "reason": "asked for", "transaction_id": transactions[0]}
    refund = sandbox.call("POST", "/adjustments", wanted)["data"]["id"]
    sandbox.settle_adjustment(refund)
    taken = sandbox.chargeback(transactions[1])["id"]
    sandbox.reverse_chargeback(taken)
    sandbox.chargeback_warning(transactions[2])
