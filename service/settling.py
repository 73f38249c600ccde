"""Writes without an outcome: settled when they fall due, now, or by a person's word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import structlog

from service.account import Account
from service.calls import Calls
from service.errors import ConfigError
from service.model import Kind
from service.store import calls
from service.store.calls import Stored
from service.store.engine import Database

_KINDS: Final[Mapping[str, Kind]] = {
    "create_customer": "customer", "create_subscription": "subscription", "cancel_subscription": "subscription",
    "resume_subscription": "subscription", "change_plan": "subscription", "refund": "refund",
}  # fmt: skip
log = structlog.get_logger()


def settle_due(database: Database, accounts: Callable[[str], Account | None], *, limit: int = 20) -> int:
    """Settle open calls whose time has come, at most `limit` of each account that is configured here; how many were looked at."""
    now = database.now()
    with database.read() as connection:
        named = [accounts(name) for name in calls.due_accounts(connection, now)]
        here = [account for account in named if account is not None and account.readable]
        mine = [(id_, each) for each in here for id_ in calls.due(connection, now, account=each.name, limit=limit)]
    for id_, account in mine:
        Calls(database, account).settle(id_)
    return len(mine)


def settle_now(database: Database, accounts: Callable[[str], Account | None], call_id: str) -> Stored:
    """Look into one open call now, due or not; the call afterwards. Raises `ConfigError` for an unknown id or account."""
    call = _known(database, call_id)
    account = accounts(call.account)
    if account is None or not account.readable:
        raise ConfigError(f"account {call.account!r} is not configured here, or has no API key")
    Calls(database, account).settle(call_id)
    return _known(database, call_id)


def decide(database: Database, call_id: str, object_id: str | None) -> Stored:
    """A person's word for a call that needs review: done, as this object, or not done (None). Raises `ConfigError`."""
    call = _known(database, call_id)
    if call.status != "needs_review":
        raise ConfigError(f"call {call_id} is {call.status}; only one that needs review waits for a person's word")
    with database.write() as connection:
        if object_id is None:
            calls.void(connection, call_id, database.now(), "a person says that it was not done")
        else:
            calls.finish(
                connection, call_id, "done", database.now(), kind=_KINDS.get(call.operation), object_id=object_id
            )
    log.info("call.decided", call_id=call_id, operation=call.operation, object_id=object_id)
    return _known(database, call_id)


def _known(database: Database, call_id: str) -> Stored:
    with database.read() as connection:
        found = calls.get(connection, call_id)
    if found is None:
        raise ConfigError(f"there is no call {call_id}; see `tallyhook calls list`")
    return found
