"""The webhooks registered at Lemon Squeezy. Each belongs to a store, and its secret is ours to choose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from service.errors import BadRequest
from service.provider import Endpoint
from service.providers.lemonsqueezy.catalogue import Catalogue
from service.providers.lemonsqueezy.events import EVENTS
from service.providers.lemonsqueezy.listing import opened, read_all
from service.providers.lemonsqueezy.wire import Document
from service.reading import Object
from service.refusals import broken
from service.transport import Params, Transport, segment

_PATH: Final = "/v1/webhooks"
_SHORTEST, _LONGEST = 6, 40


class _Attributes(msgspec.Struct):
    url: str
    events: list[str]


class _Webhook(msgspec.Struct):
    id: str
    attributes: _Attributes


def read_endpoints(transport: Transport, store_id: str | None) -> Sequence[Endpoint]:
    """All webhooks of the store, or of every store that the key sees. The API never tells a secret."""
    params: Params = {} if store_id is None else {"filter[store_id]": store_id}
    return [_neutral(each) for each in read_all(transport, _PATH, params, "webhooks", reserve=True)]


def register(
    transport: Transport, url: str, endpoint_id: str | None, *, secret: str | None, store_id: str | None
) -> Endpoint:
    """Make Lemon Squeezy send every type that we handle to `url`, signed with `secret`.

    Sent once and never again: there are no idempotency keys, and a second webhook would deliver everything twice.

    Raises:
        BadRequest: no secret of 6 to 40 characters is configured, or the store can't be told.
    """
    attributes = {"url": url, "events": sorted(EVENTS), "secret": _usable(secret)}
    data: dict[str, Any] = {"type": "webhooks", "attributes": attributes}
    if endpoint_id is not None:
        path = f"{_PATH}/{segment(endpoint_id)}"
        return _written(transport, "PATCH", path, {**data, "id": endpoint_id})
    store = {"type": "stores", "id": store_id or _only_store(transport)}
    return _written(transport, "POST", _PATH, {**data, "relationships": {"store": {"data": store}}})


def _written(transport: Transport, method: str, path: str, data: Object) -> Endpoint:
    answer = transport.write(method, path, {"data": data})
    document: Document = answer.decoded(Document)
    return _neutral(opened(answer, bytes(document.data), "webhooks"))


def _usable(secret: str | None) -> str:
    if not secret:
        raise BadRequest("a webhook needs a secret of our own choice; set LEMONSQUEEZY_WEBHOOK_SECRET first")
    if not _SHORTEST <= len(secret) <= _LONGEST:
        raise BadRequest(
            f"Lemon Squeezy takes webhook secrets of {_SHORTEST} to {_LONGEST} characters, the first one in"
            f" LEMONSQUEEZY_WEBHOOK_SECRET has {len(secret)}"
        )
    return secret


def _only_store(transport: Transport) -> str:
    stores = Catalogue(transport).stores()
    if len(stores) != 1:
        known = ", ".join(str(each["id"]) for each in stores[:20]) or "none"
        raise BadRequest(f"a webhook belongs to one store; set LEMONSQUEEZY_STORE_ID (the key sees: {known})")
    return str(stores[0]["id"])


def _neutral(obj: Object) -> Endpoint:
    try:
        known = msgspec.convert(obj, _Webhook)
    except msgspec.ValidationError as error:
        raise broken(f"GET {_PATH}", "a webhook lacks what it must have") from error
    # A webhook can't be switched off, only deleted.
    about = known.attributes
    return Endpoint(id=known.id, url=about.url, enabled=True, api_version=None, types=tuple(about.events))
