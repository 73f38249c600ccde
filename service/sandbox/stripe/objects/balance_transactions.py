"""Balance transactions: read only, made by whatever moves money."""

from dataclasses import replace
from typing import Any

from service.sandbox.stripe.billing.booking import shown
from service.sandbox.stripe.errors import missing
from service.sandbox.stripe.objects.prices import currency
from service.sandbox.stripe.paging import CREATED, Page, page
from service.sandbox.stripe.params import one_of, text
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.world import World

Json = dict[str, Any]

# The values that stripe-python 16.1.0 documents for the filter.
_TYPES = (
    "adjustment advance advance_funding anticipation_repayment application_fee application_fee_refund charge"
    " climate_order_purchase climate_order_refund connect_collection_transfer contribution fee_credit_funding"
    " inbound_transfer inbound_transfer_reversal issuing_authorization_hold issuing_authorization_release"
    " issuing_dispute issuing_dispute_provisional_credit issuing_dispute_provisional_credit_reversal"
    " issuing_transaction obligation_outbound obligation_reversal_inbound payment payment_failure_refund"
    " payment_network_reserve_hold payment_network_reserve_release payment_refund payment_reversal"
    " payment_unreconciled payout payout_cancel payout_failure payout_minimum_balance_hold"
    " payout_minimum_balance_release refund refund_failure reserve_hold reserve_release reserve_transaction"
    " reserved_funds stripe_balance_payment_debit stripe_balance_payment_debit_reversal stripe_fee stripe_fx_fee"
    " tax_fee tax_fund topup topup_reversal transfer transfer_cancel transfer_failure transfer_refund"
)
_LIST = CREATED.plus(currency=currency, payout=text, source=text, type=one_of(*_TYPES.split()))


def retrieve(world: World, _params: Json, booked_id: str) -> Json:
    """The balance transaction."""
    return shown(world, world.get("balance_transaction", booked_id))


def listed(world: World, params: Json) -> Page:
    """Balance transactions, newest first. Nothing is ever paid out here, so no payout is known."""
    if "payout" in params:
        raise missing("payout", params["payout"], param="payout")
    wanted = {name: params[name] for name in ("currency", "source", "type") if name in params}

    def test(row: Json) -> bool:
        return all(row[name] == value for name, value in wanted.items())

    found = page(world, "/v1/balance_transactions", "balance_transaction", params, test)
    return replace(found, rows=[shown(world, row) for row in found.rows])


ROUTES = [
    Route("GET", "/v1/balance_transactions", "balance_transaction", listed, _LIST),
    Route("GET", "/v1/balance_transactions/*", "balance_transaction", retrieve),
]
