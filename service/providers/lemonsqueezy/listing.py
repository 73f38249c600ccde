"""Pages of Lemon Squeezy's lists, and walking them to the end although their rows shift under the walk.

Pages are numbered, so what is created or removed during a walk moves the other rows. Where the newest object comes first, a
new one pushes rows on to the next page: they come twice, which the shared code drops. A removed one pulls rows back to a
page that was read already: then the walk goes back as many pages. Where the oldest comes first, a removed row may be hidden
by a new one at the end; so a total that changed there makes the walk begin anew, once.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Any, Final

import msgspec

from service.errors import BadRequest
from service.reading import Object
from service.refusals import broken
from service.transport import Answer, Params, Transport

PAGE_SIZE: Final = 100
"""The most that a page may hold (docs.lemonsqueezy.com/api/getting-started/requests)."""
_Entry = tuple[Object, str]
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Numbers(msgspec.Struct, rename="camel"):
    current_page: int
    last_page: int
    per_page: int
    total: int


class _Meta(msgspec.Struct):
    page: _Numbers


class _List(msgspec.Struct):
    data: list[msgspec.Raw]
    meta: _Meta
    included: list[dict[str, Any]] | None = None


class _Identified(msgspec.Struct):
    id: str


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """Where a walk stands: the page to ask for next, and what the pages before told.

    `reads` counts the pages read so far, of `expected` when it began. `total` is the number of objects last told. `before`
    identifies the page just read. `doubt`: an object may have been missed. `again`: it is the second walk.
    """

    number: int = 1
    reads: int = 0
    expected: int = 0
    total: int | None = None
    before: str = ""
    doubt: bool = False
    again: bool = False

    def cursor(self) -> str:
        """This place as text."""
        return msgspec.json.encode(self).decode()


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """One page: the JSON text of each entry, what was included beside them, and where the walk goes on."""

    answer: Answer
    entries: tuple[bytes, ...]
    included: tuple[Object, ...]
    next: Walk | None

    def objects(self, source: str) -> list[_Entry]:
        """Each entry decoded, beside its text; raise `ProviderUnavailable` if one is not an object of `source`."""
        return [(opened(self.answer, each, source), each.decode()) for each in self.entries]


_list = msgspec.json.Decoder(_List)
_identified = msgspec.json.Decoder(_Identified)
_object = msgspec.json.Decoder(dict[str, Any])
_walk = msgspec.json.Decoder(Walk)


def walk_of(cursor: str | None) -> Walk:
    """The place that a cursor names; the beginning for None. Raises `BadRequest` where it is no cursor."""
    if cursor is None:
        return Walk()
    try:
        return _walk.decode(cursor)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BadRequest("the cursor is not one of a list with numbered pages") from error


def read_slice(transport: Transport, path: str, params: Params, walk: Walk, *, reserve: bool) -> Slice:
    """The page of the list at `path` that `walk` asks for. `links.next` is never followed: it may name any host.

    Raises:
        ProviderUnavailable: besides the call's own failures, a list that would lie or never end.
    """
    asked = {**params, "page[number]": walk.number, "page[size]": PAGE_SIZE}
    answer = transport.get(path, asked, reserve=reserve)
    try:
        page = _list.decode(answer.body)
        ids = [_identified.decode(each).id for each in page.data]
    except _UNREADABLE as error:
        raise broken(answer.operation, f"not a list of objects ({type(error).__name__})") from error
    going_on = _next(walk, page.meta.page, ids, answer)
    entries = tuple(bytes(each) for each in page.data)
    return Slice(answer=answer, entries=entries, included=tuple(page.included or ()), next=going_on)


def read_all(transport: Transport, path: str, params: Params, source: str, *, reserve: bool) -> list[Object]:
    """All objects of a list, each once."""
    found: dict[str, Object] = {}
    walk: Walk | None = Walk()
    while walk is not None:
        page = read_slice(transport, path, params, walk, reserve=reserve)
        found.update({str(obj["id"]): obj for obj, _ in page.objects(source)})
        walk = page.next
    return list(found.values())


def opened(answer: Answer, text: bytes, source: str) -> Object:
    """One object of `source`; raise `ProviderUnavailable` if `text` is anything else."""
    try:
        obj: Object = _object.decode(text)
    except _UNREADABLE as error:
        raise broken(answer.operation, f"not an object ({type(error).__name__})") from error
    if obj.get("type") != source or type(obj.get("id")) is not str:
        raise broken(answer.operation, f"holds another object than one of {source}")
    return obj


def _next(walk: Walk, page: _Numbers, ids: list[str], answer: Answer) -> Walk | None:
    """Where the walk goes on after this page, None if it is over; raise `ProviderUnavailable` where it would prove nothing."""
    _require_sense(walk, page, ids, answer)
    lost = max((walk.total or 0) - page.total, 0)
    changed = walk.total not in (None, page.total)
    place = Walk(
        number=walk.number + 1,
        reads=walk.reads + 1,
        expected=walk.expected or page.last_page,
        total=page.total,
        before=_digest(ids),
        doubt=walk.doubt or (changed and _oldest_first(ids)),
        again=walk.again,
    )
    if place.reads > 4 * place.expected + 100:
        raise broken(answer.operation, f"the list has no end: {place.reads} pages were read of {place.expected}")
    if lost and walk.number > 1:
        pages = -(-lost // page.per_page)
        return msgspec.structs.replace(place, number=max(walk.number - pages, 1), before="")
    if walk.number < page.last_page:
        return place
    anew = place.doubt and not walk.again
    return msgspec.structs.replace(place, number=1, before="", doubt=False, again=True) if anew else None


def _require_sense(walk: Walk, page: _Numbers, ids: list[str], answer: Answer) -> None:
    if page.current_page != walk.number:
        raise broken(answer.operation, "holds another page than the one asked for")
    if page.total < 0 or page.per_page < 1 or page.last_page < 1:
        raise broken(answer.operation, "its page numbers make no sense")
    if not ids and walk.number <= page.last_page and page.total > 0:
        raise broken(answer.operation, "the list promises more but holds nothing")
    if ids and _digest(ids) == walk.before and walk.total == page.total:
        raise broken(answer.operation, "the list came back to where it had been")


def _digest(ids: list[str]) -> str:
    return hashlib.blake2b("\n".join(ids).encode(), digest_size=8).hexdigest()


def _oldest_first(ids: list[str]) -> bool:
    """Ids are numbers that grow, so they tell the order where there are two; a page of one row tells nothing."""
    numbers = [int(each) for each in ids if each.isascii() and each.isdigit() and len(each) < 20]
    return any(one <= other for one, other in pairwise(numbers))
