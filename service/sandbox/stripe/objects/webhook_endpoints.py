"""Webhook endpoints."""

from typing import Any

from service.sandbox.delivery import Endpoint
from service.sandbox.stripe.errors import invalid
from service.sandbox.stripe.objects.attributes import metadata, taken
from service.sandbox.stripe.paging import CURSOR, Page, page
from service.sandbox.stripe.params import Fields, boolean, clearable, list_of, text
from service.sandbox.stripe.params import metadata as metadata_kind
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.world import World

Json = dict[str, Any]


def _url(value: Any, path: str) -> str:
    url = text(value, path)
    if not url.startswith(("http://", "https://")):
        raise invalid("Invalid URL: An explicit scheme (such as https) must be provided.", path, code="url_invalid")
    return url


_SHARED = Fields(description=clearable, enabled_events=list_of(text, most=500), metadata=metadata_kind, url=_url)
_CREATE = _SHARED.plus("enabled_events url", api_version=text, connect=boolean)
_UPDATE = _SHARED.plus(disabled=boolean)


def create(world: World, params: Json) -> Json:
    """Create an endpoint; this answer alone holds its secret. Its API version can't be changed later."""
    secret = f"whsec_{world.ids.token(32)}"
    values = taken(params, "api_version", "description", "enabled_events", "url") | metadata(params)
    endpoint = world.add("webhook_endpoint", "we", status="enabled", **values)
    types = frozenset(params["enabled_events"])
    world.endpoints[endpoint["id"]] = Endpoint(endpoint["id"], endpoint["url"], secret, types, endpoint["api_version"])
    return endpoint | {"secret": secret}


def show(world: World, registered: Endpoint) -> str:
    """Let the API list an endpoint that was registered without it, of the account's version unless it has its own."""
    version = registered.api_version or world.settings.api_version
    values = {"url": registered.url, "enabled_events": sorted(registered.types), "api_version": version}
    return str(world.add("webhook_endpoint", "we", status="enabled", **values)["id"])


def retrieve(world: World, _params: Json, endpoint_id: str) -> Json:
    """The endpoint, without its secret."""
    return world.get("webhook_endpoint", endpoint_id)


def update(world: World, params: Json, endpoint_id: str) -> Json:
    """Change an endpoint; what happens while it is disabled is not sent later."""
    endpoint = world.get("webhook_endpoint", endpoint_id)
    endpoint |= taken(params, "description", "enabled_events", "url") | metadata(params, endpoint["metadata"])
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    target = world.endpoints[endpoint_id]
    target.url, target.types = endpoint["url"], frozenset(endpoint["enabled_events"])
    target.enabled = endpoint["status"] == "enabled"
    return endpoint


def delete(world: World, _params: Json, endpoint_id: str) -> Json:
    """Delete an endpoint."""
    endpoint = world.get("webhook_endpoint", endpoint_id)
    del world.endpoints[endpoint_id]
    return world.remove("webhook_endpoint", endpoint)


def listed(world: World, params: Json) -> Page:
    """Endpoints."""
    return page(world, "/v1/webhook_endpoints", "webhook_endpoint", params)


ROUTES = [
    Route("POST", "/v1/webhook_endpoints", "webhook_endpoint", create, _CREATE),
    Route("GET", "/v1/webhook_endpoints", "webhook_endpoint", listed, CURSOR),
    Route("GET", "/v1/webhook_endpoints/*", "webhook_endpoint", retrieve),
    Route("POST", "/v1/webhook_endpoints/*", "webhook_endpoint", update, _UPDATE),
    Route("DELETE", "/v1/webhook_endpoints/*", "webhook_endpoint", delete),
]
