"""The webhook endpoints registered at Stripe."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import msgspec

from service.provider import Endpoint
from service.providers.stripe.events import EVENTS
from service.providers.stripe.listing import read_all
from service.providers.stripe.wire import API_VERSION
from service.refusals import broken
from service.transport import Transport, segment

_PATH = "/v1/webhook_endpoints"


class _Endpoint(msgspec.Struct):
    id: str
    url: str
    status: str
    enabled_events: list[str]
    api_version: str | None = None
    secret: str | None = None

    def neutral(self) -> Endpoint:
        return Endpoint(
            id=self.id,
            url=self.url,
            enabled=self.status == "enabled",
            api_version=self.api_version,
            types=tuple(self.enabled_events),
            secret=self.secret,
        )


def read_endpoints(transport: Transport) -> Sequence[Endpoint]:
    """All endpoints of the account; Stripe tells a secret only when it creates one."""
    found = read_all(transport, _PATH, {}, "webhook_endpoint", reserve=True)
    try:
        return [msgspec.convert(each, _Endpoint).neutral() for each in found]
    except msgspec.ValidationError as error:
        raise broken(f"GET {_PATH}", "an endpoint lacks what it must have") from error


def register(transport: Transport, url: str, endpoint_id: str | None) -> Endpoint:
    """Make Stripe send every type that we handle to `url`.

    An endpoint's API version can't be edited (stripe-python 16.1.0, `WebhookEndpoint.modify`). If `endpoint_id` has
    another than ours, a new endpoint is created, with a secret of its own, and the old one is left alone: it should be
    removed once the new secret is in place. Until then both deliver the same event ids, which are stored once.
    """
    form = {"url": url, "enabled_events[]": sorted(EVENTS)}
    key = uuid.uuid4().hex
    if endpoint_id is not None:
        path = f"{_PATH}/{segment(endpoint_id)}"
        known: _Endpoint = transport.get(path, reserve=True).decoded(_Endpoint)
        if known.api_version == API_VERSION:
            changed: _Endpoint = transport.post(path, {**form, "disabled": "false"}, key).decoded(_Endpoint)
            return changed.neutral()
    created: _Endpoint = transport.post(_PATH, {**form, "api_version": API_VERSION}, key).decoded(_Endpoint)
    return created.neutral()
