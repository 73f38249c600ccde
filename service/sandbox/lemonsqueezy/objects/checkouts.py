"""Checkouts: pages on which a buyer pays."""

from typing import Any

from service.sandbox.lemonsqueezy import money
from service.sandbox.lemonsqueezy.billing.buying import quantity_of, quoted
from service.sandbox.lemonsqueezy.errors import unfit
from service.sandbox.lemonsqueezy.kinds import (
    Fields,
    anything,
    at_least,
    boolean,
    email,
    hash_of,
    integer,
    list_of,
    moment,
    nullable,
    text,
)
from service.sandbox.lemonsqueezy.routes import Operation, Sent
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.times import unix
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]

_DATA = Fields(
    email=nullable(email),
    name=nullable(text),
    billing_address=Fields(country=nullable(text), zip=nullable(text)),
    tax_number=nullable(text),
    discount_code=nullable(text),
    custom=hash_of(anything),
    variant_quantities=list_of(Fields("variant_id quantity", variant_id=integer, quantity=at_least(1, 10**6))),
)
_PRODUCT = Fields(
    name=text,
    description=text,
    media=list_of(text),
    redirect_url=text,
    receipt_button_text=text,
    receipt_link_url=text,
    receipt_thank_you_note=text,
    enabled_variants=list_of(integer),
    confirmation_title=text,
    confirmation_message=text,
    confirmation_button_text=text,
)
_OPTIONS = Fields(
    embed=boolean,
    media=boolean,
    logo=boolean,
    desc=boolean,
    discount=boolean,
    skip_trial=boolean,
    quantity=at_least(1, 10**6),
    dark=boolean,
    subscription_preview=boolean,
    button_color=text,
)
_CREATE = Fields(
    custom_price=nullable(at_least(0, 10**9)),
    product_options=_PRODUCT,
    checkout_options=_OPTIONS,
    checkout_data=_DATA,
    preview=boolean,
    test_mode=boolean,
    expires_at=nullable(moment),
)
_DEFAULTS: Json = {
    "product_options": {name: [] if name in ("media", "enabled_variants") else "" for name in _PRODUCT.kinds},
    "checkout_options": {
        "embed": False,
        "media": True,
        "logo": True,
        "desc": True,
        "discount": True,
        "skip_trial": False,
        "quantity": 1,
        "dark": False,
        "subscription_preview": True,
        "button_color": "#7047EB",
    },
    "checkout_data": {
        "email": "",
        "name": "",
        "billing_address": [],
        "tax_number": "",
        "discount_code": "",
        "custom": [],
        "variant_quantities": [],
    },
}
"""An empty hash is an empty list, as PHP prints it."""


def create(world: World, sent: Sent) -> Row:
    """Open a checkout for a variant of the store; nobody has paid anything yet."""
    store, variant, given = sent.related["store"], sent.related["variant"], sent.attributes
    product = world.get("products", variant.attributes["product_id"])
    if product.attributes["store_id"] != store.id:
        raise unfit([("/data/relationships/variant", "The selected variant is invalid.")])
    expires = given.get("expires_at")
    if expires and unix(expires) <= world.now:
        raise unfit([("/data/attributes/expires_at", "The expires at field must be a date after now.")])
    attributes = {
        "store_id": store.id,
        "variant_id": variant.id,
        "custom_price": given.get("custom_price"),
        **{name: default | given.get(name, {}) for name, default in _DEFAULTS.items()},
        "preview": False,
        "expires_at": expires,
    }
    row = world.add("checkouts", attributes, uuid=world.uuid())
    if given.get("preview"):
        row.attributes["preview"] = _preview(world, row)
    return row


def _preview(world: World, checkout: Row) -> Json:
    """What the buyer would pay, in the store's currency."""
    amounts = quoted(world, checkout, quantity_of(checkout), world.settings.currency)
    return amounts | money.copies(amounts)


OPERATIONS = [
    Operation("POST", "checkouts", "", create, _CREATE, {"store": "stores", "variant": "variants"}, status=201),
]
