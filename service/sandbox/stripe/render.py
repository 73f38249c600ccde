"""An object as the API shows it: its own fields, nested lists cut short, older versions on request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.sandbox.stripe.legacy import downgraded, is_legacy

if TYPE_CHECKING:
    from service.sandbox.stripe.world import World

Json = dict[str, Any]

NESTED = {"subscription": "items", "invoice": "lines", "credit_note": "lines"}


def view(world: World, thing: Json, version: str) -> Json:
    """The rendering for an API version; it shares parts with the object, so encode it before anything changes."""
    shown = {name: value for name, value in thing.items() if name[0] != "_"}
    if thing["object"] == "event":
        shown["pending_webhooks"] = world.deliveries.unanswered(thing["id"])
        return shown
    if thing.get("deleted"):
        return shown
    if nested := NESTED.get(thing["object"]):
        shown[nested] = cut(shown[nested], world.settings.nested_cap)
    return downgraded(world, thing, shown) if is_legacy(version) else shown


def cut(inner: Json, cap: int) -> Json:
    """A nested list of at most `cap` elements, `has_more` telling whether there were others."""
    data = inner["data"]
    if len(data) <= cap:
        return inner
    return inner | {"data": data[:cap], "has_more": True}
