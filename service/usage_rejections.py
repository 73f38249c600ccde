"""Usage that a provider took and refused afterwards."""

from __future__ import annotations

from service.account import Account
from service.store import usage_batches
from service.store.engine import Database


def rejected(database: Database, account: Account, payload: bytes) -> tuple[int, int]:
    """Mark the batches that an event of `Mapped.rejects_usage` names: how many are ours, of how many it names.

    Other software may tell usage of the same account. Raises `ProviderError`.
    """
    reasons = {each.identifier: each.reason for each in account.meter().rejections(payload)}
    with database.write() as connection:
        return usage_batches.reject(connection, account.name, reasons), len(reasons)
