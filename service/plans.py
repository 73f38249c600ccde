"""Plans: what is sold, what it allows, and which prices at which account mean it. Read once, at start."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, TypeAlias

import msgspec

from service import catalogue, iso4217
from service.catalogue import Document, Steps
from service.errors import BadRequest, ConfigError
from service.model import Payment, Subscription
from service.refunds import Allowance, Paid, Period, RefundPolicy, refundable

UNLIMITED: Final = "unlimited"
_AMOUNT: Final = re.compile(r"(?P<amount>[0-9]{1,18}) (?P<unit>[A-Za-z%]{1,20})")
_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MOST: Final = 2**53
Ids: TypeAlias = str | tuple[str, ...]
"""One price id or several: new subscriptions take the first, all of them mean the plan."""


class Limit(msgspec.Struct, frozen=True):
    """How much of something: a whole number with its unit as it was written, or `unlimited`."""

    amount: int | Literal["unlimited"]
    unit: str | None = None

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}" if self.unit else str(self.amount)


class Money(msgspec.Struct, frozen=True):
    """An amount in ISO 4217 minor units."""

    amount: int
    currency: str

    def __str__(self) -> str:
        return iso4217.shown(self.amount, self.currency)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One plan. `price` has one entry a currency, and none where it is agreed in a contract (`custom`); `rank` grows from
    the least plan to the best.
    """

    id: str
    name: str
    rank: int
    price: tuple[Money, ...]
    interval: str
    limits: dict[str, Limit]
    features: dict[str, bool]

    @property
    def free(self) -> bool:
        """True where it costs nothing."""
        return bool(self.price) and all(each.amount == 0 for each in self.price)


class _Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan as the file has it; docs/plans.md explains the keys."""

    name: str
    price: dict[str, Decimal] | Literal["custom"]
    interval: Literal["day", "week", "month", "year"] = "month"
    limits: dict[str, int | str] = {}
    features: dict[str, bool] = {}
    prices: dict[str, Ids | dict[str, Ids]] = {}
    refunds: RefundPolicy | None = None


class Access(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[entitlements]` table: when a subscription still counts, and what there is without one."""

    past_due_grace_days: int = 7
    default_plan: str | None = None
    webhook_only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a span that no calendar holds."""
        if not 0 <= self.past_due_grace_days <= 3650:
            raise ValueError("past_due_grace_days: expected days from 0 to 3650")

    @property
    def grace(self) -> timedelta:
        """How long a past-due subscription keeps its plan."""
        return timedelta(days=self.past_due_grace_days)


class Plans:
    """The plans of one process, least first. Immutable; safe to share between threads."""

    def __init__(
        self, plans: Iterable[Plan], access: Access, prices: Mapping[str, Mapping[str, str]],
        sold: Mapping[tuple[str, str], Mapping[str, str]], policies: Mapping[str | None, RefundPolicy],
    ) -> None:  # fmt: skip
        self.by_id: Mapping[str, Plan] = {plan.id: plan for plan in plans}
        self.access = access
        self.default = _default(self.by_id.values(), access)
        self._prices = prices
        self._sold = sold
        self._policies = policies

    def plan_of(self, account: str, price_id: str) -> str | None:
        """The plan that a price means at an account; None where no plan names it."""
        return self._prices.get(account, {}).get(price_id)

    def all_price_ids(self, account: str) -> frozenset[str]:
        """Every price of any plan at this account."""
        return frozenset(self._prices.get(account, ()))

    def price_ids(self, account: str, plan_id: str, currency: str | None = None) -> tuple[str, ...]:
        """The price that a new subscription to a plan takes. Raises `BadRequest` that names what is missing.

        Without a `currency` it is the account's only price, or the one in the currency that the plan names first.
        """
        if plan_id not in self.by_id:
            raise BadRequest(f"there is no plan {plan_id!r}; known: {', '.join(self.by_id)}")
        sold = self._sold.get((account, plan_id))
        if not sold:
            raise BadRequest(
                f"plan {plan_id!r} has no price at account {account!r}; set plans.{plan_id}.prices.{account}"
            )
        found = self._chosen(self.by_id[plan_id], sold, currency)
        if found is None:
            raise BadRequest(f"plan {plan_id!r} at account {account!r} is sold in {', '.join(sold)}, not in {currency}")
        return (found,)

    def policy(self, plan_id: str | None) -> RefundPolicy:
        """The refund policy of a plan, or the one that holds for all others."""
        return self._policies.get(plan_id) or self._policies[None]

    def refundable(
        self, payment: Payment, refunded: int, subscription: Subscription | None, plan_id: str | None, now: datetime
    ) -> Allowance:
        """What may be given back of a payment of which `refunded` was given back already. Pure."""
        amount = payment.amount_paid if payment.amount_paid is not None else payment.amount or 0
        paid = Paid(amount=amount, currency=payment.currency or "", at=payment.paid_at, refunded=refunded)
        period = Period()
        if subscription is not None:
            period = Period(subscription.current_period_start, subscription.current_period_end)
        return refundable(self.policy(plan_id), paid, period, now)

    @staticmethod
    def _chosen(plan: Plan, sold: Mapping[str, str], currency: str | None) -> str | None:
        if currency is None and len(sold) > 1:
            currency = next((each.currency for each in plan.price if each.currency in sold), next(iter(sold)))
        if currency is None:
            return next(iter(sold.values()))
        return sold.get(currency) or sold.get("")


def load(document: Document, accounts: Iterable[str]) -> Plans:
    """The plans of a document, or the built-in ones where it has none. Raises `ConfigError` that names file, line and key.

    A price may mean only one plan at an account, since a subscription to it must mean only one.
    """
    names = tuple(accounts)
    source = catalogue.having(document, "plans")
    specs = catalogue.convert(source, "plans", dict[str, _Spec])
    plans = [_plan(source, id_, rank, spec) for rank, (id_, spec) in enumerate(specs.items())]
    _same_limits(source, plans)
    _known_accounts(source, specs, names)
    policy = catalogue.convert(catalogue.having(document, "refunds"), "refunds", RefundPolicy)
    policies: dict[str | None, RefundPolicy] = {None: policy}
    policies |= {id_: spec.refunds for id_, spec in specs.items() if spec.refunds is not None}
    return Plans(plans, _access(document, plans, names), _prices(source, specs), _sold(specs), policies)


def _plan(source: Document, id_: str, rank: int, spec: _Spec) -> Plan:
    steps: Steps = ("plans", id_)
    if not _ID.fullmatch(id_):
        raise source.error(steps, "expected an id of lower-case letters, digits, - and _, at most 64")
    price = {} if spec.price == "custom" else spec.price
    if spec.price != "custom" and not price:
        raise source.error((*steps, "price"), 'expected a price by currency, such as { USD = 19 }, or "custom"')
    features = {name: False for other in source.tables["plans"].values() for name in other.get("features", ())}
    return Plan(
        id=id_, name=spec.name, rank=rank, interval=spec.interval,
        price=tuple(_money(source, (*steps, "price"), code, amount) for code, amount in price.items()),
        limits={name: _limit(source, (*steps, "limits", name), value) for name, value in spec.limits.items()},
        features=features | spec.features,
    )  # fmt: skip


def _money(source: Document, steps: Steps, currency: str, amount: Decimal) -> Money:
    _check_currency(source, (*steps, currency), currency)
    minor = amount.scaleb(iso4217.decimals(currency))
    if not minor.is_finite() or minor != minor.to_integral_value() or not 0 <= minor <= _MOST:
        raise source.error(
            (*steps, currency), f"expected an amount from 0 with at most {iso4217.decimals(currency)} decimals"
        )
    return Money(int(minor), currency)


def _limit(source: Document, steps: Steps, value: int | str) -> Limit:
    if value == UNLIMITED:
        return Limit(UNLIMITED)
    found = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    amount = int(found["amount"]) if found else value
    if not isinstance(amount, int) or not 0 <= amount <= _MOST:
        raise source.error(steps, 'expected a whole number, a number with a unit such as "10 GB", or "unlimited"')
    return Limit(amount, found["unit"] if found else None)


def _same_limits(source: Document, plans: list[Plan]) -> None:
    """Every plan says how much of everything: a limit left out could mean nothing or everything."""
    for plan in plans:
        for other in plans:
            for name in other.limits:
                if name not in plan.limits:
                    steps = ("plans", plan.id, "limits", name)
                    raise source.error(
                        steps, f"missing; plan {other.id!r} has it, so every plan must (0, or {UNLIMITED!r})"
                    )


def _known_accounts(source: Document, specs: Mapping[str, _Spec], accounts: tuple[str, ...]) -> None:
    for id_, spec in specs.items():
        for account, given in spec.prices.items():
            steps: Steps = ("plans", id_, "prices", account)
            if account not in accounts:
                known = ", ".join(accounts) or "none is configured"
                raise source.error(steps, f"there is no account of this name; known: {known}")
            for currency in given if isinstance(given, dict) else ():
                _check_currency(source, (*steps, currency), currency)


def _check_currency(source: Document, steps: Steps, currency: str) -> None:
    try:
        iso4217.check(currency)
    except ConfigError as error:
        raise source.error(steps, str(error)) from None


def _prices(source: Document, specs: Mapping[str, _Spec]) -> dict[str, dict[str, str]]:
    """By account, which plan a price means."""
    found: dict[str, dict[str, str]] = {}
    for id_, spec in specs.items():
        for account, steps, price_id in _named(id_, spec):
            if not price_id:
                raise source.error(steps, "expected a price id, not an empty text")
            named = found.setdefault(account, {})
            if price_id in named:
                raise source.error(steps, f"price {price_id!r} means plan {named[price_id]!r} already; name it once")
            named[price_id] = id_
    return found


def _named(plan_id: str, spec: _Spec) -> Iterator[tuple[str, Steps, str]]:
    """(account, where it stands, price id) of every price of a plan."""
    for account, given in spec.prices.items():
        steps: Steps = ("plans", plan_id, "prices", account)
        tables = given.items() if isinstance(given, dict) else ((None, given),)
        for currency, ids in tables:
            at: Steps = (*steps, currency) if currency is not None else steps
            several = isinstance(ids, tuple)
            yield from ((account, (*at, n) if several else at, each) for n, each in enumerate(_tuple(ids)))


def _sold(specs: Mapping[str, _Spec]) -> dict[tuple[str, str], dict[str, str]]:
    """By account and plan, the price of new subscriptions by currency ("" where the account does not tell them apart)."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for id_, spec in specs.items():
        for account, given in spec.prices.items():
            tables = given if isinstance(given, dict) else {"": given}
            found[account, id_] = {code: ids[0] for code, each in tables.items() if (ids := _tuple(each))}
    return found


def _tuple(ids: Ids) -> tuple[str, ...]:
    return (ids,) if isinstance(ids, str) else ids


def _access(document: Document, plans: list[Plan], accounts: tuple[str, ...]) -> Access:
    source = catalogue.having(document, "entitlements")
    access = catalogue.convert(source, "entitlements", Access)
    if access.default_plan is not None and access.default_plan not in {plan.id for plan in plans}:
        known = ", ".join(plan.id for plan in plans)
        raise source.error(("entitlements", "default_plan"), f"there is no plan of this id; known: {known}")
    for index, name in enumerate(access.webhook_only):
        if name not in accounts:
            raise source.error(("entitlements", "webhook_only", index), f"there is no account {name!r}")
    return access


def _default(plans: Iterable[Plan], access: Access) -> Plan | None:
    """The plan of who has no other: the one that is named, else the least that costs nothing."""
    if access.default_plan is not None:
        return next(plan for plan in plans if plan.id == access.default_plan)
    return next((plan for plan in plans if plan.free), None)
