"""What the provider-neutral tests of the write side need of each provider: a shop with plans, and its customers' doings."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, Protocol, TypeAlias

from service.provider import Connection

Json: TypeAlias = dict[str, Any]


class Case(Protocol):
    """One provider's stand-in, with what a test does there in the customer's and the provider's place."""

    name: str
    sandbox: Any
    """The stand-in."""
    keyed: bool
    """True where the provider acts once on an idempotency key: then an open outcome is always settled."""
    checkout: bool
    """True where only a checkout can start a subscription."""

    def plans(self) -> dict[str, str]:
        """Make the plans `pro` and `team` there; the price id of each."""
        ...

    def writer(self, connection: Connection) -> Any:
        """The adapter's writer, retrying its reads without waiting."""
        ...

    def reader(self, connection: Connection) -> Any:
        """The adapter's reader, retrying without waiting."""
        ...

    def can_pay(self, customer_id: str) -> None:
        """From now on the customer has a payment method, where the provider wants one before a subscription starts."""
        ...

    def check_out(self, url: str, object_id: str | None) -> None:
        """The customer finishes the checkout that a `pending_checkout` led to."""
        ...

    def customers(self, user_id: str) -> list[str]:
        """Ids of the customers made for a user."""
        ...

    def subscriptions(self, customer_id: str) -> list[str]:
        """Ids of the customer's subscriptions, ended ones too."""
        ...

    def charges(self, customer_id: str) -> list[str]:
        """Ids of the customer's successful payments: what the provider's own books say."""
        ...

    def started(self, customer_id: str) -> int:
        """How many subscriptions, or checkouts that would start one, were made for the customer."""
        ...

    def refunds(self, payment_id: str) -> list[int]:
        """Amounts given back of a payment, in minor units."""
        ...

    def rename(self, customer_id: str, name: str) -> None:
        """Somebody changes the customer's name at the provider."""
        ...

    def fail_next(self, customer_id: str) -> None:
        """The customer's next payment is declined."""
        ...


def discover() -> dict[str, type[Case]]:
    """Every case beside this module, by provider: a new module is enough."""
    from tests.billing import cases

    found: dict[str, type[Case]] = {}
    for module in sorted(pkgutil.iter_modules(cases.__path__), key=lambda each: each.name):
        case = getattr(importlib.import_module(f"{cases.__name__}.{module.name}"), "CASE", None)
        if case is not None:
            found[case.name] = case
    return found
