"""The account's settings."""

from dataclasses import dataclass, field

DAY = 86_400


@dataclass
class Settings:
    """How the stand-in's account behaves. Times are virtual seconds.

    That a draft waits about an hour, that an incomplete subscription expires after 23 hours and that a trial's end
    is announced three days before is Stripe's behaviour; the retry days and what follows them are an account's choice
    there as here.
    """

    account_id: str = "acct_sandbox"
    api_version: str = "2026-10-28.endive"
    page_cap: int = 100
    """Most objects on one page, whatever `limit` asks for."""
    nested_cap: int = 10
    """Most elements of a list inside an object; the rest is behind `has_more`."""
    draft_seconds: int = 3_600
    """How long a renewal's draft invoice waits before it is finalized and paid."""
    incomplete_seconds: int = 23 * 3_600
    retry_days: tuple[int, ...] = (3, 5, 7)
    """Days from one failed payment of an invoice to the next attempt."""
    after_retries: str = "cancel"
    """What becomes of the subscription then: "cancel", "unpaid" or "past_due"."""
    trial_warning_seconds: int = 3 * DAY
    upcoming_seconds: int = 0
    """How long before a renewal `invoice.upcoming` is sent; 0 sends none."""
    settlement: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Currencies that the account has no balance in: the one that they settle in, and the exchange rate."""
    rate_limit: int | None = None
    """Most API requests within one virtual second; None is no limit."""
