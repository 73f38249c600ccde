"""Pages of Stripe's lists, with each object's exact JSON text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from service.providers.stripe.mapping.fields import Object
from service.providers.stripe.resources import Resource
from service.refusals import broken
from service.transport import Answer, Params, Transport, segment

PAGE_SIZE = 100
_Entry = tuple[Object, str]


class _List(msgspec.Struct, tag_field="object", tag="list"):
    data: list[msgspec.Raw]
    has_more: bool


class _Identified(msgspec.Struct):
    id: str


class Slice(msgspec.Struct, frozen=True):
    """One page: the JSON text of each entry, and the id after which the next page begins, None after the last."""

    entries: tuple[bytes, ...]
    answer: Answer
    cursor: str | None

    def objects(self, source: str) -> list[_Entry]:
        """Each entry decoded, beside its text; raise `ProviderUnavailable` if one is not an object of `source`."""
        return [(opened(self.answer, each, source), each.decode()) for each in self.entries]


_list = msgspec.json.Decoder(_List)
_identified = msgspec.json.Decoder(_Identified)
_object = msgspec.json.Decoder(dict[str, Any])
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def window(since: datetime | None, until: datetime | None) -> dict[str, int]:
    """The filter for creation times, inclusive on both sides; Stripe's times are whole seconds."""
    bounds = {"created[gte]": since, "created[lte]": until}
    return {name: int(each.timestamp()) for name, each in bounds.items() if each is not None}


def read_slice(transport: Transport, path: str, params: Params, cursor: str | None, *, reserve: bool) -> Slice:
    """One page of the list at `path`, newest first, beginning after `cursor`.

    Raises:
        ProviderUnavailable: besides the call's own failures, a list that would never end (more is promised but nothing
            comes, or the cursor comes again), since a sweep over it would prove nothing.
    """
    asked = {**params, "limit": PAGE_SIZE, **({} if cursor is None else {"starting_after": cursor})}
    answer = transport.get(path, asked, reserve=reserve)
    try:
        page = _list.decode(answer.body)
        ids = [_identified.decode(each).id for each in page.data]
    except _UNREADABLE as error:
        raise broken(answer.operation, f"not a list of objects ({type(error).__name__})") from error
    if page.has_more and not ids:
        raise broken(answer.operation, "the list promises more but holds nothing")
    if cursor is not None and cursor in ids:
        raise broken(answer.operation, "the list came back to where it had been")
    return Slice(tuple(bytes(each) for each in page.data), answer, ids[-1] if page.has_more else None)


def read_all(transport: Transport, path: str, params: Params, source: str, *, reserve: bool) -> list[Object]:
    """All objects of a list, page by page."""
    found: list[Object] = []
    seen: set[str] = set()
    cursor: str | None = None
    while True:
        page = read_slice(transport, path, params, cursor, reserve=reserve)
        found += [obj for obj, _ in page.objects(source)]
        if page.cursor is None:
            return found
        if page.cursor in seen:
            raise broken(page.answer.operation, "the list came back to where it had been")
        seen.add(cursor := page.cursor)


def opened(answer: Answer, text: bytes, source: str) -> Object:
    """One object of `source`; raise `ProviderUnavailable` if `text` is anything else."""
    try:
        obj: Object = _object.decode(text)
    except _UNREADABLE as error:
        raise broken(answer.operation, f"not an object ({type(error).__name__})") from error
    if obj.get("object") != source:
        raise broken(answer.operation, f"holds another object than a {source}")
    return obj


def completed(transport: Transport, resource: Resource, entry: _Entry, *, reserve: bool) -> _Entry:
    """`entry` with its nested list read to the end; the text is written anew only where something was missing.

    The list is read from its beginning, so that all of it comes from one walk.
    """
    obj, _ = entry
    if resource.nested is None or not resource.truncated(obj):
        return entry
    key = str(obj["id"])
    if resource.source == "subscription":
        where: Params = {"subscription": key}
        data = read_all(transport, "/v1/subscription_items", where, "subscription_item", reserve=reserve)
    else:
        data = read_all(transport, f"{resource.path}/{segment(key)}/lines", {}, "line_item", reserve=reserve)
    whole = {**obj, resource.nested: {**obj[resource.nested], "data": data, "has_more": False}}
    return whole, msgspec.json.encode(whole).decode()
