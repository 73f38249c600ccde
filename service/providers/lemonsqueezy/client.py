"""The read side of one Lemon Squeezy account, over plain HTTP: there is no official SDK for Python."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime

from service.errors import BadRequest, NotFound
from service.provider import Check, Connection, Endpoint, EventPage, LoggedEvent, Page, Read
from service.providers.lemonsqueezy import endpoints
from service.providers.lemonsqueezy.catalogue import Catalogue
from service.providers.lemonsqueezy.listing import opened, read_slice, walk_of
from service.providers.lemonsqueezy.mapping.fields import Thing
from service.providers.lemonsqueezy.mapping.subscription_invoice import ATTEMPTS
from service.providers.lemonsqueezy.resources import RESOURCES, Resource
from service.providers.lemonsqueezy.wire import API, Document
from service.reading import Object, key, part
from service.refusals import broken
from service.transport import Params, Sleep, Transport, segment


class LemonSqueezyReader:
    """`service.provider.Reader` for Lemon Squeezy. `sleep` waits between attempts.

    Single reads draw on the workers' share of the budget, sweeps do not. An object that can't be translated raises
    `MappingError` naming it: leaving it out of a page would make it look gone.
    """

    def __init__(self, connection: Connection, sleep: Sleep = time.sleep) -> None:
        self._transport = Transport(API, connection, sleep)
        self._catalogue = Catalogue(self._transport)
        self._store_id = connection.extra.get("store_id")
        self._secret = connection.webhook_secret

    def identity(self) -> str:
        """Whose objects the key shows: `store:<id>` where a store is configured, else `user:<id>`; `:test` in test mode.

        A store's objects are the same whoever's key reads them, and keys expire after a year. Test and live keys see
        different objects, and only `meta.test_mode` tells which one it is (docs.lemonsqueezy.com/api/users/retrieve-user).
        """
        user, test = self._whose()
        mode = ":test" if test else ""
        if self._store_id is None:
            return f"user:{user['id']}{mode}"
        self._require_store(self._store_id)
        return f"store:{self._store_id}{mode}"

    def get(self, source: str, object_id: str) -> Read:
        """One object; a failed attempt to pay is known from events alone, so its invoice is read."""
        resource = _resource(source)
        params = _including(resource)
        answer = self._transport.get(f"{resource.path}/{segment(object_id)}", params, reserve=True)
        document: Document = answer.decoded(Document)
        text = bytes(document.data)
        obj = opened(answer, text, resource.source)
        if obj["id"] != object_id:
            raise broken(answer.operation, "holds another object than the one asked for")
        thing = self._thing(resource, (obj, text.decode()), _products(document.included or ()))
        self._require_ours(resource, thing, obj, answer.operation)
        return Read(snapshots=resource.snapshots(thing), as_of=answer.as_of)

    def page(self, source: str, *, cursor: str | None, since: datetime | None, until: datetime | None) -> Page:  # noqa: ARG002
        """One page of at most a hundred objects; these lists can't be limited by time, so `since` and `until` are not."""
        resource = _resource(source)
        params = {**_including(resource), **self._filter(resource)}
        found = read_slice(self._transport, resource.path, params, walk_of(cursor), reserve=False)
        products = _products(found.included)
        things = [self._thing(resource, entry, products) for entry in found.objects(resource.source)]
        return Page(
            objects=tuple(resource.snapshots(each) for each in things if self._ours(resource, each)),
            as_of=found.answer.as_of,
            cursor=None if found.next is None else found.next.cursor(),
        )

    def events(self, *, cursor: str | None, since: datetime, until: datetime) -> EventPage:  # noqa: ARG002
        """Always `BadRequest`: Lemon Squeezy keeps no log of events that can be read."""
        raise BadRequest("Lemon Squeezy has no list of events")

    def notification(self, payload: bytes) -> LoggedEvent | None:  # noqa: ARG002
        """Always None: every event carries its object."""
        return None

    def endpoints(self) -> Sequence[Endpoint]:
        """The webhooks registered at Lemon Squeezy; see `endpoints.read_endpoints`."""
        return endpoints.read_endpoints(self._transport, self._store_id)

    def register(self, url: str, endpoint_id: str | None) -> Endpoint:
        """Create the webhook, or amend it, with the configured secret; see `endpoints.register`."""
        return endpoints.register(self._transport, url, endpoint_id, secret=self._secret, store_id=self._store_id)

    def checks(self, mode: str | None) -> Sequence[Check]:
        """The key's mode, which only the API tells."""
        test = self._whose()[1]
        if test is None:
            return ()
        told = "test" if test else "live"
        if mode is None:
            both = f"this is a {told} key; set LEMONSQUEEZY_MODE={told}, or test and live events are both accepted"
            return [Check("mode", None, both, warning=True)]
        said = f"this is a {told} key" + ("" if told == mode else f", but the account is set to {mode}")
        return [Check("mode", told == mode, said)]

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()

    def _whose(self) -> tuple[Object, bool | None]:
        """The user that the key belongs to, and whether it is a test key, where the answer says so."""
        answer = self._transport.get("/v1/users/me", reserve=True)
        document: Document = answer.decoded(Document)
        user = opened(answer, bytes(document.data), "users")
        test = (document.meta or {}).get("test_mode")
        return user, test if type(test) is bool else None

    def _require_store(self, store_id: str) -> None:
        try:
            self._transport.get(f"/v1/stores/{segment(store_id)}", reserve=True)
        except NotFound:
            raise NotFound(f"the key sees no store {store_id}; check LEMONSQUEEZY_STORE_ID") from None

    def _filter(self, resource: Resource) -> Params:
        return {"filter[store_id]": self._store_id} if resource.by_store and self._store_id is not None else {}

    def _thing(self, resource: Resource, entry: tuple[Object, str], products: dict[str, str | None]) -> Thing:
        obj, raw = entry
        if resource.include is None:
            return Thing(obj, raw)
        attributes = obj.get("attributes")
        product_id = products.get(str(attributes.get("variant_id"))) if isinstance(attributes, dict) else None
        store_id = self._catalogue.store_of(product_id)
        return Thing(
            obj, raw, product_id=product_id, store_id=store_id, store_currency=self._catalogue.currency_of(store_id)
        )

    def _require_ours(self, resource: Resource, thing: Thing, obj: Object, operation: str) -> None:
        """Raise `NotFound` for what another store of the key sells: to this account it does not exist."""
        store_id = key(part(obj, "attributes"), "store_id") if resource.by_store else None
        if not self._ours(resource, thing) or (store_id and self._store_id not in (None, store_id)):
            raise NotFound(f"{operation}: the object is another store's")

    def _ours(self, resource: Resource, thing: Thing) -> bool:
        """False for what another store of the key sells, where the list could not be limited to ours."""
        return resource.by_store or self._store_id is None or thing.store_id in (None, self._store_id)


def _resource(source: str) -> Resource:
    try:
        return RESOURCES["subscription-invoices" if source == ATTEMPTS else source]
    except KeyError:
        raise BadRequest(f"{source!r} is not a Lemon Squeezy resource that we read") from None


def _including(resource: Resource) -> Params:
    return {} if resource.include is None else {"include": resource.include}


def _products(included: Iterable[Object]) -> dict[str, str | None]:
    """The product of each variant that an answer brought along."""
    return {
        str(each.get("id")): key(part(each, "attributes"), "product_id")
        for each in included
        if each.get("type") == "variants"
    }
