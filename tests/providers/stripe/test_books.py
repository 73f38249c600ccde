"""What Stripe has booked, read from the stand-in over a real socket."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import msgspec
import pytest

from service.book_port import Booked, Books
from service.errors import Forbidden, MappingError, ProviderUnavailable, RateLimited
from service.providers.stripe.client import StripeReader
from service.sandbox.stripe import StripeSandbox
from tests.providers.stripe.conftest import Wire
from tests.providers.stripe.given import T, at
from tests.providers.stripe.shop import DAY
from tests.sandbox.shop import Shop


def entries(reader: StripeReader, since: datetime | None = None) -> list[Booked]:
    """All that is booked, oldest first."""
    page = reader.booked(cursor=None, since=since)
    found = list(page.entries)
    while page.cursor is not None:
        page = reader.booked(cursor=page.cursor, since=since)
        found += page.entries
    return found[::-1]


def answered(wire: Wire, sandbox: StripeSandbox, *transactions: object) -> None:
    """Let the API answer with a list of these."""
    body = msgspec.json.encode({"object": "list", "has_more": False, "data": transactions})
    wire.answer = lambda call: replace(sandbox.exchange(call), body=body)


def given(category: str | None, **values: object) -> dict[str, object]:
    """A balance transaction of a reporting category."""
    plain = {"id": "txn_1", "amount": -100, "created": T, "currency": "usd", "source": "re_1"}
    return plain | {"reporting_category": category} | values


def test_the_reader_declares_that_it_has_books(reader: StripeReader) -> None:
    assert isinstance(reader, Books)


def test_all_that_moves_is_booked_before_fees_under_its_object(reader: StripeReader, sandbox: StripeSandbox) -> None:
    shop = Shop(sandbox)
    charge = shop.charge(2_000)
    sandbox.advance(DAY)
    refund = sandbox.call("POST", "/v1/refunds", {"charge": charge["id"], "amount": 300})
    sandbox.settle_refund(refund["id"], status="failed")
    dispute = sandbox.open_dispute(shop.charge(900)["id"])
    sandbox.close_dispute(dispute["id"], status="won")
    found = entries(reader)
    assert [(each.kind, each.source_id, each.amount, each.currency) for each in found] == [
        ("payment", charge["id"], 2_000, "USD"),
        ("refund", refund["id"], -300, "USD"),
        ("refund", refund["id"], 300, "USD"),
        ("payment", dispute["charge"], 900, "USD"),
        ("dispute", dispute["id"], -900, "USD"),
        ("dispute", dispute["id"], 900, "USD"),
    ]
    assert [each.created_at for each in found] == [at(T), *[at(T + DAY)] * 5]
    assert [each.id for each in found] == list(sandbox.objects("balance_transaction"))


def test_only_what_was_booked_since_is_read(reader: StripeReader, sandbox: StripeSandbox) -> None:
    shop = Shop(sandbox)
    for amount in (100, 200, 300):
        shop.charge(amount)
        sandbox.advance(10)
    assert [each.amount for each in entries(reader, at(T + 10))] == [200, 300]


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [(5_000, "jpy", 5_000), (12_340, "kwd", 12_340), (150_000, "isk", 1_500), (700, "mga", 70_000)],
)
def test_amounts_are_iso_minor_units(
    reader: StripeReader, sandbox: StripeSandbox, amount: int, currency: str, units: int
) -> None:
    Shop(sandbox).charge(amount, currency=currency)
    assert [(each.amount, each.currency) for each in entries(reader)] == [(units, currency.upper())]


def test_what_belongs_to_no_row_is_left_out_whatever_its_amount(
    reader: StripeReader, sandbox: StripeSandbox, wire: Wire
) -> None:
    """Fees, payouts, categories of tomorrow and none at all; an adjustment counts only by what its category says that it adjusts."""
    others = [
        given(each, currency="isk", amount=-150)
        for each in ("fee", "payout", "transfer", "other_adjustment", "?", None)
    ]
    answered(wire, sandbox, *others, given("dispute", type="adjustment", source="du_1"))
    (found,) = reader.booked(cursor=None, since=None).entries
    assert (found.kind, found.source_id) == ("dispute", "du_1")


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        ("charge", "payment"), ("charge_failure", "release"), ("partial_capture_reversal", "release"),
        ("refund", "refund"), ("refund_failure", "refund"), ("dispute", "dispute"), ("dispute_reversal", "dispute"),
    ],
)  # fmt: skip
def test_each_category_belongs_to_a_kind_of_row(
    reader: StripeReader, sandbox: StripeSandbox, wire: Wire, category: str, kind: str
) -> None:
    answered(wire, sandbox, given(category))
    assert [each.kind for each in reader.booked(cursor=None, since=None).entries] == [kind]


def test_an_entry_without_a_source_stands_for_itself(reader: StripeReader, sandbox: StripeSandbox, wire: Wire) -> None:
    answered(wire, sandbox, given("refund", source=None))
    assert [each.source_id for each in reader.booked(cursor=None, since=None).entries] == ["txn_1"]


def test_an_amount_that_is_no_whole_number_of_units_cannot_be_translated(
    reader: StripeReader, sandbox: StripeSandbox, wire: Wire
) -> None:
    answered(wire, sandbox, given("charge", currency="isk", amount=150))
    with pytest.raises(MappingError, match="150 ISK"):
        reader.booked(cursor=None, since=None)


def test_an_answer_that_is_no_balance_transaction_is_unavailable(
    reader: StripeReader, sandbox: StripeSandbox, wire: Wire
) -> None:
    answered(wire, sandbox, {"id": "txn_1", "amount": "much"})
    with pytest.raises(ProviderUnavailable, match="not a balance transaction"):
        reader.booked(cursor=None, since=None)


def test_a_refusal_is_an_error_of_the_port(reader: StripeReader, sandbox: StripeSandbox) -> None:
    sandbox.faults.forbidden.add("balance_transaction")
    with pytest.raises(Forbidden, match="/v1/balance_transactions"):
        reader.booked(cursor=None, since=None)
    sandbox.faults.forbidden.clear()
    sandbox.faults.rate_limited = 5
    with pytest.raises(RateLimited):
        reader.booked(cursor=None, since=None)


def test_the_books_are_read_from_the_share_of_sweeps(reader: StripeReader, sandbox: StripeSandbox, wire: Wire) -> None:
    Shop(sandbox).charge()
    reader.booked(cursor=None, since=None)
    assert wire.budget.taken == [False]


def test_a_key_that_may_not_read_the_books_is_only_warned_of(reader: StripeReader, sandbox: StripeSandbox) -> None:
    (right,) = reader.checks("test")
    assert (right.ok, right.warning) == (True, False)
    sandbox.faults.forbidden.add("balance_transaction")
    (lacking,) = reader.checks("test")
    assert (lacking.ok, lacking.warning) == (None, True)
