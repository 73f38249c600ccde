"""What the API and the events show of an object."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.sandbox.paddle.world import World

Json = dict[str, Any]


def plain(thing: Json) -> Json:
    """The object as an event carries it: without what is ours, and without signed URLs."""
    return {name: value for name, value in thing.items() if not name.startswith("_")}


def view(world: World, thing: Json) -> Json:
    """The object as the API answers it: a subscription has `management_urls` here, and new ones each time."""
    shown = plain(thing)
    if str(thing.get("id", "")).startswith("sub_"):
        shown["management_urls"] = management_urls(world, thing)
    return shown


def management_urls(world: World, subscription: Json) -> Json:
    """Links to the buyer's pages; a manually collected subscription has no payment method to change."""
    base = f"https://buyer-portal.paddle.com/subscriptions/{subscription['id']}"
    automatic = subscription["collection_mode"] == "automatic"
    return {
        "update_payment_method": signed(world, f"{base}/update-payment-method") if automatic else None,
        "cancel": signed(world, f"{base}/cancel"),
        "view_subscription": signed(world, base),
    }


def signed(world: World, url: str) -> str:
    """The URL with an expiry and a token that no other rendering has."""
    world.signed_urls += 1
    expires = world.now + world.settings.url_seconds
    token = blake2b(f"{url} {expires} {world.signed_urls}".encode(), digest_size=24).hexdigest()
    return f"{url}?expires={expires}&token=pga_{token}"
