"""Webhooks: where events go. Their secrets are never shown."""

from service.sandbox.delivery import Endpoint
from service.sandbox.lemonsqueezy.events import NAMES, WEBHOOK
from service.sandbox.lemonsqueezy.kinds import Fields, boolean, list_of, one_of, secret, url
from service.sandbox.lemonsqueezy.routes import Operation, Sent
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.world import World

_EVENTS = list_of(one_of(*NAMES), least=1)
_CREATE = Fields("url events secret", url=url, events=_EVENTS, secret=secret, test_mode=boolean)
_UPDATE = Fields(url=url, events=_EVENTS, secret=secret)


def create(world: World, sent: Sent) -> Row:
    """Send events of these names to a URL from now on."""
    given = sent.attributes
    shown = {"store_id": sent.related["store"].id, "url": given["url"], "events": given["events"], "last_sent_at": None}
    webhook = world.add("webhooks", shown)
    key = f"{WEBHOOK}{webhook.id}"
    world.endpoints[key] = Endpoint(key, given["url"], given["secret"], frozenset(given["events"]))
    return webhook


def show(world: World, registered: Endpoint) -> str:
    """Let the API list an endpoint that was registered without it; the endpoint's id. Here `*` is every name there is."""
    names = [name for name in NAMES if registered.types & {"*", name}]
    webhook = world.add("webhooks", {"store_id": 1, "url": registered.url, "events": names, "last_sent_at": None})
    return f"{WEBHOOK}{webhook.id}"


def update(world: World, sent: Sent) -> Row:
    """Change a webhook at once; what is already on its way keeps its URL and secret (assumed)."""
    webhook, given = world.get("webhooks", sent.row_id), sent.attributes
    endpoint = world.endpoints[f"{WEBHOOK}{webhook.id}"]
    endpoint.url = given.get("url", endpoint.url)
    endpoint.secret = given.get("secret", endpoint.secret)
    endpoint.types = frozenset(given.get("events", endpoint.types))
    world.touch(webhook, **{name: value for name, value in given.items() if name != "secret"})
    return webhook


def delete(world: World, sent: Sent) -> None:
    """Send nothing there any more."""
    webhook = world.get("webhooks", sent.row_id)
    del world.endpoints[f"{WEBHOOK}{webhook.id}"]
    world.tables["webhooks"].remove(webhook.id)


OPERATIONS = [
    Operation("POST", "webhooks", "", create, _CREATE, {"store": "stores"}, status=201),
    Operation("PATCH", "webhooks", "*", update, _UPDATE),
    Operation("DELETE", "webhooks", "*", delete),
]
