"""What is the same for every account: currencies and addresses of machines."""

from typing import Any

from service.sandbox.paddle.money import CURRENCIES, decimals
from service.sandbox.paddle.routes import Route
from service.sandbox.paddle.world import World

Json = dict[str, Any]


def currencies(world: World, _params: Json) -> list[Json]:
    """The currencies that Paddle charges in, with their decimal places."""
    told = {code: decimals(code) for code in CURRENCIES} | world.settings.told_decimals
    return [_currency(code, places) for code, places in told.items()]


def _currency(code: str, places: int) -> Json:
    return {
        "code": code,
        "name": code,
        "decimal_places": places,
        "minimum_payment_amount": "70" if places == 2 else "100",
        "can_be_balance": code in ("USD", "EUR", "GBP"),
        "applicable_countries": [],
    }


def ips(_world: World, _params: Json) -> Json:
    """Where webhooks come from: addresses that are kept for documentation."""
    return {"ipv4_cidrs": ["192.0.2.1/32", "192.0.2.2/32"]}


ROUTES = [
    Route("GET", "/currencies", "currency", currencies),
    Route("GET", "/ips", "ip_address", ips),
]
