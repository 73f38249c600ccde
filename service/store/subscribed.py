"""What entitlements rest on: the subscriptions of users, customers and e-mail addresses, with what brought each to where it
stands, in one query; how far they are proven, in another; and what live ones were bought as.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, text

from service.store import bulk
from service.store.history import Record
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
_QUERY: Final = """
WITH asked AS (SELECT i.n, i.u, i.a, i.c, i.e FROM {asked}),
named AS (
    SELECT q.n, c.account, c.id, c.user_id FROM asked q JOIN customer c ON c.account = q.a AND c.id = q.c
),
users AS (
    SELECT q.n, q.u FROM asked q WHERE q.u IS NOT NULL
    UNION SELECT w.n, w.user_id FROM named w WHERE w.user_id IS NOT NULL
    UNION SELECT q.n, s.user_id FROM asked q JOIN subscription s ON s.account = q.a AND s.customer_id = q.c
        LEFT JOIN named w ON w.n = q.n WHERE s.user_id IS NOT NULL AND w.user_id IS NULL
),
buyers AS (
    SELECT q.n, q.a AS account, q.c AS id, w.user_id FROM asked q LEFT JOIN named w ON w.n = q.n WHERE q.c IS NOT NULL
    UNION SELECT u.n, c.account, c.id, c.user_id FROM users u JOIN customer c ON c.user_id = u.u
    UNION SELECT q.n, c.account, c.id, c.user_id FROM asked q JOIN customer c ON lower(c.email) = lower(q.e)
),
chosen AS (
    SELECT u.n, s.account, s.id FROM users u JOIN subscription s ON s.user_id = u.u
    UNION SELECT b.n, s.account, s.id FROM buyers b JOIN subscription s ON s.account = b.account AND s.customer_id = b.id
        WHERE s.user_id IS NULL OR b.user_id IS NULL OR s.user_id = b.user_id
    UNION SELECT q.n, s.account, s.id FROM asked q JOIN subscription s ON lower(s.email) = lower(q.e)
),
found AS (
    SELECT x.n, s.*,
        (SELECT max(h.id) FROM state_change h WHERE h.account = s.account AND h.kind = 'subscription' AND h.object_id = s.id
            AND (h.field IN ('status', 'offer_id', 'cancels_at', 'collection_paused', 'deleted_at') OR h.field LIKE 'items[%')
        ) AS last_change,
        (SELECT max(h.id) FROM state_change h WHERE h.account = s.account AND h.kind = 'subscription' AND h.object_id = s.id
            AND h.field = 'status') AS status_change
    FROM chosen x JOIN subscription s ON s.account = x.account AND s.id = x.id
)
SELECT f.n, f.account, f.id, f.customer_id, f.user_id, f.status, f.collection_paused, f.offer_id, f.cancels_at, f.current_period_start,
    f.current_period_end, f.deleted_at, f.as_of, f.sources,
    h.cause, h.at AS changed_at, e.event_id, e.type AS event_type, e.occurred_at,
    p.cause AS status_cause, p.at AS status_at, o.occurred_at AS status_occurred_at,
    m.id AS item_id, m.price_id, m.quantity
FROM found f
LEFT JOIN state_change h ON h.id = f.last_change
LEFT JOIN state_change p ON p.id = f.status_change
LEFT JOIN webhook_event e ON e.id = CASE WHEN h.cause LIKE 'event:%' THEN CAST(substr(h.cause, 7) AS bigint) END
LEFT JOIN webhook_event o ON o.id = CASE WHEN p.cause LIKE 'event:%' THEN CAST(substr(p.cause, 7) AS bigint) END
LEFT JOIN subscription_item m ON m.account = f.account AND m.subscription_id = f.id
ORDER BY f.n, f.account, f.id, m.id
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
    given = [(n, each.user_id, each.account, each.customer_id, each.email) for n, each in enumerate(asked)]
    source, parameters = bulk.incoming(connection, _TYPES, given)
    statement = text(_QUERY.format(asked=source)).columns(**dict.fromkeys(_TIMES, UtcDateTime()))
    found: dict[int, dict[tuple[str, str], Record]] = defaultdict(dict)
    for row in connection.execute(statement, parameters).mappings():
        record = found[int(row["n"])].setdefault((row["account"], row["id"]), {**row, "items": []})
        if row["item_id"] is not None:
            record["items"].append((row["price_id"], row["quantity"]))
    return [list(found[n].values()) for n in range(len(asked))]


def proven(connection: Connection, sources: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Any]:
    """When the last whole complete pass over each (account, source) began, by the provider's clock; absent where there
    was no complete pass. The earlier of the last whole run and of the watermark: a held-back heal moves only the one, a
    run limited in time only the other.
    """
    source, parameters = bulk.incoming(connection, {"a": "text", "k": "text"}, sources)
    types = dict.fromkeys(("confirmed_as_of", "full_at", "started_as_of"), UtcDateTime())
    rows = connection.execute(text(_PROVEN.format(asked=source)).columns(**types), parameters)
    return {
        (row.account, row.kind): min(row.confirmed_as_of, row.started_as_of or row.full_at or row.confirmed_as_of)
        for row in rows
    }


def sold(connection: Connection) -> Iterator[tuple[str, str, set[str]]]:
    """(account, id, what it was bought as) of every subscription that is alive."""
    query = text(
        "SELECT s.account, s.id, s.offer_id, m.price_id FROM subscription s"
        " LEFT JOIN subscription_item m ON m.account = s.account AND m.subscription_id = s.id"
        " WHERE s.status IN ('active', 'trialing', 'past_due', 'paused') AND s.deleted_at IS NULL ORDER BY s.account, s.id"
    )
    for (account, id_), rows in groupby(connection.execute(query), key=lambda row: (row.account, row.id)):
        yield account, id_, {each for row in rows for each in (row.offer_id, row.price_id) if each is not None}
