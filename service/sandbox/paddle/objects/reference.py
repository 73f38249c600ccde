"""What is the same for every account: currencies and addresses of machines."""

from typing import Any

from service.sandbox.paddle.money import CURRENCIES, decimals
from service.sandbox.paddle.routes import Route
from service.sandbox.paddle.world import World

Json = dict[str, Any]


def currencies(_world: World, _params: Json) -> list[Json]:
    """The currencies that Paddle charges in, with their decimal places."""
    return [
        {
            "code": code,
            "name": code,
            "decimal_places": decimals(code),
            "minimum_payment_amount": "70" if decimals(code) == 2 else "100",
            "can_be_balance": code in ("USD", "EUR", "GBP"),
            "applicable_countries": [],
        }
        for code in CURRENCIES
    ]


def ips(_world: World, _params: Json) -> Json:
    """Where webhooks come from: addresses that are kept for documentation."""
    return {"ipv4_cidrs": ["192.0.2.1/32", "192.0.2.2/32"]}


ROUTES = [
    Route("GET", "/currencies", "currency", currencies),
    Route("GET", "/ips", "ip_address", ips),
]
