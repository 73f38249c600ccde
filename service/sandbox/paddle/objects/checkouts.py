"""The buyer's side: opening a checkout, paying it, and paying an invoice."""

from typing import Any

from service.sandbox.paddle.billing import collection
from service.sandbox.paddle.billing import transactions as billing
from service.sandbox.paddle.objects import addresses, customers
from service.sandbox.paddle.objects.transactions import lines_of
from service.sandbox.paddle.world import World

Json = dict[str, Any]


def opened(world: World, items: list[Json], custom_data: Json | None) -> Json:
    """A visitor opens a checkout: a draft without a customer, which is nothing yet."""
    made_of, currency = lines_of(world, items, None, None)
    return billing.made(world, made_of, origin="web", currency_code=currency, custom_data=custom_data)


def complete(world: World, transaction: Json, email: str, country: str) -> Json:
    """The buyer pays a draft, a ready transaction or one that is past due; without a customer it becomes one.

    Raises:
        ValueError: the transaction has no checkout, or nothing is to be paid.
    """
    if transaction["status"] not in ("draft", "ready", "past_due") or transaction["checkout"] is None:
        raise ValueError(f"the checkout of a transaction with status {transaction['status']} can't be completed")
    if transaction["status"] == "draft":
        _identify(world, transaction, email, country)
    if billing.attempted(world, transaction):
        collection.settled(world, transaction)
    return transaction


def _identify(world: World, transaction: Json, email: str, country: str) -> None:
    customer_id = transaction["customer_id"]
    if customer_id is None:
        known = world.emails.get(email.lower())
        customer_id = (known or customers.create(world, {"email": email}))["id"]
    address = addresses.create(world, {"country_code": country}, customer_id)
    told = {"customer_id": customer_id, "address_id": address["id"], "status": "ready"}
    world.change(transaction, billing.UPDATED, "transaction.ready", **told)


def pay_invoice(world: World, transaction: Json) -> Json:
    """The buyer pays a billed or past due invoice by bank.

    Raises:
        ValueError: it is no such invoice.
    """
    if transaction["collection_mode"] != "manual" or transaction["status"] not in ("billed", "past_due"):
        raise ValueError("only a billed or past due invoice can be paid so")
    billing.wired(world, transaction)
    collection.settled(world, transaction)
    return transaction
