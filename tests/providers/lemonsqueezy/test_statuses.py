"""Statuses and their order."""

from collections.abc import Mapping

import pytest

from service.providers.lemonsqueezy import provider, statuses

TABLES = (
    statuses.SUBSCRIPTION,
    statuses.ORDER_INVOICE,
    statuses.ORDER_PAYMENT,
    statuses.INVOICE,
    statuses.INVOICE_PAYMENT,
    statuses.CUSTOMER,
    statuses.PRODUCT,
)


def rank(source: str, status: str | None) -> int | None:
    """The rank of a content with this provider status."""
    return provider.rank(source, {"provider_status": status})


@pytest.mark.parametrize("table", TABLES)
def test_a_status_of_tomorrow_is_unknown(table: Mapping[str, str]) -> None:
    assert statuses.neutral(table, "invented") == "unknown"
    assert statuses.neutral(table, None) == "unknown"
    assert "unknown" not in table.values()


def test_an_invoice_and_its_payment_know_the_same_statuses() -> None:
    assert statuses.ORDER_INVOICE.keys() == statuses.ORDER_PAYMENT.keys()
    assert statuses.INVOICE.keys() == statuses.INVOICE_PAYMENT.keys()
    paid = {
        status for table in (statuses.ORDER_INVOICE, statuses.INVOICE) for status in table if table[status] == "paid"
    }
    assert paid == statuses.PAID


@pytest.mark.parametrize(
    ("source", "order"),
    [
        ("orders", ("pending", "paid", "partial_refund", "refunded")),
        ("subscription-invoices", ("pending", "paid", "partial_refunded", "refunded")),
    ],
)
def test_a_status_that_can_only_follow_another_ranks_above_it(source: str, order: tuple[str, ...]) -> None:
    ranks = [rank(source, each) for each in order]
    assert None not in ranks
    assert ranks == sorted(set(ranks), key=lambda each: each or 0)


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("subscriptions", "active"),
        ("subscriptions", "expired"),
        ("orders", "failed"),
        ("orders", "fraudulent"),
        ("subscription-invoices", "void"),
        ("subscription-invoices", "invented"),
        ("subscription-invoices", None),
        ("payment-failures", "pending"),
        ("customers", "archived"),
    ],
)
def test_where_no_order_is_certain_there_is_no_rank(source: str, status: str | None) -> None:
    assert rank(source, status) is None
