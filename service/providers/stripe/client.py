"""The read side of one Stripe account, over plain HTTP.

stripe-python is not used here: it turns each answer into objects, at 440 us an event, and neither retries a 429 nor
keeps the JSON text. Requests are pinned to `API_VERSION`, so that every read has one shape whatever the account's
default.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from service.book_port import BookPage
from service.errors import BadRequest, NotFound, Rejected
from service.model import Snapshot
from service.provider import Check, Connection, Endpoint, EventPage, LoggedEvent, Page, Read
from service.providers.stripe import books, endpoints
from service.providers.stripe.envelope import read_envelope
from service.providers.stripe.listing import completed, opened, read_slice, window
from service.providers.stripe.resources import RESOURCES, Resource
from service.providers.stripe.wire import API, API_VERSION, mode
from service.refusals import broken
from service.transport import Answer, Params, Sleep, Transport, segment

__all__ = ["API_VERSION", "StripeReader"]

# A list of subscriptions leaves out canceled ones unless told not to; products and prices come active and inactive.
_FILTERS: Mapping[str, Params] = {"subscription": {"status": "all"}}


class _Account(msgspec.Struct):
    id: str


class _Thin(msgspec.Struct, tag_field="object", tag="v2.core.event"):
    id: str
    snapshot_event: str | None = None


class StripeReader:
    """`service.provider.Reader` for Stripe, with books (`service.book_port.Books`). `sleep` waits between attempts.

    Single reads draw on the workers' share of the budget, sweeps do not. An object that can't be translated raises
    `MappingError` naming it: leaving it out of a page would make it look gone.
    """

    def __init__(self, connection: Connection, sleep: Sleep = time.sleep) -> None:
        self._transport = Transport(API, connection, sleep)
        self._mode = mode(connection.api_key)

    def identity(self) -> str:
        """The id of the account (`acct_...`) that the key belongs to; `:test` in test mode, which shows other objects.

        Both modes answer with the same id.
        """
        account: _Account = self._transport.get("/v1/account", reserve=True).decoded(_Account)
        return f"{account.id}:test" if self._mode == "test" else account.id

    def get(self, source: str, object_id: str) -> Read:
        """One object with its nested list complete; a deleted customer or product comes as a deleted snapshot.

        `as_of` is the time of the first answer, the earliest of all that went into it.
        """
        resource = _resource(source)
        answer = self._transport.get(f"{resource.path}/{segment(object_id)}", reserve=True)
        obj = opened(answer, answer.body, source)
        if obj.get("id") != object_id:
            raise broken(answer.operation, "holds another object than the one asked for")
        entry = completed(self._transport, resource, (obj, answer.body.decode()), reserve=True)
        return Read(snapshots=resource.snapshots(*entry), as_of=answer.as_of)

    def page(self, source: str, *, cursor: str | None, since: datetime | None, until: datetime | None) -> Page:
        """One page of a hundred objects, newest first, with nested lists complete."""
        resource = _resource(source)
        params: Params = {**_FILTERS.get(source, {}), **window(since, until)}
        found = read_slice(self._transport, resource.path, params, cursor, reserve=False)
        objects = tuple(self._snapshots(resource, entry) for entry in found.objects(source))
        return Page(objects=objects, as_of=found.answer.as_of, cursor=found.cursor)

    def events(self, *, cursor: str | None, since: datetime, until: datetime) -> EventPage:
        """One page of the event log, which remembers 30 days; each payload is the slice of bytes that Stripe sent."""
        found = read_slice(self._transport, "/v1/events", window(since, until), cursor, reserve=False)
        logged = tuple(_logged(found.answer, each) for each in found.entries)
        return EventPage(events=logged, as_of=found.answer.as_of, cursor=found.cursor)

    def booked(self, *, cursor: str | None, since: datetime | None) -> BookPage:
        """One page of balance transactions, newest first; see `books.read_page`."""
        return books.read_page(self._transport, cursor, since)

    def notification(self, payload: bytes) -> LoggedEvent | None:
        """The snapshot event that a thin notification is the twin of.

        None where it has none (it is thin only), or where Stripe no longer knows one of the two (after 30 days). The
        notification's own `related_object.url` is never followed.
        """
        try:
            thin = msgspec.json.decode(payload, type=_Thin)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BadRequest("not a thin notification") from error
        try:
            full: _Thin = self._read(f"/v2/core/events/{segment(thin.id)}").decoded(_Thin)
            if full.snapshot_event is None:
                return None
            answer = self._read(f"/v1/events/{segment(full.snapshot_event)}")
        except NotFound:
            return None
        return _logged(answer, answer.body)

    def endpoints(self) -> Sequence[Endpoint]:
        """The webhook endpoints registered at Stripe; see `endpoints.read_endpoints`."""
        return endpoints.read_endpoints(self._transport)

    def register(self, url: str, endpoint_id: str | None) -> Endpoint:
        """Create the endpoint, or amend it where its API version is ours; see `endpoints.register`."""
        return endpoints.register(self._transport, url, endpoint_id)

    def checks(self, mode: str | None) -> Sequence[Check]:  # noqa: ARG002
        """Whether the books may be read: a key's prefix tells its mode, and decimals are published."""
        return (books.check(self._transport),)

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()

    def _read(self, path: str) -> Answer:
        return self._transport.get(path, reserve=True)

    def _snapshots(self, resource: Resource, entry: tuple[dict[str, object], str]) -> tuple[Snapshot, ...]:
        return resource.snapshots(*completed(self._transport, resource, entry, reserve=False))


def _resource(source: str) -> Resource:
    try:
        return RESOURCES[source]
    except KeyError:
        raise BadRequest(f"{source!r} is not a Stripe resource that we read") from None


def _logged(answer: Answer, payload: bytes) -> LoggedEvent:
    try:
        return LoggedEvent(envelope=read_envelope(payload), payload=payload)
    except Rejected as error:
        raise broken(answer.operation, f"an event of the log has no envelope ({error.detail})") from error
