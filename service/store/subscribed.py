"""What entitlements rest on: the subscriptions of users, customers and e-mail addresses, with what brought each to where it
stands, in one query; how far they are proven, in another; and what live ones were bought as.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, TextualSelect, text

from service.store import bulk
from service.store.history import Record
from service.store.native import Bare, Prepared
from service.store.types import UtcDateTime

_TYPES: Final = {"n": "integer", "u": "text", "a": "text", "c": "text", "e": "text"}


class Asked(msgspec.Struct, frozen=True):
    """Whose subscriptions: a user of the application, a customer at an account, or an e-mail address."""

    user_id: str | None = None
    account: str | None = None
    customer_id: str | None = None
    email: str | None = None


# A subscription is its own user's, and only where it names none, its customer's. A customer of a known user stands for
# that user; of one who is not known, for the users of its own subscriptions.
#
# Each part with its branches, and for whom each is needed: planning them takes longer than running them.
_PARTS: Final = (
    ("named", (
        ("customer", "SELECT q.n, c.account, c.id, c.user_id FROM asked q JOIN customer c ON c.account = q.a AND c.id = q.c"),
    )),
    ("users", (
        ("user", "SELECT q.n, q.u FROM asked q WHERE q.u IS NOT NULL"),
        ("customer", "SELECT w.n, w.user_id AS u FROM named w WHERE w.user_id IS NOT NULL"),
        ("customer", "SELECT q.n, s.user_id AS u FROM asked q JOIN subscription s ON s.account = q.a AND s.customer_id = q.c"
            " LEFT JOIN named w ON w.n = q.n WHERE s.user_id IS NOT NULL AND w.user_id IS NULL"),
    )),
    ("buyers", (
        ("customer", "SELECT q.n, q.a AS account, q.c AS id, w.user_id FROM asked q LEFT JOIN named w ON w.n = q.n"
            " WHERE q.c IS NOT NULL"),
        ("user customer", "SELECT u.n, c.account, c.id, c.user_id FROM users u JOIN customer c ON c.user_id = u.u"),
        ("email", "SELECT q.n, c.account, c.id, c.user_id FROM asked q JOIN customer c ON lower(c.email) = lower(q.e)"),
    )),
    ("chosen", (
        ("user customer", "SELECT u.n, s.account, s.id FROM users u JOIN subscription s ON s.user_id = u.u"),
        ("user customer email", "SELECT b.n, s.account, s.id FROM buyers b"
            " JOIN subscription s ON s.account = b.account AND s.customer_id = b.id"
            " WHERE s.user_id IS NULL OR b.user_id IS NULL OR s.user_id = b.user_id"),
        ("email", "SELECT q.n, s.account, s.id FROM asked q JOIN subscription s ON lower(s.email) = lower(q.e)"),
    )),
)  # fmt: skip
# The last change of what entitles, and the last one of the status; each with the event that brought it, where one did.
_FOUND: Final = """
SELECT x.n, s.account, s.id, s.customer_id, s.user_id, s.status, s.collection_paused, s.offer_id, s.cancels_at,
    s.current_period_start, s.current_period_end, s.deleted_at, s.as_of, s.sources,
    h.cause, h.at AS changed_at, e.event_id, e.type AS event_type, e.occurred_at,
    p.cause AS status_cause, p.at AS status_at, o.occurred_at AS status_occurred_at,
    m.id AS item_id, m.price_id, m.quantity
FROM chosen x
JOIN subscription s ON s.account = x.account AND s.id = x.id
LEFT JOIN state_change h ON h.id = (
    SELECT max(c.id) FROM state_change c WHERE c.account = s.account AND c.kind = 'subscription' AND c.object_id = s.id
        AND (c.field IN ('status', 'offer_id', 'cancels_at', 'collection_paused', 'deleted_at') OR c.field LIKE 'items[%')
)
LEFT JOIN state_change p ON p.id = (
    SELECT max(c.id) FROM state_change c WHERE c.account = s.account AND c.kind = 'subscription' AND c.object_id = s.id
        AND c.field = 'status'
)
LEFT JOIN webhook_event e ON e.id = CASE WHEN h.cause LIKE 'event:%' THEN CAST(substr(h.cause, 7) AS bigint) END
LEFT JOIN webhook_event o ON o.id = CASE WHEN p.cause LIKE 'event:%' THEN CAST(substr(p.cause, 7) AS bigint) END
LEFT JOIN subscription_item m ON m.account = s.account AND m.subscription_id = s.id
ORDER BY x.n, s.account, s.id, m.id
"""
_TIMES: Final = (
    "cancels_at", "current_period_start", "current_period_end", "deleted_at", "as_of", "changed_at", "occurred_at", "status_at",
    "status_occurred_at",
)  # fmt: skip
_PROVEN: Final = """
SELECT w.account, w.kind, w.confirmed_as_of, w.full_at,
    (SELECT l.started_as_of FROM reconcile_run r
        JOIN reconcile_ledger l ON l.run_id = r.id AND l.account = r.account AND l.kind = w.kind
        WHERE r.account = w.account AND r.whole AND NOT r.dry_run AND l.status = 'complete'
        ORDER BY r.id DESC LIMIT 1) AS started_as_of
FROM {asked} JOIN watermark w ON w.account = i.a AND w.kind = i.k
"""


def subscriptions(connection: Connection, asked: Sequence[Asked]) -> list[list[Record]]:
    """For each of `asked`, the subscriptions, each with its `items`; equal for the same rows, whatever wrote them first."""
    given = [(n, *_parameters(each)) for n, each in enumerate(asked)]
    source, parameters = bulk.incoming(connection, _TYPES, given)
    return _gathered(connection.execute(_found(source, _askers(asked)), parameters).mappings(), len(asked))


def of_one(bare: Bare, asked: Asked) -> list[Record]:
    """What `subscriptions` says of one, on PostgreSQL."""
    return _gathered(bare.rows(_found_of_one(_askers([asked])), _parameters(asked)), 1)[0]


def _parameters(asked: Asked) -> tuple[str | None, ...]:
    return asked.user_id, asked.account, asked.customer_id, asked.email


def _gathered(rows: Iterable[Mapping[Any, Any]], asked: int) -> list[list[Record]]:
    found: list[dict[tuple[str, str], Record]] = [{} for _ in range(asked)]
    for row in rows:
        record = found[int(row["n"])].setdefault((row["account"], row["id"]), {**row, "items": []})
        if row["item_id"] is not None:
            record["items"].append((row["price_id"], row["quantity"]))
    return [list(each.values()) for each in found]


def _askers(asked: Sequence[Asked]) -> frozenset[str]:
    named = {"user": "user_id", "customer": "customer_id", "email": "email"}
    return frozenset(kind for kind, field in named.items() if any(getattr(each, field) is not None for each in asked))


@lru_cache(maxsize=32)
def _found(source: str, askers: frozenset[str]) -> TextualSelect:
    return _timed(_query(source, askers), _TIMES)


@lru_cache(maxsize=8)
def _found_of_one(askers: frozenset[str]) -> Prepared:
    asked = "(SELECT 0 AS n, $1::text AS u, $2::text AS a, $3::text AS c, $4::text AS e) i"
    return Prepared(_query(asked, askers))


def _query(source: str, askers: frozenset[str]) -> str:
    parts = [f"asked AS (SELECT i.n, i.u, i.a, i.c, i.e FROM {source})"]
    for name, branches in _PARTS:
        needed = [select for kinds, select in branches if askers.intersection(kinds.split())]
        if needed:
            parts.append(f"{name} AS ({' UNION '.join(needed)})")
    return f"WITH {', '.join(parts)} {_FOUND}"


def _timed(query: str, times: Sequence[str]) -> TextualSelect:
    return text(query).columns(**dict.fromkeys(times, UtcDateTime()))


def proven(connection: Connection, sources: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Any]:
    """When the last whole complete pass over each (account, source) began, by the provider's clock; absent where there
    was no complete pass. The earlier of the last whole run and of the watermark: a held-back heal moves only the one, a
    run limited in time only the other.
    """
    source, parameters = bulk.incoming(connection, {"a": "text", "k": "text"}, sources)
    return _began(connection.execute(_passes(source), parameters).mappings())


def proven_to(bare: Bare, sources: tuple[tuple[str, str], ...]) -> Mapping[tuple[str, str], Any]:
    """What `proven` says, on PostgreSQL."""
    return _began(bare.rows(_passes_of(sources)))


def _began(rows: Iterable[Mapping[Any, Any]]) -> Mapping[tuple[str, str], Any]:
    return {
        (row["account"], row["kind"]): min(
            row["confirmed_as_of"], row["started_as_of"] or row["full_at"] or row["confirmed_as_of"]
        )
        for row in rows
    }


@lru_cache(maxsize=8)
def _passes_of(sources: tuple[tuple[str, str], ...]) -> Prepared:
    """A process always asks about the same ones: written out, they leave one plan for all of its requests."""
    values = ", ".join("('{}', '{}')".format(*(each.replace("'", "''") for each in pair)) for pair in sources)
    return Prepared(_PROVEN.format(asked=f"(VALUES {values or '(NULL, NULL)'}) AS i (a, k)"))


@lru_cache(maxsize=4)
def _passes(source: str) -> TextualSelect:
    return _timed(_PROVEN.format(asked=source), ("confirmed_as_of", "full_at", "started_as_of"))


def sold(connection: Connection) -> Iterator[tuple[str, str, set[str]]]:
    """(account, id, what it was bought as) of every subscription that is alive."""
    query = text(
        "SELECT s.account, s.id, s.offer_id, m.price_id FROM subscription s"
        " LEFT JOIN subscription_item m ON m.account = s.account AND m.subscription_id = s.id"
        " WHERE s.status IN ('active', 'trialing', 'past_due', 'paused') AND s.deleted_at IS NULL ORDER BY s.account, s.id"
    )
    for (account, id_), rows in groupby(connection.execute(query), key=lambda row: (row.account, row.id)):
        yield account, id_, {each for row in rows for each in (row.offer_id, row.price_id) if each is not None}
