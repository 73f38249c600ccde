"""The read side of one Paddle account, over plain HTTP.

The SDK is not used here: it is built on requests, retries nothing against a stand-in, and keeps no JSON text.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from service.errors import BadRequest, NotFound, Rejected
from service.provider import Check, Connection, Endpoint, EventPage, LoggedEvent, Page, Read
from service.providers.paddle import currencies, endpoints
from service.providers.paddle.envelope import read_envelope
from service.providers.paddle.listing import (
    NEWEST_FIRST,
    Slice,
    around,
    opened,
    read_slice,
    read_whole,
    single,
    window,
)
from service.providers.paddle.resources import RESOURCES, Resource
from service.providers.paddle.wire import api
from service.refusals import broken
from service.transport import Answer, Params, Sleep, Transport, segment

_WALK: Final = "walk:"
"""What a cursor of the event log begins with where the log can't be filtered; ids of events begin with `evt_`."""


class _Currency(msgspec.Struct):
    code: str
    decimal_places: int


class PaddleReader:
    """`service.provider.Reader` for Paddle. `sleep` waits between attempts.

    Single reads draw on the workers' share of the budget, sweeps do not. An object that can't be translated raises
    `MappingError` naming it: leaving it out of a page would make it look gone. A transaction that was never issued is
    read, and listed, as an object without rows.
    """

    def __init__(self, connection: Connection, sleep: Sleep = time.sleep) -> None:
        self._transport = Transport(api(connection.api_key), connection, sleep)

    def identity(self) -> str | None:
        """The id of the oldest product; None where there is none yet.

        No call tells whose key it is. Products are never deleted, only archived, and their ids are unique among all
        sellers, so the oldest one marks the account for good. Falling back on another object (the oldest customer) would
        make the account look like another one as soon as its first product appears.
        """
        product = RESOURCES["product"]
        page = read_slice(self._transport, product.path, {**_every(product), "per_page": 1}, None, reserve=True)
        for obj, _ in page.objects():
            if type(obj.get("id")) is str:
                return str(obj["id"])
        return None

    def get(self, source: str, object_id: str) -> Read:
        """One object; no rows where it is a transaction that was never issued."""
        resource = _resource(source)
        answer, text = self._one(resource, object_id)
        obj = opened(answer, text)
        if obj.get("id") != object_id:
            raise broken(answer.operation, "holds another object than the one asked for")
        return Read(snapshots=resource.snapshots(obj, text.decode()), as_of=answer.as_of)

    def page(self, source: str, *, cursor: str | None, since: datetime | None, until: datetime | None) -> Page:
        """One page, oldest first. `since` and `until` limit the last update, of transactions alone."""
        resource = _resource(source)
        params = {**_every(resource), **(window(since, until) if resource.filter else {})}
        found = read_slice(self._transport, resource.path, params, cursor, reserve=False)
        objects = tuple(resource.snapshots(obj, text) for obj, text in found.objects())
        return Page(objects=objects, as_of=found.answer.as_of, cursor=found.cursor)

    def events(self, *, cursor: str | None, since: datetime, until: datetime) -> EventPage:
        """One page of the event log, which remembers 90 days, newest first; each payload is the slice that Paddle sent.

        The log's own filter is new (2026-09-23). Where it is refused the log is walked back from now: pages may then be
        empty until the window begins, and the walk ends with the first page that lies before it.
        """
        walking = cursor is not None and cursor.startswith(_WALK)
        found = None if walking else self._filtered(cursor, since, until)
        if found is None:
            found = self._log({}, cursor and cursor.removeprefix(_WALK))
            walking = True
        logged = [_logged(found.answer, each) for each in found.entries]
        inside = tuple(each for each in logged if since <= each.envelope.occurred_at <= until)
        passed = bool(logged) and all(each.envelope.occurred_at < since for each in logged)
        going_on = None if passed or found.cursor is None else f"{_WALK if walking else ''}{found.cursor}"
        return EventPage(events=inside, as_of=found.answer.as_of, cursor=going_on)

    def notification(self, payload: bytes) -> LoggedEvent | None:  # noqa: ARG002
        """None: every event of Paddle's carries its object."""
        return None

    def endpoints(self) -> Sequence[Endpoint]:
        """The webhook endpoints registered at Paddle; see `endpoints.read_endpoints`."""
        return endpoints.read_endpoints(self._transport)

    def register(self, url: str, endpoint_id: str | None) -> Endpoint:
        """Create the endpoint, or amend it; see `endpoints.register`."""
        return endpoints.register(self._transport, url, endpoint_id)

    def checks(self, mode: str | None) -> Sequence[Check]:  # noqa: ARG002
        """Whether amounts are read as Paddle means them: its currencies with their decimals; see `currencies.checks`."""
        path = "/currencies"
        try:
            told = msgspec.convert(read_whole(self._transport, path, reserve=True), list[_Currency])
        except msgspec.ValidationError as error:
            raise broken(f"GET {path}", "a currency lacks its code or decimals") from error
        return currencies.checks([(each.code, each.decimal_places) for each in told])

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()

    def _one(self, resource: Resource, object_id: str) -> tuple[Answer, bytes]:
        name = segment(object_id)
        if resource.single:
            answer = self._transport.get(f"{resource.path}/{name}", reserve=True)
            return answer, single(answer)
        # There is no GET /adjustments/{id} (paddle-python-sdk 1.16.1), but the list takes ids, parted by commas.
        if "," in object_id:
            raise BadRequest("an id with a comma would ask for several objects")
        found = read_slice(self._transport, resource.path, {"id": object_id}, None, reserve=True)
        if not found.entries:
            raise NotFound(f"{found.answer.operation}: the list of this id is empty")
        return found.answer, found.entries[0]

    def _filtered(self, cursor: str | None, since: datetime, until: datetime) -> Slice | None:
        """A page of the filtered log; None where it is refused, for the filter or for what the walk will be refused for too."""
        try:
            return self._log(around(since, until), cursor)
        except BadRequest:
            return None

    def _log(self, params: Params, cursor: str | None) -> Slice:
        return read_slice(self._transport, "/events", params, cursor, reserve=False, order=NEWEST_FIRST)


def _resource(source: str) -> Resource:
    try:
        return RESOURCES[source]
    except KeyError:
        raise BadRequest(f"{source!r} is not a Paddle resource that we read") from None


def _every(resource: Resource) -> dict[str, str]:
    return {} if resource.statuses is None else {"status": resource.statuses}


def _logged(answer: Answer, payload: bytes) -> LoggedEvent:
    try:
        return LoggedEvent(envelope=read_envelope(payload), payload=payload)
    except Rejected as error:
        raise broken(answer.operation, f"an event of the log has no envelope ({error.detail})") from error
