"""The port's books: what a provider's own ledger says has moved. Optional; a reader that has none doesn't declare it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

RowKind: TypeAlias = Literal["payment", "refund", "dispute"]
"""The kind of row that money is counted in."""
BookedKind: TypeAlias = RowKind | Literal["release"]
"""What moved: the money of a row, or (a release) what a payment had booked and did not keep."""


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """One movement of money for a payment, a refund or a dispute, as the provider's ledger has it.

    `source_id` names the object: a payment by its `charge_id`, a refund or a dispute by its id, a release by its payment's
    `charge_id` or by the id of a refund that was made for it. One object may have several: a refund that failed has come back.
    `amount` is in ISO 4217 minor units of `currency`, which is the one that the account settles in, before fees; money that
    left is negative.
    """

    id: str
    kind: BookedKind
    source_id: str
    amount: int
    currency: str
    created_at: datetime


class BookPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the ledger, without what belongs to no payment, refund or dispute (fees, payouts)."""

    entries: tuple[Booked, ...]
    as_of: datetime
    cursor: str | None


@runtime_checkable
class Books(Protocol):
    """A read side (`service.provider.Reader`) whose provider keeps a ledger of booked movements."""

    def booked(self, *, cursor: str | None, since: datetime | None) -> BookPage:
        """One page of what was booked since a provider time. Raises as `Reader` does."""
        ...
