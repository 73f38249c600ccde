"""The read side of one Acorn account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from service.errors import BadRequest, Rejected
from service.provider import Check, Connection, Endpoint, EventPage, LoggedEvent, Page, Read
from service.refusals import body_of, broken
from service.transport import Answer, Api, Transport, segment
from tests.providers.acorn.adapter.events import EVENTS, read_envelope
from tests.providers.acorn.adapter.mapping import LISTINGS, snapshots

API = Api(
    name="Acorn",
    base="https://api.acorn.example",
    headers={"Acorn-Version": "9"},
    words=lambda response: [body_of(response.content).get("problem")],
)
_SOURCES = {each.source for each in LISTINGS}


class _Rows(msgspec.Struct):
    rows: list[msgspec.Raw]
    after: str | None = None


class _Hook(msgspec.Struct):
    id: str
    url: str
    on: bool
    version: str
    types: tuple[str, ...]
    secret: str | None = None


class AcornReader:
    """`service.provider.Reader` for Acorn. The account's option `region` is the first part of every path."""

    def __init__(self, connection: Connection) -> None:
        self._transport = Transport(API, connection, lambda _seconds: None)
        self._root = f"/{segment(connection.extra.get('region', 'eu'))}"

    def identity(self) -> str | None:
        """The house that the key opens."""
        return str(self._get("/self", reserve=True).decoded(dict[str, Any])["house"])

    def get(self, source: str, object_id: str) -> Read:
        """One object; one that is gone says so itself."""
        answer = self._get(f"/one/{_known(source)}/{segment(object_id)}", reserve=True)
        return Read(snapshots=_rows(source, answer.body, answer), as_of=answer.as_of)

    def page(self, source: str, *, cursor: str | None, since: datetime | None, until: datetime | None) -> Page:
        """One page, limited by the last update."""
        answer, found = self._list(f"/all/{_known(source)}", cursor, since, until)
        objects = tuple(_rows(source, bytes(each), answer) for each in found.rows)
        return Page(objects=objects, as_of=answer.as_of, cursor=found.after)

    def events(self, *, cursor: str | None, since: datetime, until: datetime) -> EventPage:
        """One page of the log, newest first."""
        answer, found = self._list("/log", cursor, since, until)
        try:
            logged = [LoggedEvent(envelope=read_envelope(bytes(each)), payload=bytes(each)) for each in found.rows]
        except Rejected as error:
            raise broken(answer.operation, error.detail) from error
        return EventPage(events=tuple(logged), as_of=answer.as_of, cursor=found.after)

    def notification(self, payload: bytes) -> LoggedEvent | None:  # noqa: ARG002
        """None: every event carries its object."""
        return None

    def endpoints(self) -> Sequence[Endpoint]:
        """The hooks."""
        answer = self._get("/hooks", reserve=True)
        return [_endpoint(each) for each in answer.decoded(list[_Hook])]

    def register(self, url: str, endpoint_id: str | None) -> Endpoint:
        """Create or amend a hook."""
        wanted = {"url": url, "types": sorted(EVENTS), "version": "9"}
        answer = self._transport.write("PUT", f"{self._root}/hooks/{segment(endpoint_id or 'new')}", wanted)
        return _endpoint(answer.decoded(_Hook))

    def checks(self, mode: str | None) -> Sequence[Check]:  # noqa: ARG002
        """Nothing of its own."""
        return ()

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()

    def _get(self, path: str, params: dict[str, str | int] | None = None, *, reserve: bool) -> Answer:
        return self._transport.get(self._root + path, params, reserve=reserve)

    def _list(
        self, path: str, cursor: str | None, since: datetime | None, until: datetime | None
    ) -> tuple[Answer, _Rows]:
        window = {"from": since, "to": until}
        params: dict[str, str | int] = {
            name: int(each.timestamp() * 1000) for name, each in window.items() if each is not None
        }
        answer = self._get(path, params | ({} if cursor is None else {"after": cursor}), reserve=False)
        return answer, answer.decoded(_Rows)


def _rows(source: str, body: bytes, answer: Answer) -> Any:
    try:
        return snapshots(source, msgspec.json.decode(body, type=dict[str, Any]), body.decode())
    except msgspec.MsgspecError as error:
        raise broken(answer.operation, "holds what is no object") from error


def _known(source: str) -> str:
    if source not in _SOURCES:
        raise BadRequest(f"{source!r} is not an Acorn object")
    return source


def _endpoint(hook: _Hook) -> Endpoint:
    return Endpoint(
        id=hook.id, url=hook.url, enabled=hook.on, api_version=hook.version, types=hook.types, secret=hook.secret
    )
