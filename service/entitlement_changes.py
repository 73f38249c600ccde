"""The history of plans: whenever somebody's plan has become another, a `state_change` of kind `entitlement` says so.

What changes a subscription leaves a note (`service.store.rechecks`) in its own transaction; the worker derives the plan anew
from what is committed then, compares it with the one that the history last names, and writes the difference. Time changes
plans too, without any event: the end of a grace period, a cancelled period used up. For these a note with a later date is
left. A customer whose user becomes known is left with the plan null: from then on it is told of the user. Nothing reads a
plan from this history; an answer is always derived (`service.entitlements`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from service.entitled import Entitlements
from service.entitlements import Entitled
from service.store import feed, rechecks
from service.store.engine import Database
from service.store.rechecks import Check, Subject
from service.store.subscribed import Asked

CLOCK: Final = "clock"
"""The cause of what only time has changed."""
_LIMIT: Final = 100
# What can't be told yet (no complete run, an unknown price) is looked at again without any event.
_AGAIN: Final = timedelta(hours=1)
log = structlog.get_logger()


class PlanHistory:
    """Works off the notes, a batch a step. Several processes may try: one at a time does."""

    def __init__(self, database: Database, entitled: Entitled, accounts: Sequence[str]) -> None:
        self._database = database
        self._entitled = entitled
        self._accounts = tuple(accounts)

    def step(self) -> int:
        """Take what is due; how many subjects were looked at. Zero where nothing is due, or another process is at it."""
        now = self._database.now()
        with self._database.read() as connection:
            if not rechecks.any_due(connection, now):
                return 0
        with self._database.write() as connection:
            if not rechecks.alone(connection):
                return 0
            return self._work_off(connection, now)

    def _work_off(self, connection: Connection, now: datetime) -> int:
        noted = rechecks.take(connection, now, _LIMIT)
        checks = rechecks.of_users(connection, noted)
        subjects = [each.subject for each in checks]
        asked = [Asked(user_id=each.user_id, account=each.account, customer_id=each.customer_id) for each in subjects]
        answers = self._entitled.several(connection, asked, now)
        moved = [each for each in noted if each.subject not in subjects]
        before = rechecks.recorded(connection, self._accounts, [*subjects, *(each.subject for each in moved)])
        changes = [
            _change(check, before.get(check.subject), answer.plan, now)
            for check, answer in zip(checks, answers, strict=True)
            if _known(answer) and (check.subject not in before or before[check.subject] != answer.plan)
        ]
        changes += [_change(each, plan, None, now) for each in moved if (plan := before.get(each.subject)) is not None]
        feed.append(connection, changes)
        rechecks.stop_timers(connection, [*subjects, *(each.subject for each in noted)])
        for check, answer in zip(checks, answers, strict=True):
            self._wait(connection, check, answer, now)
        return len(noted)

    def _wait(self, connection: Connection, check: Check, answer: Entitlements, now: datetime) -> None:
        until = answer.valid_until
        if not _known(answer):
            until = min(until or now + _AGAIN, now + _AGAIN)
            log.warning("entitlement.unknown", account=check.account, state=answer.state, prices=answer.unknown_prices)
        if until is not None:
            rechecks.add(connection, [Check(check.subject, check.account, CLOCK)], until, timer=True)


def _known(answer: Entitlements) -> bool:
    return answer.state in ("subscribed", "default")


def _change(check: Check, old: str | None, new: str | None, now: datetime) -> dict[str, Any]:
    subject: Subject = check.subject
    return {
        "account": check.account, "kind": "entitlement", "object_id": subject.user_id or subject.customer_id,
        "field": "plan", "old": old, "new": new, "cause": check.cause, "at": now,
    }  # fmt: skip
