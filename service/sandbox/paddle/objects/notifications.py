"""Notifications: what was sent to whom, with which outcome, and sending it again."""

from typing import Any

from service.sandbox.paddle import notify
from service.sandbox.paddle.errors import not_found, refused
from service.sandbox.paddle.kinds import csv, id_of, moment, one_of, text
from service.sandbox.paddle.objects.event_reads import oldest
from service.sandbox.paddle.paging import Page, among, listing, page
from service.sandbox.paddle.routes import Route
from service.sandbox.paddle.times import stamp
from service.sandbox.paddle.world import World

Json = dict[str, Any]

LIST = listing(
    "ntf",
    status=csv(one_of("not_attempted", "needs_retry", "delivered", "failed")),
    notification_setting_id=csv(id_of("ntfset")),
    search=text(),
    filter=text(),
    to=moment,
    **{"from": moment},
)
LOGS = listing("ntflog")


def listed(world: World, params: Json) -> Page:
    """Notifications of the last 90 days; `search` and `filter` look for their text in the payload (assumed)."""
    begin, end = params.get("from", ""), params.get("to", "9999")
    sought = [params[name] for name in ("search", "filter") if name in params]

    def test(row: Json) -> bool:
        return begin <= row["occurred_at"] <= end and all(each in str(row["payload"]) for each in sought)

    names = ("status", "notification_setting_id")
    return page(world, "notification", params, among(params, *names), test, since=oldest(world, "ntf"))


def _kept(world: World, notification_id: str) -> Json:
    if notification_id < oldest(world, "ntf"):
        raise not_found("Notification", notification_id)
    return world.get("notification", notification_id)


def retrieve(world: World, _params: Json, notification_id: str) -> Json:
    """The notification."""
    return _kept(world, notification_id)


def logs(world: World, params: Json, notification_id: str) -> Page:
    """What each attempt came to, newest first unless asked otherwise."""
    rows = _kept(world, notification_id)["_logs"]
    upwards, after = params.get("order_by", False), params.get("after")
    ordered = rows if upwards else rows[::-1]
    if after is not None:
        ordered = [row for row in ordered if (row["id"] > after) == upwards and row["id"] != after]
    size = min(params.get("per_page", 50), 200, world.settings.page_cap)
    last = ordered[:size][-1]["id"] if ordered else after
    return Page(ordered[:size], size, len(ordered) > size, last, len(rows))


def replay(world: World, _fields: Json, notification_id: str) -> Json:
    """Send the event again, as a new notification with the same event id.

    Raises:
        SandboxError: the notification is neither delivered nor failed, or its destination is gone.
    """
    notification = _kept(world, notification_id)
    if notification["status"] not in ("delivered", "failed"):
        detail = f"Notification {notification_id} can't be replayed because it's not `delivered` or `failed`."
        raise refused("notification_cannot_replay", detail)
    endpoint = world.endpoints.get(notification["notification_setting_id"])
    if endpoint is None:
        raise refused("bad_request", "the notification's destination does not exist any more")
    again = notify.send(world, notification["payload"], endpoint, "replay")
    notification["replayed_at"] = stamp(world.now)
    return {"notification_id": again["id"]}


ROUTES = [
    Route("GET", "/notifications", "notification", listed, LIST),
    Route("GET", "/notifications/*", "notification", retrieve),
    Route("GET", "/notifications/*/logs", "notification", logs, LOGS),
    Route("POST", "/notifications/*/replay", "notification", replay, status=202),
]
