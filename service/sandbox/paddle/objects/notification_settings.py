"""Notification settings: the destinations of events."""

from typing import Any

from service.sandbox.delivery import Endpoint
from service.sandbox.paddle.events import OTHER_TYPES, TYPES, described
from service.sandbox.paddle.kinds import Fields, boolean, flag, list_of, one_of, text
from service.sandbox.paddle.paging import Page, listing, page
from service.sandbox.paddle.routes import Route
from service.sandbox.paddle.world import World

Json = dict[str, Any]

_TRAFFIC = one_of("platform", "simulation", "all")
_FIELDS = {
    "description": text(500),
    "destination": text(2_048),
    "subscribed_events": list_of(one_of(*TYPES, *OTHER_TYPES), least=1, most=200),
    "api_version": one_of(1),
    "include_sensitive_fields": boolean,
    "traffic_source": _TRAFFIC,
}
CREATE = Fields("description destination subscribed_events type", **_FIELDS, type=one_of("url", "email"))
UPDATE = Fields("", **_FIELDS, active=boolean)
LIST = listing("ntfset", active=flag, traffic_source=_TRAFFIC)


def create(world: World, fields: Json) -> Json:
    """Create a destination; its secret is in `endpoint_secret_key`."""
    return made(world, **fields)


def made(world: World, **values: Any) -> Json:
    """A destination with these values over the defaults, and the endpoint that events are sent to."""
    setting_id = world.notification_ids.new("ntfset", world.now * 1_000_000)
    defaults = {"api_version": 1, "include_sensitive_fields": False, "traffic_source": "platform", "active": True}
    secret = f"pdl_{setting_id}_{world.notification_ids.token(32)}"
    setting = {"id": setting_id, **defaults, "endpoint_secret_key": secret, **values}
    setting["_types"] = values["subscribed_events"]
    setting["subscribed_events"] = _described(values["subscribed_events"])
    world.tables["notification_setting"].add(setting_id, setting)
    _connect(world, setting)
    return setting


def _described(asked: list[str]) -> list[Json]:
    # Here `*` is every type there is, since a destination has to name what it is subscribed to.
    return [described(name) for name in ((*TYPES, *OTHER_TYPES) if "*" in asked else asked)]


def _connect(world: World, setting: Json) -> None:
    """Let events reach the destination as its settings say; e-mail and simulated traffic go nowhere."""
    receives = setting["active"] and setting["type"] == "url" and setting["traffic_source"] != "simulation"
    world.endpoints[setting["id"]] = Endpoint(
        setting["id"],
        setting["destination"],
        setting["endpoint_secret_key"],
        frozenset(setting["_types"]),
        enabled=receives,
    )


def retrieve(world: World, _params: Json, setting_id: str) -> Json:
    """The destination."""
    return world.get("notification_setting", setting_id)


def update(world: World, fields: Json, setting_id: str) -> Json:
    """Change a destination; what happens while it is not active is not sent later."""
    setting = world.get("notification_setting", setting_id)
    if "subscribed_events" in fields:
        setting["_types"] = fields["subscribed_events"]
        fields = fields | {"subscribed_events": _described(fields["subscribed_events"])}
    setting.update(fields)
    _connect(world, setting)
    return setting


def delete(world: World, _params: Json, setting_id: str) -> None:
    """Delete a destination."""
    world.get("notification_setting", setting_id)
    world.tables["notification_setting"].remove(setting_id)
    del world.endpoints[setting_id]


def listed(world: World, params: Json) -> Page:
    """The account's destinations."""
    active, traffic = params.get("active"), params.get("traffic_source")

    def test(row: Json) -> bool:
        return active in (None, row["active"]) and traffic in (None, row["traffic_source"])

    return page(world, "notification_setting", params, test)


def rotate(world: World, setting_id: str, overlap_seconds: int) -> Json:
    """Give a destination a new secret; for a while every attempt is signed with the old one as well."""
    setting = world.get("notification_setting", setting_id)
    old = setting["endpoint_secret_key"]
    setting["endpoint_secret_key"] = f"pdl_{setting_id}_{world.notification_ids.token(32)}"
    _sign_with(world, setting, f"{setting['endpoint_secret_key']},{old}")
    world.schedule.at(world.now + overlap_seconds, lambda: _sign_with(world, setting, setting["endpoint_secret_key"]))
    return setting


def _sign_with(world: World, setting: Json, secrets: str) -> None:
    endpoint = world.endpoints.get(setting["id"])
    if endpoint is None:
        return
    # What waits is signed when it is sent, with the secrets of that time.
    for delivery in world.deliveries.pending():
        if delivery.secret == endpoint.secret and delivery.endpoint_url == endpoint.url:
            delivery.secret = secrets
    endpoint.secret = secrets


ROUTES = [
    Route("POST", "/notification-settings", "notification_setting", create, CREATE, 201),
    Route("GET", "/notification-settings", "notification_setting", listed, LIST),
    Route("GET", "/notification-settings/*", "notification_setting", retrieve),
    Route("PATCH", "/notification-settings/*", "notification_setting", update, UPDATE),
    Route("DELETE", "/notification-settings/*", "notification_setting", delete, status=204),
]
