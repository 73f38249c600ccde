"""The account's settings, and what is assumed where Paddle says nothing."""

from dataclasses import asdict, dataclass, field
from typing import Any

DAY = 86_400

LIVE_RETRIES = tuple(round(60 * 1.1075**turn) for turn in range(60))
"""Seconds between attempts: up to 60 retries over 3 days, exponential, as Paddle documents it for live accounts."""
SANDBOX_RETRIES = (60, 240, 600)
"""Three retries within 15 minutes, as is reported of sandbox accounts."""


@dataclass
class Settings:
    """How the stand-in's account behaves. Times are virtual seconds unless the name says days.

    The states and their order are Paddle's; numbers are a seller's choice there as here, or an assumption, and then
    say so.
    """

    page_cap: int = 200
    """Most objects on one page, whatever `per_page` asks for."""
    rate_limit: int | None = None
    """Most API requests within one virtual minute; None is no limit (Paddle's own is 240 for an IP address)."""
    base_url: str = "https://sandbox-api.paddle.com"
    """What `pagination.next` begins with where no request names a host."""
    retries: tuple[int, ...] = LIVE_RETRIES
    """Seconds between the attempts of a notification."""

    renewals_pass_billed: bool = True
    """Whether a renewal's transaction is billed before it is paid: the simulator's scenario says so."""
    number_after_completed: bool = True
    """Whether number and subscription follow `transaction.completed` in a `transaction.updated`: the harder case.

    The simulator's scenario of a renewal gives the number with `transaction.completed`; False does that.
    """
    auto_approve: bool = False
    """Whether refunds are approved every ten minutes, as in sandbox accounts; a live one leaves them to people."""
    approve_seconds: int = 600
    retry_days: tuple[int, ...] = (1, 3, 7)
    """Days from a renewal's first failed payment to each retry."""
    after_retries: str = "cancel"
    """What becomes of the subscription then: "cancel" or "pause"; its unpaid transactions are canceled."""

    tax_percent: int = 10
    """Tax on every price, so that a subtotal is never mistaken for a total."""
    tax_included: bool = False
    """What the tax mode `account_setting` of a price means."""
    payout_currency: str = "USD"
    rates: dict[str, str] = field(
        default_factory=lambda: {"USD": "1", "EUR": "1.08", "GBP": "1.27", "JPY": "0.0065", "TWD": "0.031"}
    )
    """Payout currency for one unit of a currency; one that is missing here counts as 1."""
    told_decimals: dict[str, int] = field(default_factory=dict)
    """What `GET /currencies` tells instead, or besides; amounts stay as they are."""
    checkout_url: str = "https://shop.example/pay"
    """The default payment link."""
    url_seconds: int = 3_600
    """How long signed URLs are valid: assumed."""

    def change(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Set settings by name, as the control plane does, and return all of them.

        Raises:
            ValueError: an unknown name, or a value of another kind.
        """
        known = asdict(self)
        for name, sent in changes.items():
            value = tuple(sent) if isinstance(sent, list) else sent
            optional = name == "rate_limit" and type(value) in (int, type(None))
            if name not in known or not (optional or type(value) is type(known[name])):
                raise ValueError(f"no such setting: {name}={sent!r}")
            setattr(self, name, value)
        return asdict(self)
