"""The event types that we handle: one table, with the reason why we listen to each.

Every name exists in paddle-python-sdk 1.16.1 (`EventTypeName`). Each event carries the whole object, so a lost one is made
up for by the next. What is not in the table is stored and ignored with the reason `unhandled_type`, and left out on purpose:

    invoice.*                          no such object exists: an invoice is a transaction; the names are leftovers of the SDK
    address.*, business.*              where a buyer lives and what its company is called are not mirrored
    discount.*, discount_group.*       not mirrored; amounts come with transactions
    payment_method.*                   cards are not mirrored
    payout.*, report.*                 money between Paddle and the bank, and files about it
    meter.*, usage_balance.*           early access; not mirrored
    api_key.*, api_key_exposure.*      matters of the seller's own account
    client_token.*                     the same

Of what is in the table, some is stored without making a row:

    a checkout that nobody finished    a transaction that was never issued is ignored as `not_issued`
    a draft to be paid by invoice      the same until it is billed
    a changed card                     a transaction of origin `subscription_payment_method_change`, ignored as `not_issued`
    an adjustment's unknown action     ignored as `unknown_action`: it may add money or take it back, so no row could be right
    simulated events                   ids `ntfsimevt_...`, sent by Paddle's simulator with made-up data; ignored as `simulation`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from service.providers.paddle.resources import RESOURCES, Resource

_SIMULATED: Final = "ntfsimevt_"


class Row(msgspec.Struct, frozen=True):
    """How one event type is handled: whose object it carries, and why we listen.

    `begins`: the object did not exist before the event. `*.imported` is not among them: whether it stands beside a
    `*.created` is not documented.
    """

    resource: Resource
    why: str
    begins: bool = False


def _rows(source: str, whys: Mapping[str, str]) -> dict[str, Row]:
    resource, created = RESOURCES[source], f"{source}.created"
    return {name: Row(resource, why, begins=name == created) for name, why in whys.items()}


EVENTS: Final[Mapping[str, Row]] = {
    **_rows(
        "customer",
        {
            "customer.created": "a buyer appears",
            "customer.updated": "e-mail, name or the application's user id changed, or the buyer was archived or brought back",
            "customer.imported": "a buyer moved here from Paddle Classic or another provider",
        },
    ),
    **_rows(
        "product",
        {
            "product.created": "names what is sold",
            "product.updated": "renamed, archived or brought back",
            "product.imported": "moved here from elsewhere",
        },
    ),
    **_rows(
        "price",
        {
            "price.created": "tells what items and lines cost",
            "price.updated": "changed, archived or brought back",
            "price.imported": "moved here from elsewhere",
        },
    ),
    **_rows(
        "subscription",
        {
            "subscription.created": "a subscription begins, after its first payment or as a trial",
            "subscription.trialing": "it begins with a trial",
            "subscription.activated": "it begins, or its trial became paid",
            "subscription.updated": "renewal, plan change, scheduled cancellation: all come here",
            "subscription.past_due": "dunning begins",
            "subscription.paused": "access ends without a cancellation",
            "subscription.resumed": "and comes back",
            "subscription.canceled": "the subscription is over; a scheduled cancellation is subscription.updated",
            "subscription.imported": "it moved here from elsewhere",
        },
    ),
    **_rows(
        "transaction",
        {
            "transaction.created": "a draft appears; only what a subscription began makes a row yet",
            "transaction.ready": "it holds all that billing it takes",
            "transaction.billed": "the invoice is issued",
            "transaction.paid": "money received; number and subscription may follow",
            "transaction.completed": "fully processed: the payment succeeded",
            "transaction.past_due": "a renewal failed, or an invoice's terms ran out",
            "transaction.payment_failed": "an attempt failed, and why",
            "transaction.canceled": "will never be paid",
            "transaction.updated": "number, subscription or amounts followed",
            "transaction.revised": "details of the buyer on an issued invoice were corrected",
        },
    ),
    **_rows(
        "adjustment",
        {
            "adjustment.created": "a refund, credit or chargeback appears, often still waiting for approval",
            "adjustment.updated": "it was approved, rejected or reversed",
        },
    ),
}


def ignored(event_type: str, event_id: str) -> str | None:
    """Why an event is stored but not applied; None if it is applied.

    Simulated events look like real ones but for their id (`SimulationEventId` of Paddle's OpenAPI description; deliveries
    quoted in public test suites carry it as `event_id`): what they tell never happened.
    """
    if event_id.startswith(_SIMULATED):
        return "simulation"
    return None if event_type in EVENTS else "unhandled_type"
