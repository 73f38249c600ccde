"""Subscription items as a resource of their own."""

from typing import Any

from service.sandbox.stripe.errors import missing
from service.sandbox.stripe.objects import subscription_params
from service.sandbox.stripe.objects.attributes import taken
from service.sandbox.stripe.objects.subscription_change import update as update_subscription
from service.sandbox.stripe.paging import Page, page_of
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.world import World

Json = dict[str, Any]


def _find(world: World, item_id: str) -> tuple[Json, Json]:
    """The subscription and the item; an item of a subscription that is over is still found."""
    for subscription in world.tables["subscription"].oldest():
        for item in subscription["items"]["data"]:
            if item["id"] == item_id:
                return subscription, item
    raise missing("subscription_item", item_id)


def _rest(params: Json) -> Json:
    return taken(params, "proration_behavior", "proration_date")


def create(world: World, params: Json) -> Json:
    """Add an item to a subscription."""
    subscription = world.get("subscription", params["subscription"], "subscription")
    change = taken(params, "price", "price_data", "quantity", "metadata")
    update_subscription(world, _rest(params) | {"items": [change]}, subscription["id"])
    added: Json = subscription["items"]["data"][-1]
    return added


def retrieve(world: World, _params: Json, item_id: str) -> Json:
    """The item."""
    return _find(world, item_id)[1]


def update(world: World, params: Json, item_id: str) -> Json:
    """Change an item."""
    subscription, _ = _find(world, item_id)
    change = taken(params, "price", "price_data", "quantity", "metadata") | {"id": item_id}
    update_subscription(world, _rest(params) | {"items": [change]}, subscription["id"])
    return _find(world, item_id)[1]


def delete(world: World, params: Json, item_id: str) -> Json:
    """Take an item off its subscription."""
    subscription, _ = _find(world, item_id)
    update_subscription(world, _rest(params) | {"items": [{"id": item_id, "deleted": True}]}, subscription["id"])
    return {"id": item_id, "object": "subscription_item", "deleted": True}


def listed(world: World, params: Json) -> Page:
    """The items of one subscription, in the order in which the subscription nests them."""
    subscription = world.get("subscription", params["subscription"], "subscription")
    return page_of(world, "/v1/subscription_items", subscription["items"]["data"], params)


ROUTES = [
    Route("POST", "/v1/subscription_items", "subscription", create, subscription_params.ITEM_CREATE),
    Route("GET", "/v1/subscription_items", "subscription", listed, subscription_params.ITEM_LIST),
    Route("GET", "/v1/subscription_items/*", "subscription", retrieve),
    Route("POST", "/v1/subscription_items/*", "subscription", update, subscription_params.ITEM_UPDATE),
    Route("DELETE", "/v1/subscription_items/*", "subscription", delete, subscription_params.ITEM_DELETE),
]
