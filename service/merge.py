"""One row from the several provider objects that feed it. Pure.

A payment at Stripe is told by a payment intent, its charges and the invoice payments that link it to an invoice. Each
owns what it knows best; the result depends on their contents alone, never on the order in which they came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from service.model import Content, Kind, Payment, content_of
from service.provider import Ordering

# Rows of these kinds may have several sources; all other rows have one, whose content is the row's.
MERGED: Final[frozenset[Kind]] = frozenset({"payment"})
# What one source tells together: mixing the status of one with the amount of another would describe no payment at all.
_TOGETHER: Final = ("status", "provider_status", "currency", "amount", "amount_paid", "failure_code")
_EARLY: Final = datetime(1970, 1, 1, tzinfo=UTC)


def merge(sources: Mapping[str, Content], ordering: Ordering) -> Content:
    """The payment row that these sources make, by the provider's precedence of source names.

    Status, currency, amounts and failure come from the first source that has a status; any other field from the first
    that knows it. Among sources of one name a succeeded one goes first, then the newest. What is pending by its own
    source has failed where a source that tells of attempts says so (`Ordering.attempts`).
    """
    ordered = _ordered(sources, ordering.precedence)
    merged = content_of(Payment())
    for content in ordered:
        for field, value in content.items():
            if field not in _TOGETHER and merged.get(field) is None:
                merged[field] = value
    leading = next((content for content in ordered if content.get("status")), ordered[0] if ordered else {})
    merged.update({field: leading.get(field) for field in _TOGETHER})
    tried = [content for key, content in sources.items() if key.partition(":")[0] in ordering.attempts]
    if merged["status"] == "pending" and tried:
        merged["status"] = "failed"
    return merged


def leads(source: str, present: Mapping[str, object], precedence: Sequence[str]) -> bool:
    """True where `source` (a name) is the one to be believed first among those present (keys `name:id`)."""
    mine = _rank(source, precedence)
    return all(mine <= _rank(key.partition(":")[0], precedence) for key in present)


def payment_content(stored: bytes | str) -> Content:
    """A payment content as it was kept in JSON."""
    return content_of(msgspec.json.decode(stored, type=Payment))


def _ordered(sources: Mapping[str, Content], precedence: Sequence[str]) -> list[Content]:
    def place(item: tuple[str, Content]) -> tuple[int, bool, float, str]:
        key, content = item
        created = content.get("created_at") or _EARLY
        name = key.partition(":")[0]
        return _rank(name, precedence), content.get("status") != "succeeded", -created.timestamp(), key

    return [content for _, content in sorted(sources.items(), key=place)]


def _rank(name: str, precedence: Sequence[str]) -> int:
    return precedence.index(name) if name in precedence else len(precedence)
