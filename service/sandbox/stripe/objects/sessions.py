"""Checkout and billing portal sessions: the pages that a customer is sent to."""

from typing import Any

from service.sandbox.stripe.errors import missing_parameter, refused
from service.sandbox.stripe.objects import subscriptions
from service.sandbox.stripe.objects.attributes import metadata, taken
from service.sandbox.stripe.params import Fields, anything, boolean, clearable, list_of, moment, natural, one_of, text
from service.sandbox.stripe.params import metadata as metadata_kind
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.settings import DAY
from service.sandbox.stripe.world import World

Json = dict[str, Any]

_LINE = Fields("price", price=text, quantity=natural)
_CHECKOUT = Fields(
    "mode",
    allow_promotion_codes=boolean,
    cancel_url=text,
    client_reference_id=text,
    customer=text,
    customer_email=text,
    expires_at=moment,
    line_items=list_of(_LINE),
    metadata=metadata_kind,
    mode=one_of("payment", "setup", "subscription"),
    subscription_data=Fields(metadata=metadata_kind, trial_period_days=natural, description=clearable),
    success_url=text,
    ui_mode=text,
)
_PORTAL = Fields("customer", configuration=text, customer=text, flow_data=anything, locale=text, return_url=text)


def create(world: World, params: Json) -> Json:
    """Open a checkout session; `complete` plays the customer who pays it."""
    lines = params.get("line_items", [])
    if params["mode"] != "setup" and not lines:
        raise missing_parameter("line_items")
    if "success_url" not in params:
        raise missing_parameter("success_url")
    if "customer" in params:
        world.get("customer", params["customer"], "customer")
    prices = [world.get("price", line["price"], f"line_items[{at}][price]") for at, line in enumerate(lines)]
    amount = sum(
        (price["unit_amount"] or 0) * line.get("quantity", 1) for price, line in zip(prices, lines, strict=True)
    )
    session_id = world.ids.new("cs_test", 58)
    expires = params.get("expires_at", world.now + DAY)
    session = world.add(
        "checkout.session",
        "cs_test",
        id=session_id,
        amount_subtotal=amount,
        amount_total=amount,
        currency=prices[0]["currency"] if prices else None,
        expires_at=expires,
        mode=params["mode"],
        url=f"https://checkout.stripe.com/c/pay/{session_id}",
        _sent=params,
        **taken(params, "cancel_url", "client_reference_id", "customer", "customer_email", "success_url"),
        **metadata(params),
    )
    world.schedule.at(expires, lambda: _expire(world, session))
    return session


def _expire(world: World, session: Json) -> None:
    if session["status"] == "open":
        world.change(session, "checkout.session.expired", status="expired", url=None)


def complete(world: World, session: Json) -> Json:
    """The customer pays an open subscription session: customer, subscription and payment come to be."""
    if session["status"] != "open" or session["mode"] != "subscription":
        raise refused("Only an open session with mode `subscription` can be completed.")
    if session["customer"] is None:
        email = {"email": session["customer_email"]}
        session["customer"] = world.add("customer", "cus", ["customer.created"], **email)["id"]
    sent = session["_sent"]
    items = [taken(line, "price", "quantity") for line in sent["line_items"]]
    wanted = {"customer": session["customer"], "items": items} | sent.get("subscription_data", {})
    subscription = subscriptions.create(world, wanted)
    values = {"subscription": subscription["id"], "invoice": subscription["latest_invoice"]}
    paid = {"status": "complete", "payment_status": "paid", "url": None}
    return world.change(session, "checkout.session.completed", **paid, **values)


def retrieve(world: World, _params: Json, session_id: str) -> Json:
    """The checkout session."""
    return world.get("checkout.session", session_id)


def expire(world: World, _params: Json, session_id: str) -> Json:
    """Close an open session."""
    session = world.get("checkout.session", session_id)
    if session["status"] != "open":
        raise refused(f"Only Checkout Sessions with a status in [open] can be expired: it is {session['status']}.")
    _expire(world, session)
    return session


def open_portal(world: World, params: Json) -> Json:
    """A billing portal session."""
    customer = world.get("customer", params["customer"], "customer")
    session_id = world.ids.new("bps")
    return world.add(
        "billing_portal.session",
        "bps",
        id=session_id,
        configuration=params.get("configuration", "bpc_sandbox"),
        customer=customer["id"],
        url=f"https://billing.stripe.com/p/session/test_{session_id}",
        **taken(params, "locale", "return_url"),
    )


ROUTES = [
    Route("POST", "/v1/checkout/sessions", "checkout_session", create, _CHECKOUT),
    Route("GET", "/v1/checkout/sessions/*", "checkout_session", retrieve),
    Route("POST", "/v1/checkout/sessions/*/expire", "checkout_session", expire),
    Route("POST", "/v1/billing_portal/sessions", "customer_portal", open_portal, _PORTAL),
]
