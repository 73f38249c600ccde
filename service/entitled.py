"""What subscriptions entitle to: judged purely, from what the copy holds and how well it is proven.

`judge` says whether one subscription counts, `derive` which plan follows from all of them. Both are functions of their
arguments alone; `service.entitlements` gathers these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from service.moments import utc
from service.plans import Access, Limit, Plans

State = Literal["subscribed", "default", "unknown_price", "unknown_status", "not_synced"]
ConfirmedBy = Literal["webhook", "reconcile", "call"]
Standing = Literal[
    "active", "trialing", "cancels_at_period_end", "past_due_grace", "collection_paused",
    "grace_over", "period_over", "paused", "unpaid", "incomplete", "expired_incomplete", "ended", "deleted", "unknown_status",
]  # fmt: skip
_DEAD: Final = ("unpaid", "incomplete", "expired_incomplete", "ended")


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """What brought a change: `event`, `run` or `call`, its number, the provider's event, and the provider's time of it."""

    type: str
    id: str
    event_id: str | None = None
    event_type: str | None = None
    at: datetime


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription as the copy holds it. `past_due_since` is known where it is past due."""

    account: str
    id: str
    customer_id: str | None
    status: str
    as_of: datetime
    price_ids: tuple[str, ...] = ()
    quantity: int | None = None
    collection_paused: bool = False
    deleted: bool = False
    cancels_at: datetime | None = None
    current_period_end: datetime | None = None
    past_due_since: datetime | None = None
    confirmed_at: datetime | None = None
    confirmed_by: ConfirmedBy = "webhook"
    cause: Cause | None = None


class Sync(msgspec.Struct, frozen=True, kw_only=True):
    """How far one account's copy is proven. `synced`: a complete pass has read all of its customers and subscriptions (or
    its webhooks are trusted to be all there is); `confirmed_at` is when the last whole one began.
    """

    account: str
    synced: bool
    confirmed_at: datetime | None = None
    reason: str | None = None


class Considered(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription and what it comes to. `until` is when it stops counting (or being a riddle) by itself."""

    account: str
    subscription_id: str
    customer_id: str | None
    status: str
    counts: bool
    standing: Standing
    plan: str | None
    price_ids: tuple[str, ...]
    quantity: int | None
    until: datetime | None
    as_of: datetime
    confirmed_at: datetime
    confirmed_by: ConfirmedBy
    cause: Cause | None


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    """How old the evidence is: the provider's time of the newest word on it, and who brought that word."""

    as_of: datetime | None
    confirmed_at: datetime | None
    confirmed_by: ConfirmedBy | None


class Entitlements(msgspec.Struct, frozen=True, kw_only=True):
    """What may be used now, and why.

    `plan` is None where that is not known (`state` says why) or where there is no default plan. `valid_until` is when the
    answer changes by itself. Limits and features are those of the one best plan; nothing is merged.
    """

    state: State
    plan: str | None
    plan_name: str | None
    limits: dict[str, Limit]
    features: dict[str, bool]
    explanation: str
    why: Considered | None
    freshness: Freshness
    valid_until: datetime | None
    unknown_prices: tuple[str, ...]
    considered: tuple[Considered, ...]
    accounts: tuple[Sync, ...]


def judge(held: Held, access: Access, now: datetime) -> tuple[bool, Standing, datetime | None]:
    """Does this subscription count at `now`, how does it stand, and until when does it count by itself?

    A period that is paid for is used up: a cancelled subscription counts until `cancels_at`, not beyond it, even where the
    event of its end never came. Where only the collection is paused, the service goes on.
    """
    if held.deleted:
        return False, "deleted", None
    for dead in _DEAD:
        if held.status == dead:
            return False, dead, None
    if held.cancels_at is not None and held.cancels_at <= now:
        return False, "period_over", None
    if held.status == "past_due":
        return _past_due(held, access, now)
    if held.status == "paused":
        return (True, "collection_paused", held.cancels_at) if held.collection_paused else (False, "paused", None)
    if held.status == "trialing":
        return True, "trialing", held.cancels_at
    if held.status == "active":
        return True, "cancels_at_period_end" if held.cancels_at is not None else "active", held.cancels_at
    return False, "unknown_status", held.cancels_at


def _past_due(held: Held, access: Access, now: datetime) -> tuple[bool, Standing, datetime | None]:
    until = (held.past_due_since or held.as_of) + access.grace
    if until <= now:
        return False, "grace_over", None
    return True, "past_due_grace", min(until, held.cancels_at) if held.cancels_at is not None else until


def derive(plans: Plans, subscriptions: Iterable[Held], accounts: Sequence[Sync], now: datetime) -> Entitlements:
    """The plan that follows from these subscriptions; `accounts` are all in which there could be others.

    The best plan of those that count wins, whatever the order. A better plan than the default one is an answer wherever it
    was found; that there is none is an answer only where every account is synced and no live subscription is a riddle.
    """
    considered = sorted(
        (_considered(plans, held, now) for held in subscriptions), key=lambda each: (each.account, each.subscription_id)
    )
    best = max((each for each in considered if each.counts and each.plan is not None), key=_worth(plans), default=None)
    state = _state(plans, best, considered, accounts)
    best = best if state == "subscribed" else None
    plan = plans.by_id[best.plan] if best is not None and best.plan is not None else None
    plan = plans.default if state == "default" else plan
    return Entitlements(
        state=state, plan=plan.id if plan else None, plan_name=plan.name if plan else None, limits=plan.limits if plan else {},
        features=plan.features if plan else {}, explanation=_explained(state, best, considered, accounts), why=best,
        freshness=_freshness(state, best, accounts), valid_until=_valid_until(considered),
        unknown_prices=_unknown_prices(considered), considered=tuple(considered), accounts=tuple(accounts),
    )  # fmt: skip


def unnamed(considered: Considered) -> bool:
    """True for a subscription that counts and whose prices no plan names."""
    return considered.counts and considered.plan is None


def _considered(plans: Plans, held: Held, now: datetime) -> Considered:
    counts, standing, until = judge(held, plans.access, now)
    named = [plan for each in held.price_ids if (plan := plans.plan_of(held.account, each)) is not None]
    return Considered(
        account=held.account, subscription_id=held.id, customer_id=held.customer_id, status=held.status, counts=counts,
        standing=standing, plan=max(named, key=lambda id_: plans.by_id[id_].rank, default=None), price_ids=held.price_ids,
        quantity=held.quantity, until=until, as_of=held.as_of, confirmed_at=max(held.as_of, held.confirmed_at or held.as_of),
        confirmed_by="reconcile" if (held.confirmed_at or held.as_of) > held.as_of else held.confirmed_by, cause=held.cause,
    )  # fmt: skip


def _worth(plans: Plans) -> Callable[[Considered], tuple[int, bool, float, str, str]]:
    """Best plan first, then what lasts longest; ids only make it one answer."""

    def worth(each: Considered) -> tuple[int, bool, float, str, str]:
        ends = each.until.timestamp() if each.until is not None else 0.0
        return _rank(plans, each), each.until is None, ends, each.account, each.subscription_id

    return worth


def _rank(plans: Plans, each: Considered) -> int:
    return plans.by_id[each.plan].rank if each.plan is not None else -1


def _state(plans: Plans, best: Considered | None, considered: Sequence[Considered], accounts: Sequence[Sync]) -> State:
    least = plans.default.rank if plans.default is not None else -1
    if best is not None and _rank(plans, best) > least:
        return "subscribed"
    if any(unnamed(each) for each in considered):
        return "unknown_price"
    if any(each.standing == "unknown_status" for each in considered):
        return "unknown_status"
    if not accounts or not all(each.synced for each in accounts):
        return "not_synced"
    return "subscribed" if best is not None and _rank(plans, best) == least else "default"


def _explained(
    state: State, best: Considered | None, considered: Sequence[Considered], accounts: Sequence[Sync]
) -> str:
    if best is not None:
        return f"{_told(best)}{_since(best.cause)}"
    if state == "unknown_price":
        each = next(each for each in considered if unnamed(each))
        prices = ", ".join(each.price_ids) or "a price that it does not tell"
        return f"{_told(each)}, but no plan names {prices}: add it to a plan's prices.{each.account}"
    if state == "unknown_status":
        each = next(each for each in considered if each.standing == "unknown_status")
        return f"{_told(each)}, a status that is not known here"
    if state == "not_synced":
        reasons = [f"{each.account}: {each.reason}" for each in accounts if not each.synced]
        return f"not every account is known to be complete ({'; '.join(reasons) or 'none is configured'})"
    others = f"; {len(considered)} considered: {', '.join(map(_told, considered))}" if considered else ""
    # A plan below the default one gives less than what everybody has.
    counting = any(each.counts for each in considered)
    none = (
        "no subscription that counts has a better plan than the default one" if counting else "no subscription counts"
    )
    return f"{none}, and every account is synced{others}"


def _told(each: Considered) -> str:
    until = f" until {utc(each.until)}" if each.counts and each.until is not None else ""
    return f"subscription {each.subscription_id} ({each.account}) is {each.status} ({each.standing}{until})"


def _since(cause: Cause | None) -> str:
    if cause is None:
        return ""
    words = {"run": f"reconcile run {cause.id}", "call": f"our own call {cause.id}"}
    event = f"event {cause.event_id or cause.id}" + (f" ({cause.event_type})" if cause.event_type else "")
    return f" because of {words.get(cause.type, event)} at {utc(cause.at)}"


def _freshness(state: State, best: Considered | None, accounts: Sequence[Sync]) -> Freshness:
    """Of the subscription that decided; that there is none is as fresh as the account that was proven longest ago."""
    if best is not None:
        return Freshness(as_of=best.as_of, confirmed_at=best.confirmed_at, confirmed_by=best.confirmed_by)
    times = [each.confirmed_at for each in accounts]
    if state != "default" or None in times:
        return Freshness(as_of=None, confirmed_at=None, confirmed_by="webhook" if state == "default" else None)
    oldest = min(each for each in times if each is not None)
    return Freshness(as_of=oldest, confirmed_at=oldest, confirmed_by="reconcile")


def _valid_until(considered: Iterable[Considered]) -> datetime | None:
    return min((each.until for each in considered if each.until is not None), default=None)


def _unknown_prices(considered: Iterable[Considered]) -> tuple[str, ...]:
    return tuple(f"{each.account}:{id_}" for each in considered if unnamed(each) for id_ in each.price_ids or ("?",))
