"""Numbered pages: rows that shift under a walk are survived, and lists that would lie or never end are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BadRequest, ProviderUnavailable
from service.providers.lemonsqueezy.client import LemonSqueezyReader
from service.providers.lemonsqueezy.listing import Walk, read_slice, walk_of
from service.sandbox.edge import Answer, Call
from service.transport import Answer as Told
from tests.providers.lemonsqueezy.conftest import Wire
from tests.providers.lemonsqueezy.given import CREATED, Json
from tests.providers.lemonsqueezy.shelf import Shelf, answer
from tests.providers.lemonsqueezy.test_reader import ids


def customer(id_: object) -> Json:
    """An object of a list."""
    return {"type": "customers", "id": str(id_), "attributes": {"updated_at": CREATED}}


def page(*data: Any, number: int = 1, last: int = 1, total: int | None = None, per: int = 2) -> Json:
    """A page."""
    numbers = {"currentPage": number, "lastPage": last, "perPage": per, "total": len(data) if total is None else total}
    return {"meta": {"page": numbers}, "data": list(data)}


def filled(count: int, page_cap: int = 2, *, oldest_first: bool = False) -> Shelf:
    """A shelf of so many customers, the newest first, or at the end."""
    shelf = Shelf(page_cap, oldest_first=oldest_first)
    for number in range(1, count + 1):
        shelf.put("customers", number)
    return shelf


def once(number: int, action: Callable[[], object]) -> Callable[[int], None]:
    """Acts after the first answer of this page."""
    done: list[int] = []

    def between(current: int) -> None:
        if current == number and not done:
            done.append(current)
            action()

    return between


def walked(wire: Wire, reader: LemonSqueezyReader, shelf: Shelf) -> list[str]:
    """The ids that a walk shows."""
    wire.answer = shelf
    return ids(reader, "customers")


def test_an_empty_list_is_one_page(wire: Wire, reader: LemonSqueezyReader) -> None:
    assert walked(wire, reader, Shelf()) == []
    assert len(wire.calls) == 1


def test_a_new_object_pushes_one_to_the_next_page_and_is_not_waited_for(wire: Wire, reader: LemonSqueezyReader) -> None:
    shelf = filled(6)
    shelf.between = once(1, lambda: shelf.put("customers", 7))
    assert walked(wire, reader, shelf) == ["6", "5", "5", "4", "3", "2", "1"]


@pytest.mark.parametrize("removed", [["6"], ["5"], ["6", "5"], ["6", "5", "4"], ["1"]])
def test_what_moves_back_to_a_page_already_read_is_not_missed(
    wire: Wire, reader: LemonSqueezyReader, removed: list[str]
) -> None:
    shelf = filled(6)
    shelf.between = once(2, lambda: shelf.remove("customers", *removed))
    assert set(walked(wire, reader, shelf)) >= {"1", "2", "3", "4", "5", "6"} - set(removed)


def test_a_list_that_shrinks_below_the_page_asked_for_is_read_again_from_its_new_end(
    wire: Wire, reader: LemonSqueezyReader
) -> None:
    shelf = filled(6)
    shelf.between = once(2, lambda: shelf.remove("customers", 6, 5, 4))
    assert set(walked(wire, reader, shelf)) == {"6", "5", "4", "3", "2", "1"}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_where_the_oldest_comes_first_a_removal_hidden_by_a_new_object_is_survived(
    wire: Wire, reader: LemonSqueezyReader, number: int
) -> None:
    shelf = filled(6, oldest_first=True)

    def swap() -> None:
        shelf.remove("customers", 1)
        shelf.put("customers", 7)
        shelf.put("customers", 8)

    shelf.between = once(number, swap)
    assert set(walked(wire, reader, shelf)) >= {"2", "3", "4", "5", "6"}


def test_a_walk_in_doubt_begins_anew_only_once(wire: Wire, reader: LemonSqueezyReader) -> None:
    shelf = filled(4, oldest_first=True)
    fresh = iter(range(100, 200))
    shelf.between = lambda number: shelf.put("customers", next(fresh)) if number == 1 else None
    walked(wire, reader, shelf)
    assert len([call for call in wire.calls if "page%5Bnumber%5D=1&" in call.query]) == 2


def test_a_still_list_is_walked_once(wire: Wire, reader: LemonSqueezyReader) -> None:
    assert len(walked(wire, reader, filled(5, oldest_first=True))) == 5
    assert len(wire.calls) == 3


@given(
    st.integers(0, 9),
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from(["new", "remove"]), st.integers(0, 20)), max_size=8),
)
def test_no_object_that_stays_is_ever_missed(
    wire_of_walks: Callable[[Shelf], list[str]], count: int, page_cap: int, deeds: list[tuple[str, int]]
) -> None:
    """Newest first, whatever is created and removed between the pages."""
    shelf = filled(count, page_cap)
    coming = iter(deeds)
    fresh = iter(range(100, 200))

    def between(_number: int) -> None:
        deed, place = next(coming, ("", 0))
        if deed == "new":
            shelf.put("customers", next(fresh))
        elif deed and shelf.tables.get("customers"):
            shelf.tables["customers"].pop(place % len(shelf.tables["customers"]))

    shelf.between = between
    before = {each["id"] for each in shelf.tables.get("customers", ())}
    found = set(wire_of_walks(shelf))
    staying = {each["id"] for each in shelf.tables.get("customers", ())} & before
    assert found >= staying


@pytest.fixture(scope="module")
def wire_of_walks() -> Callable[[Shelf], list[str]]:
    """Walks a shelf without a socket, page by page as the reader does."""

    class Straight:
        def __init__(self, shelf: Shelf) -> None:
            self.shelf = shelf

        def get(self, path: str, params: Json, *, reserve: bool) -> Any:  # noqa: ARG002
            query = "&".join(f"{name}={value}" for name, value in params.items())
            told = self.shelf(Call("GET", path, query))
            return Told(path, told.body, None)  # type: ignore[arg-type]

    def walk(shelf: Shelf) -> list[str]:
        found, place = [], Walk()
        while True:
            part = read_slice(Straight(shelf), "/v1/customers", {}, place, reserve=False)  # type: ignore[arg-type]
            found += [str(obj["id"]) for obj, _ in part.objects("customers")]
            if part.next is None:
                return found
            place = walk_of(part.next.cursor())

    return walk


@pytest.mark.parametrize(
    ("body", "cursor"),
    [
        (page(number=2), None),
        (page(total=5), None),
        (page(customer(1), total=-1), None),
        (page(customer(1), per=0), None),
        (page(customer(1), last=0), None),
        (page(customer(1), number=3, last=9, total=9), Walk(number=2, reads=1, expected=9, total=9)),
        (page(customer(1), number=1000, last=2000, total=4000), Walk(number=1000, reads=200, expected=25, total=4000)),
        (page({"type": "orders", "id": "1"}), None),
        (page({"type": "customers"}), None),
        (page({"type": "customers", "id": 5}), None),
        (page("1"), None),
        (page(None), None),
        ({"data": []}, None),
        ({"meta": {}, "data": []}, None),
        ({**page(), "data": {}}, None),
        ({**page(), "included": [5]}, None),
        ([], None),
        (None, None),
    ],
)
def test_a_broken_page_is_unavailable(wire: Wire, reader: LemonSqueezyReader, body: Any, cursor: Walk | None) -> None:
    wire.answer = lambda _call: answer(body)
    with pytest.raises(ProviderUnavailable, match="GET /v1/customers: broken answer"):
        reader.page("customers", cursor=None if cursor is None else cursor.cursor(), since=None, until=None)


def test_a_list_that_shows_the_same_page_for_every_number_is_refused(wire: Wire, reader: LemonSqueezyReader) -> None:
    def same(call: Call) -> Answer:
        number = int(call.query.split("number%5D=")[1].split("&")[0])
        return answer(page(customer(2), customer(1), number=number, last=50, total=100))

    wire.answer = same
    with pytest.raises(ProviderUnavailable, match="came back to where it had been"):
        ids(reader, "customers")
    assert len(wire.calls) == 2


def test_a_list_that_grows_for_ever_is_refused(wire: Wire, reader: LemonSqueezyReader) -> None:
    def endless(call: Call) -> Answer:
        number = int(call.query.split("number%5D=")[1].split("&")[0])
        return answer(page(customer(10**9 - number), number=number, last=number + 1, total=number + 1, per=1))

    wire.answer = endless
    with pytest.raises(ProviderUnavailable, match="the list has no end"):
        ids(reader, "customers")
    assert len(wire.calls) < 150


@pytest.mark.parametrize("body", [customer(2), {**customer(1), "type": "orders"}, [], None, {"type": "customers"}])
def test_a_read_that_answers_with_something_else_is_unavailable(
    wire: Wire, reader: LemonSqueezyReader, body: Any
) -> None:
    wire.answer = lambda _call: answer({"data": body})
    with pytest.raises(ProviderUnavailable, match="/v1/customers/1: broken answer"):
        reader.get("customers", "1")


@pytest.mark.parametrize("cursor", ["", "2", "[]", "null", '{"number":"2"}', "\ud800", "{" * 5])
def test_a_cursor_that_is_none_is_a_bad_request(reader: LemonSqueezyReader, wire: Wire, cursor: str) -> None:
    with pytest.raises(BadRequest, match="cursor"):
        reader.page("customers", cursor=cursor, since=None, until=None)
    assert wire.calls == []


def test_a_cursor_is_short_whatever_the_page_holds() -> None:
    place = Walk(number=10**6, reads=10**6, expected=10**6, total=10**8, before="0" * 16, doubt=True, again=True)
    assert walk_of(place.cursor()) == place
    assert len(json.dumps(place.cursor())) < 200
