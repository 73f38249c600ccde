"""The same event under another id: providers whose resend may make a new one give their events a second key, of content.

What is stored already is counted on its row, and judged once more: between two equal contents of one second another may
have been applied, so that "the same again" can be news.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from service.store import bulk
from service.store.delivery import Delivery
from service.store.types import to_text

_AGAIN = (
    "UPDATE webhook_event SET deliveries = deliveries + :copies, resent_at = :now,"
    " status = CASE WHEN status = 'applied' THEN 'received' ELSE status END,"
    " attempts = CASE WHEN status = 'applied' THEN 0 ELSE attempts END,"
    " next_attempt_at = CASE WHEN status = 'applied' THEN :now ELSE next_attempt_at END"
    " WHERE account = :account AND content_key = :content RETURNING id"
)


def split(connection: Connection, deliveries: Sequence[Delivery]) -> tuple[list[Delivery], list[Delivery]]:
    """Deliveries to store, and those whose content is stored under another event key (or comes first in this batch)."""
    keyed = [each for each in deliveries if each.envelope.content_key is not None]
    if not keyed:
        return list(deliveries), []
    owners = _owners(connection, keyed)
    fresh: list[Delivery] = []
    again: list[Delivery] = []
    for delivery in deliveries:
        content = (delivery.account, delivery.envelope.content_key or "")
        owner = owners.setdefault(content, delivery.envelope.event_id) if content[1] else delivery.envelope.event_id
        (fresh if owner == delivery.envelope.event_id else again).append(delivery)
    return fresh, again


def count(connection: Connection, delivery: Delivery, now: datetime) -> int:
    """Count a delivery on the row that holds its content, and have that row judged again; the row's id."""
    stamp: Any = now if connection.dialect.name == "postgresql" else to_text(now)
    parameters = {"copies": delivery.copies, "now": stamp, "account": delivery.account}
    statement = _AGAIN.replace(":now ELSE", "CAST(:now AS timestamptz) ELSE") if stamp is now else _AGAIN
    row = connection.execute(text(statement), parameters | {"content": delivery.envelope.content_key}).one()
    return int(row[0])


def _owners(connection: Connection, deliveries: Sequence[Delivery]) -> dict[tuple[str, str], str]:
    rows = [(each.account, each.envelope.content_key) for each in deliveries]
    source, parameters = bulk.incoming(connection, {"account": "text", "content": "text"}, rows)
    query = (
        f"SELECT e.account, e.content_key, e.event_id FROM {source} JOIN webhook_event e"
        " ON e.account = i.account AND e.content_key = i.content"
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(text(query), parameters)}
