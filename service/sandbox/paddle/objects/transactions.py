"""Transactions: orders, invoices and payments in one."""

from typing import Any

from service.sandbox.paddle.billing import collection, lines
from service.sandbox.paddle.billing import transactions as billing
from service.sandbox.paddle.billing.lines import Line
from service.sandbox.paddle.errors import refused
from service.sandbox.paddle.money import INVOICE_CURRENCIES, unit_price
from service.sandbox.paddle.objects import addresses, transaction_params
from service.sandbox.paddle.objects.transaction_includes import included
from service.sandbox.paddle.paging import Page, among, page, within
from service.sandbox.paddle.render import signed
from service.sandbox.paddle.routes import Route
from service.sandbox.paddle.world import World

Json = dict[str, Any]

_MOST = 30
"""Most objects on a page: less than elsewhere (unverified; read `pagination.per_page`)."""
_RESULTING = ("items", "status", "checkout")


def create(world: World, fields: Json) -> Json:
    """Create a transaction: ready when it has a customer and an address, else a draft; `status` bills an invoice.

    Nothing repeats a request for us: the same request again makes a second transaction.
    """
    draft: Json = {"collection_mode": "automatic", "customer_id": None, "address_id": None, "billing_details": None}
    asked = draft | fields
    _check_parties(world, asked)
    made_of, currency = lines_of(world, asked["items"], _country(world, asked), fields.get("currency_code"))
    values = {name: value for name, value in asked.items() if name not in _RESULTING}
    values |= {"currency_code": currency, "billing_details": terms(asked["billing_details"])}
    _check_invoice(values, billed=fields.get("status") == "billed")
    ready = bool(values["customer_id"] and values["address_id"])
    values |= {"status": "ready" if ready else "draft", "checkout": fields.get("checkout")}
    transaction = billing.made(world, made_of, *(["transaction.ready"] if ready else []), **values)
    if fields.get("status") == "billed":
        collection.issue(world, transaction)
    return transaction


def _check_parties(world: World, values: Json) -> None:
    if values["customer_id"] is not None:
        world.get("customer", values["customer_id"])
    if values["address_id"] is not None:
        if values["customer_id"] is None:
            raise refused("bad_request", "address_id requires a customer_id")
        addresses.of_customer(world, values["customer_id"], values["address_id"])


def _country(world: World, values: Json) -> str | None:
    return world.get("address", values["address_id"])["country_code"] if values["address_id"] else None


def terms(details: Json | None) -> Json | None:
    """Billing details with what Paddle adds to them."""
    defaults = {"enable_checkout": False, "purchase_order_number": "", "additional_information": None}
    return None if details is None else defaults | details


def lines_of(
    world: World, items: list[Json], country: str | None, currency: str | None, *, trial: bool = True
) -> tuple[list[Line], str]:
    """Lines of these items, and their currency.

    Raises:
        SandboxError: an unknown or archived price, a quantity out of its bounds, or prices that don't go together.
            Paddle converts currencies; the stand-in doesn't, and refuses a mixture.
    """
    prices = [_usable(world, each["price_id"], each["quantity"]) for each in items]
    currencies = {unit_price(price, country)["currency_code"] for price in prices} | ({currency} if currency else set())
    if len(currencies) > 1:
        raise refused("bad_request", f"all items must have one currency, not {', '.join(sorted(currencies))}")
    recurring = [price for price in prices if price["billing_cycle"]]
    for name in ("billing_cycle", "trial_period"):
        if any(price[name] != recurring[0][name] for price in recurring):
            raise refused("bad_request", f"all recurring items must have the same {name}")
    made = [
        lines.full(price, each["quantity"], country, trial=trial) for price, each in zip(prices, items, strict=True)
    ]
    return made, currencies.pop()


def _usable(world: World, price_id: str, quantity: int) -> Json:
    price = world.get("price", price_id)
    if price["status"] != "active":
        raise refused("bad_request", f"price {price_id} is archived")
    bounds = price["quantity"]
    if not bounds["minimum"] <= quantity <= bounds["maximum"]:
        raise refused("bad_request", f"quantity of {price_id} must be {bounds['minimum']} to {bounds['maximum']}")
    return price


def _check_invoice(values: Json, *, billed: bool) -> None:
    manual = values["collection_mode"] == "manual"
    if manual and values["billing_details"] is None:
        raise refused("bad_request", "billing_details are required where collection_mode is manual")
    if not manual and values["billing_details"] is not None:
        raise refused("bad_request", "billing_details are only for collection_mode manual")
    if manual and values["currency_code"] not in INVOICE_CURRENCIES:
        raise refused("bad_request", f"an invoice must be in {', '.join(INVOICE_CURRENCIES)}")
    if billed and not manual:
        raise refused("bad_request", "only a transaction with collection_mode manual can be billed")
    if billed and not (values["customer_id"] and values["address_id"]):
        raise refused("bad_request", "customer_id and address_id are required to bill a transaction")


def retrieve(world: World, params: Json, transaction_id: str) -> Json:
    """The transaction."""
    return included(world, world.get("transaction", transaction_id), params)


def update(world: World, fields: Json, transaction_id: str) -> Json:
    """Change a draft or ready transaction; `status` bills an invoice, or cancels what is not paid."""
    transaction = world.get("transaction", transaction_id)
    if fields.get("status") == "canceled":
        return _canceled(world, transaction, fields)
    if transaction["status"] not in ("draft", "ready"):
        raise refused("transaction_immutable", "Cannot update immutable transaction")
    asked = transaction | fields
    _check_parties(world, asked)
    told = {name: value for name, value in fields.items() if name not in _RESULTING}
    if "billing_details" in fields:
        told["billing_details"] = terms(fields["billing_details"])
    _check_invoice(transaction | told, billed=fields.get("status") == "billed")
    told |= _new_lines(world, transaction, fields, asked)
    types = [billing.UPDATED]
    if transaction["status"] == "draft" and asked["customer_id"] and asked["address_id"]:
        told["status"] = "ready"
        types.append("transaction.ready")
    transaction["checkout"] = billing.checkout(world, transaction | told, fields.get("checkout"))
    world.change(transaction, *types, **told)
    if fields.get("status") == "billed":
        collection.issue(world, transaction)
    return transaction


def _new_lines(world: World, transaction: Json, fields: Json, asked: Json) -> Json:
    if not set(fields) & {"items", "currency_code", "address_id"}:
        return {}
    kept = [{"price_id": each["price"]["id"], "quantity": each["quantity"]} for each in transaction["items"]]
    made, _ = lines_of(world, fields.get("items", kept), _country(world, asked), asked["currency_code"])
    return billing.refreshed(world, transaction, made)


def _canceled(world: World, transaction: Json, fields: Json) -> Json:
    if set(fields) != {"status"}:
        raise refused("bad_request", "nothing else can be changed together with status canceled")
    if transaction["status"] not in billing.UNPAID:
        raise refused("transaction_immutable", "Cannot update immutable transaction")
    billing.canceled(world, transaction)
    return transaction


def listed(world: World, params: Json) -> Page:
    """Transactions of any status."""
    names = ("id", "status", "customer_id", "subscription_id", "origin", "invoice_number")
    mode = params.get("collection_mode")
    found = page(
        world,
        "transaction",
        params,
        among(params, *names),
        lambda row: mode in (None, row["collection_mode"]),
        within(params, "created_at"),
        within(params, "updated_at"),
        within(params, "billed_at"),
        most=_MOST,
    )
    found.rows[:] = [included(world, row, params) for row in found.rows]
    return found


def invoice(world: World, _params: Json, transaction_id: str) -> Json:
    """A temporary URL of the invoice's PDF.

    Raises:
        SandboxError: there is no invoice number yet.
    """
    transaction = world.get("transaction", transaction_id)
    if transaction["invoice_id"] is None:
        raise refused("bad_request", f"Transaction {transaction_id} has no invoice.")
    return {"url": signed(world, f"https://paddle-invoices.s3.amazonaws.com/{transaction['invoice_id']}.pdf")}


def revise(world: World, _fields: Json, transaction_id: str) -> Json:
    """Correct what an invoice says of its customer, once; the amounts stay."""
    transaction = world.get("transaction", transaction_id)
    if transaction["status"] not in ("billed", "completed") or transaction["revised_at"] is not None:
        raise refused("bad_request", "only a billed or completed transaction can be revised, and only once")
    return world.change(transaction, billing.UPDATED, "transaction.revised", revised_at=world.stamp())


ROUTES = [
    Route("POST", "/transactions", "transaction", create, transaction_params.CREATE, 201),
    Route("GET", "/transactions", "transaction", listed, transaction_params.LIST),
    Route("GET", "/transactions/*", "transaction", retrieve, transaction_params.INCLUDE),
    Route("PATCH", "/transactions/*", "transaction", update, transaction_params.UPDATE),
    Route("GET", "/transactions/*/invoice", "transaction", invoice, transaction_params.DISPOSITION),
    Route("POST", "/transactions/*/revise", "transaction", revise, transaction_params.REVISE),
]
