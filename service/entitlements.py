"""What a user may use now, derived from the subscriptions in the copy each time it is asked; nothing of it is stored.

Two queries, however many are asked about: the subscriptions with what brought them where they stand, and how far each account's
copy is proven.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection

from service import metrics
from service.account import Account, Accounts
from service.entitled import Cause, ConfirmedBy, Entitlements, Held, Sync, derive
from service.plans import Plans
from service.store import subscribed
from service.store.engine import Database
from service.store.history import Record
from service.store.subscribed import Asked

_BY: Final[Mapping[str, ConfirmedBy]] = {"event": "webhook", "run": "reconcile", "call": "call"}
_KINDS: Final = ("customer", "subscription")


class _Version(msgspec.Struct, frozen=True):
    """How a row's version was seen (`service.store.state.Held`): by a read, or in an event."""

    r: bool = False


_versions = msgspec.json.Decoder(dict[str, _Version])


class Entitled:
    """Answers about entitlements. Safe to share between threads; `plans` and `accounts` are those of the process."""

    def __init__(self, database: Database, accounts: Accounts, plans: Plans) -> None:
        self._database = database
        self._accounts = accounts
        self._plans = plans

    def user(self, user_id: str) -> Entitlements:
        """Of a user of the application, by the id that it gave in metadata or custom data, whatever the provider."""
        return self._one(Asked(user_id=user_id))

    def customer(self, account: str, customer_id: str) -> Entitlements:
        """Of a customer at an account; where its user is known, of that user at every provider."""
        return self._one(Asked(account=account, customer_id=customer_id))

    def email(self, address: str) -> Entitlements:
        """Of whoever bought under this e-mail address, in either case. That the asker owns it is the caller's to know."""
        return self._one(Asked(email=address))

    def several(self, connection: Connection, asked: Sequence[Asked], now: datetime) -> list[Entitlements]:
        """Of each of `asked`, by two queries however many they are, within the caller's transaction."""
        proven = self._proven(subscribed.proven(connection, self._pairs()))
        return [self._derived(rows, proven, now) for rows in subscribed.subscriptions(connection, asked)]

    def _one(self, asked: Asked) -> Entitlements:
        now = self._database.now()
        if self._database.postgres:
            with self._database.bare() as bare:
                proven = self._proven(subscribed.proven_to(bare, self._pairs()))
                found = self._derived(subscribed.of_one(bare, asked), proven, now)
        else:
            with self._database.read() as connection:
                found = self.several(connection, [asked], now)[0]
        for price in found.unknown_prices:
            metrics.UNKNOWN.labels(price.partition(":")[0], "price").inc()
        return found

    def _derived(self, rows: Sequence[Record], proven: Mapping[str, datetime], now: datetime) -> Entitlements:
        synced = [_sync(account, self._plans, proven.get(name)) for name, account in self._accounts.by_name.items()]
        return derive(self._plans, [_held(row, proven.get(row["account"])) for row in rows], synced, now)

    def _pairs(self) -> tuple[tuple[str, str], ...]:
        """(account, source) of all that entitlements rest on."""
        return tuple((name, source) for name, account in self._accounts.by_name.items() for source in _sources(account))

    def _proven(self, found: Mapping[tuple[str, str], datetime]) -> dict[str, datetime]:
        """By account, when the last complete pass over all that entitlements rest on began; absent without one."""
        times = {
            name: [found.get((name, source)) for source in _sources(account)]
            for name, account in self._accounts.by_name.items()
        }
        return {name: min(known) for name, each in times.items() if each and len(known := _known(each)) == len(each)}


def _known(times: Sequence[datetime | None]) -> list[datetime]:
    return [each for each in times if each is not None]


def _sources(account: Account) -> list[str]:
    return [each.source for each in account.provider.listings if each.kind in _KINDS and each.owns_row]


def _sync(account: Account, plans: Plans, proven: datetime | None) -> Sync:
    """Whether that nothing is here means that there is nothing. Without an API key only the operator can say so."""
    trusted = not account.readable and account.name in plans.access.webhook_only
    reason = None
    if proven is None and not account.readable:
        reason = "no API key, so it can't be reconciled" + (
            "; its webhooks are trusted (webhook_only)" if trusted else ""
        )
    elif proven is None:
        reason = "no complete reconcile run yet; run `tallyhook reconcile`"
    return Sync(account=account.name, synced=proven is not None or trusted, confirmed_at=proven, reason=reason)


def _held(row: Record, proven: datetime | None) -> Held:
    cause = _cause(row["cause"], row["changed_at"], row["occurred_at"], row["event_id"], row["event_type"])
    prices = [price for price, _ in row["items"] if price is not None]
    offer = [row["offer_id"]] if row["offer_id"] is not None else []
    read = any(each.r for each in _versions.decode(row["sources"]).values())
    return Held(
        account=row["account"], id=row["id"], customer_id=row["customer_id"], status=row["status"] or "unknown",
        as_of=row["as_of"], price_ids=tuple(dict.fromkeys(offer + prices)), quantity=_quantity(row),
        collection_paused=bool(row["collection_paused"]), deleted=row["deleted_at"] is not None,
        cancels_at=row["cancels_at"], current_period_end=row["current_period_end"], past_due_since=_past_due_since(row),
        confirmed_at=proven, confirmed_by=_BY[cause.type] if read and cause is not None else "webhook", cause=cause,
    )  # fmt: skip


def _quantity(row: Record) -> int | None:
    return max((quantity for _, quantity in row["items"] if quantity is not None), default=None)


def _cause(
    cause: str | None, changed_at: datetime, occurred_at: datetime | None, event_id: str | None = None,
    event_type: str | None = None,
) -> Cause | None:  # fmt: skip
    """Of an event the provider's time counts; a run or a call has only ours."""
    if cause is None:
        return None
    kind, _, id_ = cause.partition(":")
    return Cause(type=kind, id=id_, event_id=event_id, event_type=event_type, at=occurred_at or changed_at)


def _past_due_since(row: Record) -> datetime | None:
    """When it became past due: the event's own time, where an event said so.

    A run or a call only finds it past due. Then it is the earlier of that moment and the start of the period that is
    unpaid, so that a copy that was filled anew gives no second grace; not every provider tells such a start.
    """
    if row["status"] != "past_due":
        return None
    cause = _cause(row["status_cause"], row["status_at"], row["status_occurred_at"])
    if cause is None:
        return None
    start: datetime | None = row["current_period_start"]
    if start is None or row["status_occurred_at"] is not None:
        return cause.at
    return min(cause.at, start)
