"""What the transaction operations accept."""

from service.sandbox.paddle.kinds import (
    DURATION,
    PERIOD,
    Fields,
    boolean,
    csv,
    custom_data,
    id_of,
    list_of,
    nothing,
    nullable,
    one_of,
    text,
    whole,
)
from service.sandbox.paddle.money import CURRENCIES
from service.sandbox.paddle.paging import listing, moments

STATUS = one_of("draft", "ready", "billed", "paid", "completed", "canceled", "past_due")
COLLECTION_MODE = one_of("automatic", "manual")
ORIGIN = one_of(
    *("api", "web", "subscription_charge", "subscription_payment_method_change"),
    *("subscription_recurring", "subscription_update"),
)
ITEM = Fields("price_id quantity", price_id=id_of("pri"), quantity=whole(1, 1_000_000))
BILLING_DETAILS = Fields(
    "payment_terms",
    payment_terms=DURATION,
    enable_checkout=boolean,
    purchase_order_number=text(100),
    additional_information=nullable(text(1_500)),
)
_CHECKOUT = Fields("", url=nullable(text()))
_INCLUDED = one_of(
    *("address", "adjustment", "adjustments_totals", "available_payment_methods", "business", "customer", "discount"),
)
_FIELDS = {
    "items": list_of(ITEM, least=1),
    "customer_id": nullable(id_of("ctm")),
    "address_id": nullable(id_of("add")),
    "business_id": nothing,
    "discount_id": nothing,
    "custom_data": custom_data,
    "currency_code": one_of(*CURRENCIES),
    "collection_mode": COLLECTION_MODE,
    "billing_details": nullable(BILLING_DETAILS),
    "billing_period": nullable(PERIOD),
    "checkout": nullable(_CHECKOUT),
}
CREATE = Fields("items", **_FIELDS, status=one_of("billed"))
UPDATE = Fields("", **_FIELDS, status=one_of("billed", "canceled"))
INCLUDE = Fields("", include=csv(_INCLUDED))
LIST = listing(
    "txn",
    **INCLUDE.kinds,
    id=csv(id_of("txn")),
    status=csv(STATUS),
    customer_id=csv(id_of("ctm")),
    subscription_id=csv(id_of("sub")),
    collection_mode=COLLECTION_MODE,
    origin=csv(ORIGIN),
    invoice_number=csv(text()),
    **moments("created_at"),
    **moments("updated_at"),
    **moments("billed_at"),
)
DISPOSITION = Fields("", disposition=one_of("attachment", "inline"))
REVISE = Fields(
    "",
    customer=Fields("", name=text()),
    address=Fields("", first_line=text(), second_line=nullable(text()), city=text(), region=text()),
)
