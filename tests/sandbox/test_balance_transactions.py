"""The stand-in's books: each movement of money once, in the currency in which the account settles."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from service.sandbox.stripe import SandboxError, StripeSandbox
from tests.sandbox.shop import DAY, Shop, body_of, param_of, refusal


def booked(client: stripe.StripeClient, **params: Any) -> list[tuple[str, str, int, str]]:
    """(reporting category, type, amount, source) of each movement, oldest first, read by the official SDK."""
    found = client.v1.balance_transactions.list({"limit": 100, **params})  # type: ignore[arg-type]
    return [(each.reporting_category, each.type, each.amount, str(each.source)) for each in reversed(found.data)]


def test_a_charge_is_booked_less_its_fee(client: stripe.StripeClient, shop: Shop) -> None:
    charge = shop.charge(2_000)
    (each,) = client.v1.balance_transactions.list().data
    assert (each.id, each.source, each.created) == (charge["balance_transaction"], charge["id"], charge["created"])
    assert (each.amount, each.fee, each.net, each.currency) == (2_000, 88, 1_912, "usd")
    assert [(detail.amount, detail.type) for detail in each.fee_details] == [(88, "stripe_fee")]
    assert client.v1.balance_transactions.retrieve(each.id).to_dict() == each.to_dict()


def test_money_becomes_available_after_two_days(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    booked_as = str(shop.charge()["balance_transaction"])
    assert client.v1.balance_transactions.retrieve(booked_as).status == "pending"
    sandbox.advance(2 * DAY)
    assert client.v1.balance_transactions.retrieve(booked_as).status == "available"
    assert client.v1.balance_transactions.list().data[0].status == "available"


def test_a_charge_that_fails_or_is_only_held_is_not_booked(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    with pytest.raises(SandboxError):
        shop.charge(payment_method="pm_card_chargeDeclined")
    held = shop.charge(2_000, capture_method="manual")
    assert booked(client) == []
    sandbox.call("POST", f"/v1/payment_intents/{held['payment_intent']}/capture", {"amount_to_capture": 1_500})
    assert booked(client) == [
        ("charge", "charge", 2_000, held["id"]),
        ("partial_capture_reversal", "refund", -500, held["id"]),
    ]


def test_a_refund_is_booked_when_it_is_made_and_comes_back_when_it_fails(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    charge = shop.charge(2_000)
    sandbox.next_refunds("pending")
    refund = client.v1.refunds.create({"charge": charge["id"], "amount": 300})
    sandbox.settle_refund(refund.id, status="failed")
    assert booked(client, source=refund.id) == [
        ("refund", "refund", -300, refund.id),
        ("refund_failure", "refund_failure", 300, refund.id),
    ]
    after = client.v1.refunds.retrieve(refund.id, {"expand": ["balance_transaction", "failure_balance_transaction"]})
    out, back = after.balance_transaction, after.failure_balance_transaction
    assert isinstance(out, stripe.BalanceTransaction)
    assert isinstance(back, stripe.BalanceTransaction)
    assert (out.amount, back.amount) == (-300, 300)


def test_a_dispute_is_booked_when_it_takes_the_money_and_when_it_gives_it_back(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    dispute = sandbox.open_dispute(shop.charge(2_000)["id"], amount=700)
    closed = sandbox.close_dispute(dispute["id"], status="won")
    assert booked(client, source=dispute["id"], type="adjustment") == [
        ("dispute", "adjustment", -700, dispute["id"]),
        ("dispute_reversal", "adjustment", 700, dispute["id"]),
    ]
    listed = client.v1.balance_transactions.list({"source": dispute["id"]}).data
    assert [each["id"] for each in closed["balance_transactions"]] == [each.id for each in reversed(listed)]
    assert {kind for _, kind, *_ in booked(client, type="adjustment")} == {"adjustment"}
    sandbox.close_dispute(sandbox.open_dispute(shop.charge()["id"])["id"], status="lost")
    assert [kind for kind, *_ in booked(client)][-2:] == ["charge", "dispute"]


def test_money_in_a_currency_without_a_balance_is_booked_in_another(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    sandbox.settle_in("eur", "usd", "1.075")
    charge = shop.charge(1_000, currency="eur")
    client.v1.refunds.create({"charge": charge["id"], "amount": 500})
    paid, back = reversed(client.v1.balance_transactions.list().data)
    assert (paid.amount, paid.currency, paid.exchange_rate, paid.fee, paid.net) == (1_075, "usd", 1.075, 63, 1_012)
    assert (back.amount, back.currency, back.exchange_rate) == (-538, "usd", 1.075)
    assert charge["currency"] == "eur"


def test_the_books_are_read_page_by_page_and_by_time(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    begun = sandbox.clock.now()
    for amount in (100, 200, 300, 400, 500):
        shop.charge(amount, currency="eur" if amount == 300 else "usd")
        sandbox.advance(10)
    sandbox.settings.page_cap = 2
    every = list(client.v1.balance_transactions.list({"limit": 2}).auto_paging_iter())
    assert [each.amount for each in every] == [500, 400, 300, 200, 100]
    middle = client.v1.balance_transactions.list({"created": {"gte": begun + 10, "lt": begun + 30}}).data
    assert [each.amount for each in middle] == [300, 200]
    before = client.v1.balance_transactions.list({"ending_before": every[2].id}).data
    assert [each.amount for each in before] == [500, 400]
    assert [each.amount for each in client.v1.balance_transactions.list({"currency": "eur"}).data] == [300]


def test_a_source_is_shown_whole_where_it_is_asked_for(client: stripe.StripeClient, shop: Shop) -> None:
    charge = shop.charge(2_000)
    (each,) = client.v1.balance_transactions.list({"expand": ["data.source"]}).data
    assert isinstance(each.source, stripe.Charge)
    assert each.source.id == charge["id"]


@pytest.mark.parametrize(
    ("ask", "status", "code", "param"),
    [
        (lambda v1: v1.list({"kind": "charge"}), 400, "parameter_unknown", "kind"),
        (lambda v1: v1.list({"type": "sale"}), 400, None, "type"),
        (lambda v1: v1.list({"currency": "dollar"}), 400, None, "currency"),
        (lambda v1: v1.list({"created": {"after": 1}}), 400, "parameter_unknown", "created[after]"),
        (lambda v1: v1.list({"starting_after": "txn_none"}), 400, "resource_missing", "starting_after"),
        (lambda v1: v1.list({"payout": "po_none"}), 400, "resource_missing", "payout"),
        (lambda v1: v1.list({"expand": ["data.fee"]}), 400, None, "expand"),
        (lambda v1: v1.retrieve("txn_none"), 404, "resource_missing", "id"),
    ],
)
def test_what_the_books_cannot_be_asked_is_refused(
    client: stripe.StripeClient, shop: Shop, ask: Callable[[Any], object], status: int, code: str | None, param: str
) -> None:
    shop.charge()
    error = refusal(lambda: ask(client.v1.balance_transactions))
    assert (error.http_status, body_of(error).get("code"), param_of(error)) == (status, code, param)


def test_a_key_may_lack_the_permission_for_the_books_alone(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    shop.charge()
    sandbox.faults.forbidden.add("balance_transaction")
    assert isinstance(refusal(client.v1.balance_transactions.list), stripe.PermissionError)
    assert len(client.v1.charges.list().data) == 1
