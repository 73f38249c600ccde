"""The account that the API key belongs to."""

from typing import Any

from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.shapes import fresh
from service.sandbox.stripe.world import World

Json = dict[str, Any]


def retrieve(world: World, _params: Json) -> Json:
    """The account; its id tells one account's key from another's."""
    return fresh("account", id=world.settings.account_id, email="owner@example.com")


ROUTES = [Route("GET", "/v1/account", "account", retrieve)]
