"""Statuses and their order: PROVIDERS.md 4.2."""

import itertools
from collections.abc import Mapping

import pytest

from service.providers.stripe import provider, statuses

TABLES = {
    "subscription": statuses.SUBSCRIPTION,
    "invoice": statuses.INVOICE,
    "payment_intent": statuses.PAYMENT_INTENT,
    "charge": statuses.CHARGE,
    "invoice_payment": statuses.INVOICE_PAYMENT,
    "refund": statuses.REFUND,
    "credit_note": statuses.CREDIT_NOTE,
}


def rank(source: str, status: str | None) -> int | None:
    """The rank of a content with this provider status."""
    return provider.rank(source, {"provider_status": status})


@pytest.mark.parametrize("table", [*TABLES.values(), statuses.DISPUTE])
def test_a_status_of_tomorrow_is_unknown(table: Mapping[str, str]) -> None:
    assert statuses.neutral(table, "invented") == "unknown"
    assert statuses.neutral(table, None) == "unknown"
    assert "unknown" not in table.values()


@pytest.mark.parametrize(
    ("source", "earlier", "later"),
    [
        ("invoice", "draft", "open"),
        ("invoice", "open", "uncollectible"),
        ("invoice", "uncollectible", "paid"),
        ("invoice", "uncollectible", "void"),
        ("payment_intent", "requires_capture", "succeeded"),
        ("payment_intent", "processing", "canceled"),
        ("charge", "pending", "succeeded"),
        ("charge", "pending", "failed"),
        ("invoice_payment", "open", "paid"),
        ("refund", "pending", "succeeded"),
        ("refund", "requires_action", "canceled"),
        ("refund", "succeeded", "failed"),
        ("subscription", "incomplete", "active"),
        ("subscription", "past_due", "canceled"),
        ("subscription", "incomplete", "incomplete_expired"),
        ("credit_note", "issued", "void"),
    ],
)
def test_a_status_that_can_only_follow_another_ranks_above_it(source: str, earlier: str, later: str) -> None:
    before, after = rank(source, earlier), rank(source, later)
    assert before is not None
    assert after is not None
    assert before < after


@pytest.mark.parametrize(
    ("source", "one", "other"),
    [
        ("invoice", "paid", "void"),
        ("subscription", "active", "past_due"),
        ("subscription", "paused", "trialing"),
        ("payment_intent", "requires_action", "processing"),
        ("payment_intent", "succeeded", "canceled"),
        ("refund", "pending", "requires_action"),
    ],
)
def test_statuses_that_come_in_any_order_do_not_outrank_each_other(source: str, one: str, other: str) -> None:
    assert rank(source, one) == rank(source, other) is not None


@pytest.mark.parametrize(
    ("source", "status"),
    [("dispute", "won"), ("customer", None), ("product", "active"), ("price", "inactive"), ("invoice", "invented")],
)
def test_where_no_order_is_certain_there_is_no_rank(source: str, status: str | None) -> None:
    assert rank(source, status) is None


def test_the_link_that_an_old_invoice_gives_a_payment_has_no_rank() -> None:
    assert provider.rank("invoice", {"invoice_id": "in_1"}) is None


@pytest.mark.parametrize("source", TABLES)
def test_every_known_status_has_a_rank(source: str) -> None:
    ranks = [rank(source, status) for status in TABLES[source]]
    assert None not in ranks
    assert len(set(itertools.chain(ranks))) > 1
