"""A buyer pays a checkout: customer, order, and for a recurring price a subscription with its initial invoice."""

from dataclasses import dataclass
from typing import Any

from service.sandbox.lemonsqueezy import money
from service.sandbox.lemonsqueezy.billing import cycle
from service.sandbox.lemonsqueezy.billing.invoicing import bill
from service.sandbox.lemonsqueezy.billing.refunds import earn
from service.sandbox.lemonsqueezy.buyers import customer_of
from service.sandbox.lemonsqueezy.errors import refused
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.times import day_of, moved, stamp, unix
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]

CARD: Json = {"card_brand": "visa", "card_last_four": "4242"}


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who pays, how much of it, and in which currency; what is None is taken from the checkout or the store."""

    email: str | None = None
    name: str | None = None
    quantity: int | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class _Purchase:
    """What the parts of one purchase have in common."""

    checkout: Row
    customer: Row
    product: Row
    variant: Row
    price: Row
    currency: str
    quantity: int
    custom: dict[str, str]

    @property
    def owner(self) -> Json:
        """Attributes that orders and subscriptions share."""
        return {
            "store_id": self.checkout.attributes["store_id"],
            "customer_id": self.customer.id,
            "user_name": self.customer.attributes["name"],
            "user_email": self.customer.attributes["email"],
        }

    @property
    def bought(self) -> Json:
        """Attributes that order items and subscriptions share."""
        return {
            "product_id": self.product.id,
            "variant_id": self.variant.id,
            "product_name": self.product.attributes["name"],
            "variant_name": self.variant.attributes["name"],
        }


def quantity_of(checkout: Row) -> int:
    """How many the checkout sells, by `variant_quantities` or by its options."""
    listed = checkout.attributes["checkout_data"]["variant_quantities"]
    wanted = [each["quantity"] for each in listed if each["variant_id"] == checkout.attributes["variant_id"]]
    return int(wanted[0] if wanted else checkout.attributes["checkout_options"]["quantity"])


def quoted(world: World, checkout: Row, quantity: int, currency: str) -> Json:
    """The amounts that the buyer pays now: nothing in a trial, no usage yet, the setup fee with the first payment."""
    variant = world.get("variants", checkout.attributes["variant_id"])
    price = world.get("prices", variant.hidden["price_id"]).attributes
    custom, fee = checkout.attributes["custom_price"], price["setup_fee"] or 0
    amount = money.cost(price, quantity) if custom is None else custom * quantity
    if price["usage_aggregation"]:
        amount = 0
    if _trial(checkout, price):
        amount = fee = 0
    subtotal, fee = (money.converted(world.settings, each, currency) for each in (amount, fee))
    return money.totals(world.settings, currency, subtotal, fee)


def _trial(checkout: Row, price: Json) -> tuple[str, int] | None:
    """Unit and count of the free trial, if there is one."""
    if price["trial_interval_unit"] is None or checkout.attributes["checkout_options"]["skip_trial"]:
        return None
    return price["trial_interval_unit"], price["trial_interval_quantity"]


def complete(world: World, checkout: Row, buyer: Buyer) -> Json:
    """The buyer pays, and the events go out. Returns the ids of what was made; None where there is no such part.

    Raises:
        SandboxError: 422, the checkout is expired.
        ValueError: nobody's email is known, or there is no rate for the currency.
    """
    expires = checkout.attributes["expires_at"]
    if expires is not None and unix(expires) <= world.now:
        raise refused("This checkout is expired.")
    purchase = _purchase(world, checkout, buyer)
    order, item = _order(world, purchase)
    earn(world, order, order.attributes["total"])
    subscription = invoice = None
    if purchase.price.attributes["category"] == "subscription":
        subscription = _subscription(world, purchase, order, item)
        invoice = _initial_invoice(world, subscription, order)
    world.emit(order, "order_created")
    if subscription is not None and invoice is not None:
        _tell(world, subscription, invoice)
    parts = ("customer", "order", "order_item", "subscription", "invoice")
    made = (purchase.customer, order, item, subscription, invoice)
    return {name: row and str(row.id) for name, row in zip(parts, made, strict=True)}


def _purchase(world: World, checkout: Row, buyer: Buyer) -> _Purchase:
    data, variant = checkout.attributes["checkout_data"], world.get("variants", checkout.attributes["variant_id"])
    email, currency = buyer.email or data["email"], buyer.currency or world.settings.currency
    if not email:
        raise ValueError("the buyer has no email")
    if currency not in world.settings.rates:
        raise ValueError(f"no rate for {currency}")
    country = data["billing_address"].get("country") if data["billing_address"] else None
    name = buyer.name or data["name"] or email.partition("@")[0]
    return _Purchase(
        checkout,
        customer_of(world, checkout.attributes["store_id"], email, name, country),
        world.get("products", variant.attributes["product_id"]),
        variant,
        world.get("prices", variant.hidden["price_id"]),
        currency,
        buyer.quantity or quantity_of(checkout),
        {name: as_text(value) for name, value in dict(data["custom"] or {}).items()},
    )


def as_text(value: Any) -> Any:
    """Custom data as it comes back: every value is text, inside lists and objects too."""
    if isinstance(value, dict):
        return {name: as_text(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_text(each) for each in value]
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value is None else str(value)


def _order(world: World, purchase: _Purchase) -> tuple[Row, Row]:
    """The order, paid, and its only item."""
    amounts = quoted(world, purchase.checkout, purchase.quantity, purchase.currency)
    percent = world.settings.tax_percent
    attributes = {
        **purchase.owner,
        "identifier": world.uuid(),
        "order_number": len(world.tables["orders"]) + 1,
        **amounts,
        "tax_name": "VAT" if percent else None,
        "tax_rate": f"{percent}.00",
        "status": "paid",
        "refunded": False,
        "refunded_at": None,
        "refunded_amount": 0,
    }
    order = world.add("orders", attributes, custom=purchase.custom, invoice_id=None)
    shared = {"order_id": order.id, "price_id": purchase.price.id, **purchase.bought}
    item = world.add("order-items", {**shared, "price": amounts["subtotal"], "quantity": purchase.quantity})
    order.hidden["item_id"] = item.id
    return order, item


def _subscription(world: World, purchase: _Purchase, order: Row, item: Row) -> Row:
    """Begin the subscription: a trial first, or the first period."""
    price = purchase.price.attributes
    trial = _trial(purchase.checkout, price)
    unit, step = trial or (price["renewal_interval_unit"], price["renewal_interval_quantity"])
    end = moved(world.now, unit, step)
    anchor = end if trial else world.now
    attributes = {
        **purchase.owner,
        "order_id": order.id,
        "order_item_id": item.id,
        **purchase.bought,
        "status": "on_trial" if trial else "active",
        **CARD,
        "payment_processor": "stripe",
        "cancelled": False,
        "billing_anchor": day_of(anchor),
        "renews_at": stamp(end),
        "ends_at": None,
    }
    subscription = world.add("subscriptions", attributes, **_hidden(purchase), anchor=anchor)
    subscription.hidden.update(period_start=world.now, period_end=end, trial_ends_at=stamp(end) if trial else None)
    purchase.customer.hidden["subscriptions"].append(subscription.id)
    cycle.plan(world, subscription, "renew", end)
    return subscription


def _hidden(purchase: _Purchase) -> Json:
    """What a subscription keeps and does not show."""
    return {
        "custom": purchase.custom,
        "currency": purchase.currency,
        "quantity": purchase.quantity,
        "price_id": purchase.price.id,
        "custom_price": purchase.checkout.attributes["custom_price"],
        "item_id": None,
        "invoice_id": None,
        "attempts": 0,
        "carry": 0,
        "before": None,
        "pause": None,
        "plans": {},
    }


def _initial_invoice(world: World, subscription: Row, order: Row) -> Row:
    """The invoice about the money that the order is about."""
    fee = order.attributes["setup_fee"] if world.settings.setup_fee_on_invoice else 0
    invoice = bill(world, subscription, "initial", order.attributes["subtotal"] + fee, status="paid")
    invoice.hidden["order_id"] = order.id
    order.hidden["invoice_id"] = invoice.id
    return invoice


def _tell(world: World, subscription: Row, invoice: Row) -> None:
    """A subscription's first events. The last differs from the first by the item's `updated_at` alone.

    As recorded from a real store: the item's row is older than the purchase, here by a second, and is touched by it.
    """
    trial = subscription.attributes["status"] == "on_trial"
    if not trial:
        item = cycle.begin_item(world, subscription)
        item.attributes.update(dict.fromkeys(("created_at", "updated_at"), stamp(world.now - 1)))
    world.emit(subscription, "subscription_created")
    world.emit(invoice, "subscription_payment_success")
    if not trial:
        world.touch(cycle.begin_item(world, subscription))
        world.emit(subscription, "subscription_updated")
