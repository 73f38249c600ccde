"""The account's settings, and what is assumed where Lemon Squeezy says nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

DAY = 86_400


@dataclass
class Settings:
    """How the stand-in's account behaves. Times are virtual seconds unless the name says days.

    The four retries over two weeks, the page sizes and the rate are Lemon Squeezy's; the rest is a store's choice there
    as here, or an assumption, and then says so.
    """

    page_cap: int = 100
    """Most objects on one page, whatever `page[size]` asks for."""
    rate_limit: int | None = 300
    """Most API requests within one virtual minute; None is no limit."""
    test_mode: bool = True
    base_url: str = "https://api.lemonsqueezy.com"
    """What links begin with where no request names a host."""
    newest_first: bool = True
    """Assumed: lists begin with the newest object, so that page numbers shift when one is created."""
    status_filter_broken: bool = True
    """Reported by a developer: `filter[status]` on subscription invoices answers 200 without any rows."""
    between_pages: Callable[[], object] | int = 0
    """Called after each list answer; a number instead creates so many customers."""

    currency: str = "USD"
    """The store's currency, in which prices are."""
    tax_percent: int = 0
    """Tax on top of every price."""
    rates: dict[str, str] = field(
        default_factory=lambda: {
            "USD": "1.00000000",
            "EUR": "1.08000000",
            "GBP": "1.27000000",
            "JPY": "0.00650000",
            "PLN": "0.27282000",
            "TWD": "0.03100000",
        }
    )
    """US dollars for one unit of a currency."""

    retry_days: tuple[int, ...] = (3, 4, 4, 3)
    """Days from one failed payment of a renewal to the next attempt."""
    dunning_days: int | None = 14
    """Days from `unpaid` to `expired`; None leaves the subscription unpaid, as a store without dunning rules does."""
    mirror_refunds: bool = True
    """Assumed: an order and its subscription's initial invoice are one payment, so a refund of one shows in both."""
    setup_fee_on_invoice: bool = True
    """Assumed: the initial invoice's total holds the setup fee, as its order's total does."""
    custom_data_on_invoices: bool = True
    """Assumed: events about subscription invoices carry the checkout's custom data as well."""
    items_touch_subscriptions: bool = False
    """Assumed from a recorded event: a change of the first item leaves the subscription's own `updated_at` alone."""
    url_seconds: int = DAY
    """How long signed URLs are valid."""

    def change(self, changes: dict[str, Any]) -> None:
        """Set settings by name, as the control plane does.

        Raises:
            ValueError: an unknown name; nothing is changed then.
        """
        known = {each.name for each in fields(self)}
        if unknown := sorted(changes.keys() - known):
            raise ValueError(f"unknown setting: {unknown[0]}")
        for name, value in changes.items():
            setattr(self, name, tuple(value) if isinstance(value, list) else value)
