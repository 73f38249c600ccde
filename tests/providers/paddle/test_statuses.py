"""Statuses: PROVIDERS.md 4.2 and the values of the official SDK."""

from collections.abc import Mapping

import pytest

from service.providers.paddle import provider
from service.providers.paddle.statuses import (
    ACTIVITY,
    ATTEMPT,
    COLLECTION,
    CREDIT_NOTE,
    DISPUTE,
    INVOICE,
    OPEN,
    PAYMENT,
    REFUND,
    SUBSCRIPTION,
    neutral,
)
from tests.providers.paddle.official import values


@pytest.mark.parametrize(
    ("table", "enumeration", "unlisted"),
    [
        (ACTIVITY, ("Shared", "Status"), set()),
        (INVOICE, ("Shared", "TransactionStatus"), set()),
        ({**PAYMENT, **dict.fromkeys(OPEN, "")}, ("Shared", "TransactionStatus"), set()),
        (ATTEMPT, ("Shared", "PaymentAttemptStatus"), {"unknown"}),
        (COLLECTION, ("Shared", "CollectionMode"), set()),
        (REFUND, ("Shared", "AdjustmentStatus"), set()),
        (CREDIT_NOTE, ("Shared", "AdjustmentStatus"), set()),
        (DISPUTE["chargeback"], ("Shared", "AdjustmentStatus"), set()),
        (DISPUTE["chargeback_reverse"], ("Shared", "AdjustmentStatus"), set()),
        (DISPUTE["chargeback_warning"], ("Shared", "AdjustmentStatus"), set()),
        (DISPUTE["chargeback_warning_reverse"], ("Shared", "AdjustmentStatus"), set()),
        # Nothing documents `inactive`.
        (SUBSCRIPTION, ("Subscriptions", "SubscriptionStatus"), {"inactive"}),
        ({**DISPUTE, "refund": {}, "credit": {}}, ("Shared", "Action"), {"credit_reverse"}),
    ],
)
def test_every_value_of_the_sdk_has_a_word(
    table: Mapping[str, object], enumeration: tuple[str, str], unlisted: set[str]
) -> None:
    assert values(*enumeration) == set(table) | unlisted


@pytest.mark.parametrize("status", [None, "", "of_tomorrow"])
def test_anything_else_is_unknown(status: str | None) -> None:
    assert neutral(SUBSCRIPTION, status) == "unknown"


@pytest.mark.parametrize(
    ("source", "earlier", "later"),
    [
        ("transaction", "draft", "billed"),
        ("transaction", "ready", "billed"),
        ("transaction", "billed", "past_due"),
        ("transaction", "past_due", "paid"),
        ("transaction", "paid", "completed"),
        ("transaction", "past_due", "canceled"),
        ("subscription", "active", "canceled"),
        ("adjustment", "pending_approval", "approved"),
        ("adjustment", "approved", "reversed"),
    ],
)
def test_what_can_only_come_later_ranks_higher(source: str, earlier: str, later: str) -> None:
    first = provider.rank(source, {"provider_status": earlier})
    last = provider.rank(source, {"provider_status": later})
    assert first is not None
    assert last is not None
    assert first < last


@pytest.mark.parametrize(
    ("source", "one", "other"),
    [
        ("transaction", "draft", "ready"),
        ("transaction", "completed", "canceled"),
        ("subscription", "active", "paused"),
        ("subscription", "past_due", "trialing"),
        ("adjustment", "approved", "rejected"),
    ],
)
def test_what_comes_and_goes_ranks_alike(source: str, one: str, other: str) -> None:
    assert provider.rank(source, {"provider_status": one}) == provider.rank(source, {"provider_status": other})


@pytest.mark.parametrize(
    ("source", "status"),
    [("customer", "archived"), ("product", "active"), ("transaction", "escrowed"), ("transaction", None)],
)
def test_what_has_no_certain_order_has_no_rank(source: str, status: str | None) -> None:
    assert provider.rank(source, {"provider_status": status}) is None
