"""What the operations on subscriptions accept."""

from typing import Any

from service.sandbox.stripe.errors import invalid
from service.sandbox.stripe.objects.prices import INLINE
from service.sandbox.stripe.paging import CREATED, CURSOR
from service.sandbox.stripe.params import (
    Fields,
    anything,
    boolean,
    clearable,
    integer,
    list_of,
    metadata,
    moment,
    moment_or,
    natural,
    one_of,
    span,
    text,
    unsettable,
)

STATUSES = ("incomplete", "incomplete_expired", "trialing", "active", "past_due", "unpaid", "paused", "canceled")

PRORATION = one_of("always_invoice", "create_prorations", "none")
_ITEM = Fields(
    price=text, price_data=INLINE, quantity=natural, metadata=metadata, tax_rates=list_of(text), discounts=anything
)
_CHANGED_ITEM = _ITEM.plus(id=text, deleted=boolean, clear_usage=boolean)
_FEEDBACK = one_of(
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
)
DETAILS = Fields(comment=clearable, feedback=_FEEDBACK)


def anchor(value: Any, path: str) -> str:
    """The billing cycle anchor of an update or a resumption: an object with a `type` since 2026-09-30.endive."""
    if not isinstance(value, dict):
        raise invalid("Invalid hash", path)
    kind: str = Fields("type", type=one_of("now", "unchanged")).read(value, path)["type"]
    return kind


_SHARED = Fields(
    add_invoice_items=anything,
    automatic_tax=anything,
    cancel_at=moment_or("min_period_end", "max_period_end", "max_billed_until"),
    cancel_at_period_end=boolean,
    collection_method=one_of("charge_automatically", "send_invoice"),
    days_until_due=natural,
    default_payment_method=text,
    default_source=text,
    description=clearable,
    invoice_settings=anything,
    metadata=metadata,
    off_session=boolean,
    payment_behavior=one_of("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"),
    payment_settings=anything,
    proration_behavior=PRORATION,
    trial_end=moment_or("now"),
    trial_from_plan=boolean,
    trial_settings=Fields(
        "end_behavior",
        end_behavior=Fields(
            "missing_payment_method", missing_payment_method=one_of("cancel", "create_invoice", "pause")
        ),
    ),
)
CREATE = _SHARED.plus(
    "customer",
    billing_cycle_anchor=moment,
    billing_mode=Fields("type", type=one_of("classic", "flexible"), flexible=anything),
    currency=text,
    customer=text,
    items=list_of(_ITEM, most=20),
    trial_period_days=integer,
)
UPDATE = _SHARED.plus(
    billing_cycle_anchor=anchor,
    cancellation_details=DETAILS,
    items=list_of(_CHANGED_ITEM, most=20),
    pause_collection=unsettable(
        Fields("behavior", behavior=one_of("keep_as_draft", "mark_uncollectible", "void"), resumes_at=moment)
    ),
    proration_date=moment,
)
CANCEL = Fields(cancellation_details=DETAILS, invoice_now=boolean, prorate=boolean)
PAUSE = Fields(
    bill_for=Fields(
        outstanding_usage_through=Fields("type", type=one_of("none", "now")),
        unused_time_from=Fields("type", type=one_of("item_current_period_start", "none", "now")),
    ),
    invoicing_behavior=one_of("invoice", "pending_invoice_item"),
    type=one_of("subscription"),
)
RESUME = Fields(
    billing_cycle_anchor=anchor,
    payment_behavior=one_of("resume_on_payment_attempt", "resume_on_payment_success"),
    proration_behavior=PRORATION,
    proration_date=moment,
)
LIST = CREATED.plus(
    collection_method=text,
    current_period_end=span,
    current_period_start=span,
    customer=text,
    price=text,
    status=one_of("all", "ended", *STATUSES),
    test_clock=text,
)
ITEM_LIST = CURSOR.plus("subscription", subscription=text)
ITEM_CREATE = _ITEM.plus("subscription", subscription=text, proration_behavior=PRORATION, payment_behavior=text)
ITEM_UPDATE = _ITEM.plus(proration_behavior=PRORATION, payment_behavior=text, proration_date=moment)
ITEM_DELETE = Fields(clear_usage=boolean, proration_behavior=PRORATION, payment_behavior=text, proration_date=moment)
