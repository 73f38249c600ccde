"""Payment intents and charges."""

import stripe

from service.sandbox.stripe import StripeSandbox
from tests.sandbox.shop import Shop, refusal


def test_a_confirmed_intent_leads_to_a_charge(client: stripe.StripeClient, shop: Shop) -> None:
    charge = shop.charge(2_000)
    intent = client.v1.payment_intents.retrieve(charge["payment_intent"])
    assert (intent.status, intent.amount_received, intent.latest_charge) == ("succeeded", 2_000, charge["id"])
    assert (charge["status"], charge["paid"], charge["amount_captured"]) == ("succeeded", True, 2_000)


def test_a_declined_card_is_402_and_the_intent_stays(client: stripe.StripeClient, sandbox: StripeSandbox) -> None:
    sent = {"amount": 100, "currency": "usd", "payment_method": "pm_card_chargeDeclined", "confirm": True}
    error = refusal(lambda: client.v1.payment_intents.create(sent))  # type: ignore[arg-type]
    assert isinstance(error, stripe.CardError)
    assert error.http_status == 402
    intent = next(iter(sandbox.objects("payment_intent").values()))
    assert intent["status"] == "requires_payment_method"
    assert intent["last_payment_error"]["code"] == "card_declined"
    assert sandbox.objects("charge")[intent["latest_charge"]]["status"] == "failed"


def test_manual_capture_takes_a_part_and_releases_the_rest(client: stripe.StripeClient, shop: Shop) -> None:
    held = shop.charge(1_000, capture_method="manual")
    assert held["captured"] is False
    taken = client.v1.payment_intents.capture(held["payment_intent"], {"amount_to_capture": 600})
    assert (taken.status, taken.amount_received) == ("succeeded", 600)
    assert shop.get("charge", held["id"])["amount_captured"] == 600


def test_a_canceled_intent_is_over(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create({"amount": 100, "currency": "usd"})
    gone = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    assert refusal(lambda: client.v1.payment_intents.confirm(intent.id)).code == "payment_intent_unexpected_state"


def test_charges_are_listed_by_payment_intent(client: stripe.StripeClient, shop: Shop) -> None:
    wanted = shop.charge()
    shop.charge()
    found = client.v1.charges.list({"payment_intent": wanted["payment_intent"]}).data
    assert [each.id for each in found] == [wanted["id"]]


def test_a_checkout_session_that_is_paid_has_its_subscription(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    sent = {"mode": "subscription", "line_items": [{"price": shop.price(), "quantity": 2}], "success_url": "https://x"}
    session = client.v1.checkout.sessions.create(sent)  # type: ignore[arg-type]
    assert (session.status, session.amount_total) == ("open", 2_000)
    sandbox.complete_checkout(session.id)
    done = client.v1.checkout.sessions.retrieve(session.id)
    assert (done.status, done.payment_status) == ("complete", "paid")
    assert shop.get("subscription", str(done.subscription))["status"] == "active"


def test_a_portal_session_has_a_page(client: stripe.StripeClient, shop: Shop) -> None:
    session = client.v1.billing_portal.sessions.create({"customer": shop.customer()})
    assert session.url.startswith("https://billing.stripe.com/")
