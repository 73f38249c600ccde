"""What is saved is what is loaded, on both databases, and history tells how it came to be."""

from __future__ import annotations

import itertools
import types
import typing
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.model import CHILDREN, FIELDS, KINDS, Customer, Fields, Invoice, InvoiceLine, Kind, Payment, content_of
from service.store import state
from service.store.engine import Database
from tests.store.samples import STRIPE, change, put, rows

_COUNT = itertools.count()
_SCALARS: dict[object, st.SearchStrategy[object]] = {
    str: st.one_of(st.text(max_size=12), st.sampled_from(["\0", "a\0b", "🦊", "'; --", '"'])),
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    datetime: st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    types.NoneType: st.none(),
}
_ids = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6)


def _values(name: str, kind: object) -> st.SearchStrategy[object]:
    if name == "interval_count":
        return st.one_of(st.none(), st.integers(1, 1000))
    if typing.get_origin(kind) is tuple:
        return _children(typing.get_args(kind)[0])
    kinds = typing.get_args(kind) or (kind,)
    return st.one_of([_SCALARS[each] for each in kinds])


def _children(kind: type[Fields]) -> st.SearchStrategy[object]:
    listed = st.lists(_fields(kind), max_size=3, unique_by=lambda child: getattr(child, "id"))  # noqa: B009
    return listed.map(lambda found: tuple(sorted(found, key=lambda child: str(getattr(child, "id")))))  # noqa: B009


def _fields(kind: type[Fields]) -> st.SearchStrategy[Fields]:
    declared = {field.name: _values(field.name, field.type) for field in msgspec.structs.fields(kind)}
    if "id" in declared:
        declared["id"] = _ids
    return st.builds(kind, **declared)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_content_survives_the_database(database: Database, kind: Kind, data: st.DataObject) -> None:
    """Any content of any kind, NUL and emoji and 64-bit numbers included, is loaded as it was saved."""
    fields = data.draw(_fields(FIELDS[kind]))
    id_ = f"o{next(_COUNT)}"
    put(database, change(kind, id_, fields, source="charge"))
    with database.read() as connection:
        row = state.load(connection, "a", [(kind, id_)])[kind, id_]
    assert row.content == content_of(fields)


@pytest.mark.parametrize("kind", sorted(CHILDREN))
def test_a_row_without_children_is_loaded_without(database: Database, kind: Kind) -> None:
    """An empty list, not a missing one."""
    put(database, change(kind, "o", FIELDS[kind]()))
    with database.read() as connection:
        content = state.load(connection, "a", [(kind, "o")])[kind, "o"].content
    assert content is not None
    assert content[CHILDREN[kind]] == []


def _invoice(*lines: str, status: str = "open") -> Invoice:
    return Invoice(status=status, lines=tuple(InvoiceLine(id=line, amount=1) for line in lines))


def test_children_change_only_when_their_parent_wins(database: Database) -> None:
    """A stale snapshot leaves them untouched; a newer one replaces them all."""
    put(database, change("invoice", "i", _invoice("a", "b"), at=10))
    [stale] = put(database, change("invoice", "i", _invoice("x", status="draft"), at=5))
    assert stale.verdict == "stale"
    assert rows(database, "SELECT id FROM invoice_line ORDER BY id") == [("a",), ("b",)]
    put(database, change("invoice", "i", _invoice("b", "c"), at=20))
    assert rows(database, "SELECT id FROM invoice_line ORDER BY id") == [("b",), ("c",)]


def test_history_tells_each_field_and_its_cause(database: Database) -> None:
    """A new row leaves one entry, a change one a field, an unchanged snapshot none."""
    put(database, change("customer", "c", Customer(name="A"), at=1))
    put(database, change("customer", "c", Customer(name="B", email="b@example.com"), at=2))
    put(database, change("customer", "c", Customer(name="B", email="b@example.com"), at=3))
    assert rows(database, "SELECT field, old, new, cause FROM state_change ORDER BY id") == [
        ("status", None, "active", "event:c@1"),
        ("email", None, "b@example.com", "event:c@2"),
        ("name", "A", "B", "event:c@2"),
    ]


def test_a_read_stamped_before_the_event_that_it_supersedes_does_not_make_the_row_older(database: Database) -> None:
    """Clocks of servers differ; an event between the two stamps would win otherwise."""
    put(database, change("customer", "c", Customer(name="event"), at=10, seen=11))
    put(database, change("customer", "c", Customer(name="read"), at=8, seen=12, read=True))
    judged = put(database, change("customer", "c", Customer(name="between"), at=9, seen=11.5))
    assert [each.verdict for each in judged] == ["stale"]
    assert rows(database, "SELECT name, as_of FROM customer")[0][0] == "read"


def test_a_tombstone_stays(database: Database) -> None:
    """A late update cannot resurrect a deleted customer."""
    put(database, change("customer", "c", Customer(name="A"), at=1))
    put(database, change("customer", "c", Customer(), at=5, deleted=True))
    assert put(database, change("customer", "c", Customer(name="B"), at=9))[0].verdict == "stale"
    [(status, name, deleted_at)] = rows(database, "SELECT status, name, deleted_at FROM customer")
    assert (status, name) == ("deleted", "A")
    assert deleted_at is not None


def test_a_payment_told_by_three_objects_is_one_row_in_any_order(database: Database) -> None:
    """Each source keeps its own version; the row depends on their contents alone."""
    told = [
        ("payment_intent", "pi", Payment(status="succeeded", amount=900, amount_paid=900, currency="EUR")),
        ("charge", "ch", Payment(charge_id="ch", status="succeeded", amount=900, failure_code="x")),
        ("invoice_payment", "ip", Payment(invoice_id="in")),
    ]
    for number, order in enumerate(itertools.permutations(enumerate(told))):
        for at, (source, source_id, fields) in order:
            put(
                database,
                change("payment", "pi", fields, at=at, source=source, source_id=source_id),
                account=f"a{number}",
            )
    query = (
        "SELECT DISTINCT id, status, amount, amount_paid, currency, charge_id, invoice_id, failure_code FROM payment"
    )
    assert rows(database, query) == [("pi", "succeeded", 900, 900, "EUR", "ch", "in", None)]
    assert rows(database, "SELECT count(*) FROM payment") == [(6,)]
    assert STRIPE.precedence[0] == "payment_intent"
