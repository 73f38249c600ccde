"""Pages of Paddle's lists, with each object's exact JSON text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from service.errors import ProviderUnavailable
from service.reading import Object
from service.refusals import broken
from service.transport import Answer, Params, Transport

PAGE_SIZE: Final = 200
"""The most that any list gives. One that gives less (transactions, adjustments) cuts this down and says so."""
OLDEST_FIRST: Final = "id[ASC]"
NEWEST_FIRST: Final = "id[DESC]"
_LONGEST_ID: Final = 255
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Pagination(msgspec.Struct):
    has_more: bool
    next: str | None = None


class _Meta(msgspec.Struct):
    pagination: _Pagination


class _List(msgspec.Struct):
    data: list[msgspec.Raw]
    meta: _Meta


class _Whole(msgspec.Struct):
    data: list[dict[str, Any]]


class _Single(msgspec.Struct):
    data: msgspec.Raw


class Slice(msgspec.Struct, frozen=True):
    """One page: the JSON text of each entry, and the id after which the next page begins, None after the last."""

    entries: tuple[bytes, ...]
    answer: Answer
    cursor: str | None

    def objects(self) -> list[tuple[Object, str]]:
        """Each entry decoded, beside its text; raise `ProviderUnavailable` if one is not an object."""
        return [(opened(self.answer, each), each.decode()) for each in self.entries]


_list = msgspec.json.Decoder(_List)
_object = msgspec.json.Decoder(dict[str, Any])


def stamp(moment: datetime) -> str:
    """A time as Paddle's filters take it: RFC 3339 in UTC, to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def window(since: datetime | None, until: datetime | None) -> dict[str, str]:
    """The filter for times of the last update, inclusive on both sides; only the list of transactions has one."""
    bounds = {"updated_at[GTE]": since, "updated_at[LTE]": until}
    return {name: stamp(each) for name, each in bounds.items() if each is not None}


def around(since: datetime, until: datetime) -> dict[str, str]:
    """The filter of the event log, a second wider on both sides: whether its bounds are inclusive is not documented."""
    second = timedelta(seconds=1)
    return {"from": stamp(since - second), "to": stamp(until + second)}


def read_slice(
    transport: Transport, path: str, params: Params, cursor: str | None, *, reserve: bool, order: str = OLDEST_FIRST
) -> Slice:
    """One page of the list at `path`, beginning after `cursor`.

    How much was given, and whether there is more, only the answer's pagination says. The address of the next page is
    taken apart for its cursor and never followed.

    Raises:
        ProviderUnavailable: besides the call's own failures, a list that would never end (more is promised but nothing
            comes, or the cursor comes again), since a sweep over it would prove nothing.
    """
    asked = {"per_page": PAGE_SIZE, "order_by": order, **params, **({} if cursor is None else {"after": cursor})}
    answer = transport.get(path, asked, reserve=reserve)
    try:
        page = _list.decode(answer.body)
    except _UNREADABLE as error:
        raise broken(answer.operation, f"not a list with its pagination ({type(error).__name__})") from error
    entries = tuple(bytes(each) for each in page.data)
    if not page.meta.pagination.has_more:
        return Slice(entries, answer, None)
    if not entries:
        raise broken(answer.operation, "the list promises more but holds nothing")
    following = _after(answer, page.meta.pagination.next)
    if following == cursor:
        raise broken(answer.operation, "the list came back to where it had been")
    return Slice(entries, answer, following)


def read_all(transport: Transport, path: str, params: Params, *, reserve: bool) -> list[Object]:
    """All objects of a list, page by page."""
    found: list[Object] = []
    seen: set[str] = set()
    cursor: str | None = None
    while True:
        page = read_slice(transport, path, params, cursor, reserve=reserve)
        found += [obj for obj, _ in page.objects()]
        if page.cursor is None:
            return found
        if page.cursor in seen:
            raise broken(page.answer.operation, "the list came back to where it had been")
        seen.add(cursor := page.cursor)


def read_whole(transport: Transport, path: str, *, reserve: bool) -> Sequence[Object]:
    """All objects of a list that comes as a whole, with or without a pagination that says so."""
    answer = transport.get(path, reserve=reserve)
    whole: _Whole = answer.decoded(_Whole)
    return whole.data


def opened(answer: Answer, text: bytes) -> Object:
    """One object; raise `ProviderUnavailable` if `text` is anything else."""
    try:
        obj: Object = _object.decode(text)
    except _UNREADABLE as error:
        raise broken(answer.operation, f"not an object ({type(error).__name__})") from error
    return obj


def single(answer: Answer) -> bytes:
    """The text of the object of an answer that holds one."""
    found: _Single = answer.decoded(_Single)
    return bytes(found.data)


def _after(answer: Answer, address: str | None) -> str:
    try:
        values = parse_qs(urlsplit(address or "").query).get("after", [])
    except ValueError as error:
        raise _without_cursor(answer) from error
    if len(values) != 1 or not 0 < len(values[0]) <= _LONGEST_ID:
        raise _without_cursor(answer)
    return values[0]


def _without_cursor(answer: Answer) -> ProviderUnavailable:
    return broken(answer.operation, "the list promises more but does not say where it goes on")
