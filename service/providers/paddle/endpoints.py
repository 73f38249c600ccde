"""The webhook endpoints registered at Paddle, where they are called notification destinations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from service.provider import Endpoint
from service.providers.paddle.events import EVENTS
from service.providers.paddle.listing import read_all
from service.providers.paddle.wire import API_VERSION
from service.refusals import broken
from service.transport import Transport, segment

_PATH: Final = "/notification-settings"


class _Type(msgspec.Struct):
    name: str


class _Destination(msgspec.Struct):
    """What `GET /notification-settings` gives (paddle-python-sdk 1.16.1, `NotificationSetting`)."""

    id: str
    type: str
    destination: str
    active: bool
    subscribed_events: list[_Type]
    api_version: int | None = None
    endpoint_secret_key: str | None = None

    def neutral(self, *, fresh: bool = False) -> Endpoint:
        return Endpoint(
            id=self.id,
            url=self.destination,
            enabled=self.active,
            api_version=None if self.api_version is None else str(self.api_version),
            types=tuple(sorted(each.name for each in self.subscribed_events)),
            secret=self.endpoint_secret_key if fresh else None,
        )


class _Answer(msgspec.Struct):
    data: _Destination


def read_endpoints(transport: Transport) -> Sequence[Endpoint]:
    """All destinations that are addresses (others are mailboxes). Paddle tells their secrets at any time; we don't."""
    found = read_all(transport, _PATH, {}, reserve=True)
    try:
        destinations = [msgspec.convert(each, _Destination) for each in found]
    except msgspec.ValidationError as error:
        raise broken(f"GET {_PATH}", "a destination lacks what it must have") from error
    return [each.neutral() for each in destinations if each.type == "url"]


def register(transport: Transport, url: str, endpoint_id: str | None) -> Endpoint:
    """Make Paddle send every type that we handle to `url`; a new destination comes with its secret.

    Both writes are sent once: Paddle has no idempotency keys, so a second try might make a second destination. Simulated
    events are not asked for, since they tell of what never happened.
    """
    if endpoint_id is None:
        body = {**_wanted(url), "type": "url", "description": "tallyhook"}
        made: _Answer = transport.write("POST", _PATH, body).decoded(_Answer)
        return made.data.neutral(fresh=True)
    path = f"{_PATH}/{segment(endpoint_id)}"
    changed: _Answer = transport.write("PATCH", path, {**_wanted(url), "active": True}).decoded(_Answer)
    return changed.data.neutral()


def _wanted(url: str) -> dict[str, Any]:
    return {
        "destination": url,
        "subscribed_events": sorted(EVENTS),
        "api_version": int(API_VERSION),
        "include_sensitive_fields": False,
        "traffic_source": "platform",
    }
