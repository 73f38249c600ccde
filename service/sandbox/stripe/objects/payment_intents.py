"""Payment intents."""

from typing import Any

from service.sandbox.stripe.billing import charging, collection
from service.sandbox.stripe.errors import declined, refused
from service.sandbox.stripe.objects.attributes import metadata, taken
from service.sandbox.stripe.objects.prices import currency
from service.sandbox.stripe.paging import CREATED, Page, page
from service.sandbox.stripe.params import Fields, anything, boolean, clearable, list_of, natural, one_of, text
from service.sandbox.stripe.params import metadata as metadata_kind
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.search import SEARCH, Found, search
from service.sandbox.stripe.world import World

Json = dict[str, Any]

_SHARED = Fields(
    amount=natural,
    currency=currency,
    customer=text,
    description=clearable,
    metadata=metadata_kind,
    payment_method=text,
    payment_method_types=list_of(text),
    receipt_email=clearable,
    setup_future_usage=one_of("off_session", "on_session"),
    statement_descriptor=text,
    statement_descriptor_suffix=text,
)
_CREATE = _SHARED.plus(
    "amount currency",
    automatic_payment_methods=anything,
    capture_method=one_of("automatic", "automatic_async", "manual"),
    confirm=boolean,
    confirmation_method=one_of("automatic", "manual"),
    off_session=boolean,
    return_url=text,
)
_CONFIRM = Fields(payment_method=text, off_session=boolean, return_url=text, receipt_email=clearable)
_REASON = one_of("abandoned", "duplicate", "fraudulent", "requested_by_customer")
_CANCELABLE = ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture", "processing")


def _values(params: Json, old: Json) -> Json:
    return taken(params, *_SHARED.kinds, "capture_method", "confirmation_method") | metadata(
        params, old.get("metadata")
    )


def create(world: World, params: Json) -> Json:
    """Create a payment intent, and charge it at once with `confirm`.

    Raises:
        SandboxError: the charge was refused (402); the payment intent exists all the same.
    """
    if "customer" in params:
        world.get("customer", params["customer"], "customer")
    if params["amount"] <= 0:
        raise refused(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    intent_id = world.ids.new("pi")
    values = _values(params, {})
    values["client_secret"] = f"{intent_id}_secret_{world.ids.token(25)}"
    values["status"] = "requires_confirmation" if "payment_method" in params else "requires_payment_method"
    intent = world.add("payment_intent", "pi", ["payment_intent.created"], id=intent_id, **values)
    return _confirmed(world, intent, params) if params.get("confirm") else intent


def retrieve(world: World, _params: Json, intent_id: str) -> Json:
    """The payment intent."""
    return world.get("payment_intent", intent_id)


def update(world: World, params: Json, intent_id: str) -> Json:
    """Change a payment intent; Stripe sends no event for it."""
    intent = world.get("payment_intent", intent_id)
    if intent["status"] in ("succeeded", "canceled") and set(params) - {"description", "metadata"}:
        raise _unexpected(intent, "updated")
    return world.change(intent, **_values(params, intent))


def confirm(world: World, params: Json, intent_id: str) -> Json:
    """Charge the payment intent.

    Raises:
        SandboxError: the charge was refused (402), or the intent is over.
    """
    intent = world.get("payment_intent", intent_id)
    if intent["status"] in ("succeeded", "canceled", "requires_capture"):
        raise _unexpected(intent, "confirmed")
    return _confirmed(world, intent, params)


def _confirmed(world: World, intent: Json, params: Json) -> Json:
    method = params.get("payment_method") or intent["payment_method"]
    customer = world.tables["customer"].get(intent["customer"] or "")
    # A second confirmation is the customer's own word, which is what the bank was waiting for.
    asked = intent["status"] == "requires_action"
    failure = None if asked else world.payments.next_failure(customer, method)
    collection.confirmed(world, intent, failure, method)
    if failure is not None and intent["status"] != "requires_action":
        raise declined(failure, charge=intent["latest_charge"], payment_intent=dict(intent))
    return intent


def cancel(world: World, params: Json, intent_id: str) -> Json:
    """Cancel a payment intent that has not succeeded; what is held is released."""
    intent = world.get("payment_intent", intent_id)
    if intent["status"] not in _CANCELABLE:
        raise _unexpected(intent, "canceled")
    if intent.get("_invoice"):
        raise refused("You cannot cancel a PaymentIntent that belongs to an invoice; void the invoice instead.")
    if intent["status"] == "requires_capture":
        charge = world.get("charge", intent["latest_charge"])
        world.change(charge, "charge.refunded", amount_refunded=charge["amount"], refunded=True)
    return world.change(
        intent,
        "payment_intent.canceled",
        status="canceled",
        amount_capturable=0,
        canceled_at=world.now,
        cancellation_reason=params.get("cancellation_reason"),
    )


def capture(world: World, params: Json, intent_id: str) -> Json:
    """Take what is held, or a part of it."""
    intent = world.get("payment_intent", intent_id)
    if intent["status"] != "requires_capture":
        raise _unexpected(intent, "captured")
    amount: int = params["amount_to_capture"] if "amount_to_capture" in params else intent["amount_capturable"]
    if not 0 < amount <= intent["amount_capturable"]:
        message = "The amount to capture must be greater than 0 and at most the amount that can be captured."
        raise refused(message, code="amount_too_large", param="amount_to_capture")
    charging.capture(world, intent, amount)
    return intent


def _unexpected(intent: Json, done: str) -> Exception:
    message = f"This PaymentIntent's status is {intent['status']}: it could not be {done}."
    return refused(message, code="payment_intent_unexpected_state")


def listed(world: World, params: Json) -> Page:
    """Payment intents."""
    customer = params.get("customer")

    def test(row: Json) -> bool:
        return customer is None or row["customer"] == customer

    return page(world, "/v1/payment_intents", "payment_intent", params, test)


def searched(world: World, params: Json) -> Found:
    """Payment intents that match a query."""
    return search(world, "/v1/payment_intents/search", "payment_intent", params)


ROUTES = [
    Route("POST", "/v1/payment_intents", "payment_intent", create, _CREATE),
    Route("GET", "/v1/payment_intents", "payment_intent", listed, CREATED.plus(customer=text)),
    Route("GET", "/v1/payment_intents/search", "payment_intent", searched, SEARCH),
    Route("GET", "/v1/payment_intents/*", "payment_intent", retrieve, Fields(client_secret=text)),
    Route("POST", "/v1/payment_intents/*", "payment_intent", update, _SHARED),
    Route("POST", "/v1/payment_intents/*/confirm", "payment_intent", confirm, _CONFIRM),
    Route("POST", "/v1/payment_intents/*/cancel", "payment_intent", cancel, Fields(cancellation_reason=_REASON)),
    Route("POST", "/v1/payment_intents/*/capture", "payment_intent", capture, Fields(amount_to_capture=natural)),
]
