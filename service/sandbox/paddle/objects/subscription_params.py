"""What the subscription operations accept."""

from service.sandbox.paddle.billing.changes import MODES
from service.sandbox.paddle.kinds import (
    Fields,
    Kind,
    Unfit,
    csv,
    custom_data,
    id_of,
    list_of,
    moment,
    nothing,
    nullable,
    one_of,
    whole,
)
from service.sandbox.paddle.objects.transaction_params import BILLING_DETAILS, COLLECTION_MODE, ITEM
from service.sandbox.paddle.paging import listing, moments

EFFECTIVE_FROM = one_of("next_billing_period", "immediately")
ON_FAILURE = one_of("prevent_change", "apply_change")
ON_RESUME = one_of("continue_existing_billing_period", "start_new_billing_period")
_ITEM = Fields("price_id", price_id=id_of("pri"), quantity=whole(1, 1_000_000))


def _either(one: Kind, other: Kind) -> Kind:
    def kind(value: object) -> object:
        try:
            return one(value)
        except Unfit:
            return other(value)

    return kind


UPDATE = Fields(
    "",
    items=list_of(_ITEM, least=1),
    proration_billing_mode=one_of(*MODES),
    on_payment_failure=ON_FAILURE,
    custom_data=custom_data,
    scheduled_change=nothing,
    address_id=id_of("add"),
    business_id=nothing,
    discount=nothing,
    next_billed_at=moment,
    collection_mode=COLLECTION_MODE,
    billing_details=nullable(BILLING_DETAILS),
)
CANCEL = Fields("", effective_from=nullable(EFFECTIVE_FROM))
PAUSE = Fields("", effective_from=nullable(EFFECTIVE_FROM), resume_at=nullable(moment), on_resume=ON_RESUME)
RESUME = Fields("", effective_from=nullable(_either(one_of("immediately"), moment)), on_resume=ON_RESUME)
CHARGE = Fields(
    "effective_from items",
    effective_from=EFFECTIVE_FROM,
    items=list_of(ITEM, least=1),
    on_payment_failure=ON_FAILURE,
)
INCLUDE = Fields("", include=csv(one_of("next_transaction", "recurring_transaction_details")))
LIST = listing(
    "sub",
    id=csv(id_of("sub")),
    status=csv(one_of("active", "canceled", "past_due", "paused", "trialing")),
    customer_id=csv(id_of("ctm")),
    address_id=csv(id_of("add")),
    price_id=csv(id_of("pri")),
    collection_mode=COLLECTION_MODE,
    scheduled_change_action=csv(one_of("cancel", "pause", "resume")),
    **moments("next_billed_at"),
)
