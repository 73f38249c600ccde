"""However often the answer is lost or the process dies: one customer, one subscription, one charge, or a person is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from service.billing_provider import Result
from service.errors import NotDone, ProviderError, TallyhookError, WriteError
from service.store import calls
from service.store.tables import STATE
from service.write_port import User
from tests.billing.cases.base import Case, discover
from tests.billing.shop import bought, payments, signed_up, subscription
from tests.billing.world import Died, Stage, World

Act = Callable[[], Result]
FAULTS = ("rate_limited", "server_error", "server_error_after", "connection_reset", "connection_reset_after")


@dataclass(frozen=True)
class Trouble:
    """What goes wrong during one call: faults of the provider's answers, or the process's death at one of its writes."""

    faults: tuple[str, ...] = ()
    dies_at: int | None = None
    after: bool = False


troubles = st.one_of(
    st.builds(Trouble, faults=st.lists(st.sampled_from(FAULTS), max_size=5).map(tuple)),
    st.builds(Trouble, dies_at=st.integers(1, 3), after=st.booleans()),
    st.builds(
        Trouble, faults=st.lists(st.sampled_from(FAULTS), max_size=2).map(tuple), dies_at=st.integers(1, 3),
        after=st.booleans(),
    ),
)  # fmt: skip
schedules = st.fixed_dictionaries(
    {
        "customer": st.lists(troubles, min_size=1, max_size=3),
        "subscription": st.lists(troubles, min_size=1, max_size=3),
        "settle_first": st.booleans(),
        "webhook_first": st.booleans(),
        "wait": st.sampled_from([0, 30, 120, 1_200, 90_000]),
    }
)


def _attempt(world: World, trouble: Trouble, act: Act) -> Result | None:
    """One call under its trouble; None where it has no result."""
    faults = world.case.sandbox.faults
    for name in trouble.faults:
        setattr(faults, name, getattr(faults, name) + 1)
    world.mortal.dies_at, world.mortal.after = trouble.dies_at, trouble.after
    try:
        return act()
    except (Died, WriteError, ProviderError):
        return None
    finally:
        faults.reset()
        world.mortal.dies_at = None


def _until_known(world: World, key: str, act: Act, schedule: dict[str, Any], tries: list[Trouble]) -> Result | None:
    """Call under every trouble in turn, let the workers settle, then ask by the same key until the outcome is known."""
    for trouble in tries:
        if (result := _attempt(world, trouble, act)) is not None:
            return result
        world.later(schedule["wait"])
        if schedule["webhook_first"]:
            world.deliver()
    if schedule["settle_first"]:
        world.settle()
    for _ in range(4):
        found = world.call_of(key)
        if found is not None and found.status == "needs_review":
            return None
        try:
            return act()
        except NotDone:
            continue
        except TallyhookError:
            world.settle()
    raise AssertionError(f"never known: {world.call_of(key)}")


def _check(world: World, case: Case, schedule: dict[str, Any]) -> None:
    user = User(id="42", email="ada@example.com", name="Ada")
    create = partial(world.billing.create_customer, user, idempotency_key="c")
    customer = _until_known(world, "c", create, schedule, schedule["customer"])
    made = case.customers("42")
    assert len(made) <= 1, "two customers"
    if customer is None:
        assert not case.keyed
        return
    assert made == [customer.object_id]
    customer_id = made[0]
    case.can_pay(customer_id)
    subscribe = partial(world.billing.create_subscription, customer_id, "pro", idempotency_key="s")
    subscribed = _until_known(world, "s", subscribe, schedule, schedule["subscription"])
    assert case.started(customer_id) <= 1, "two subscriptions"
    if subscribed is None:
        assert not case.keyed
        return
    assert case.started(customer_id) == 1
    if subscribed.state == "pending_checkout":
        assert subscribed.url is not None
        case.check_out(subscribed.url, subscribed.object_id)
    assert len(case.subscriptions(customer_id)) == 1
    assert len(case.charges(customer_id)) == 1, "charged twice, or not at all"
    world.deliver()
    _one_row_each(world, customer_id)


def _one_row_each(world: World, customer_id: str) -> None:
    """The webhook and the answer, in whichever order, end in one row."""
    table = STATE["subscription"]
    with world.system.database.read() as connection:
        rows = connection.execute(select(table.c.id, table.c.status, table.c.customer_id)).all()
        done = calls.listed(connection)
    assert [(row.status, row.customer_id) for row in rows] == [("active", customer_id)]
    assert {each.status for each in done} <= {"done", "pending_checkout"}


@pytest.mark.long
@pytest.mark.parametrize("provider", sorted(discover()))
def test_any_loss_and_any_death_leave_one_of_each(provider: str, stage: Stage, sqlite_url: str) -> None:
    """At least 300 schedules a provider on SQLite."""
    _property(provider, stage, sqlite_url, 300)


@pytest.mark.long
@pytest.mark.parametrize("provider", sorted(discover()))
def test_the_same_on_postgresql(provider: str, stage: Stage, postgres_url: str) -> None:
    """Fewer, since the rule is the same."""
    _property(provider, stage, postgres_url, 40)


def _property(provider: str, stage: Stage, database_url: str, examples: int) -> None:
    make = discover()[provider]
    stage.case = make()
    world = World(stage.case, database_url, stage.url)

    @settings(max_examples=examples, derandomize=True, deadline=None, database=None)
    @given(schedule=schedules)
    def holds(schedule: dict[str, Any]) -> None:
        stage.case = make()
        world.renew(stage.case)
        _check(world, stage.case, schedule)

    try:
        holds()
    finally:
        world.close()


_ONE_EACH = [Trouble(faults=(each,)) for each in FAULTS]
_ONE_EACH += [Trouble(dies_at=at, after=after) for at in (1, 2) for after in (False, True)]


@pytest.mark.parametrize(
    "trouble", _ONE_EACH, ids=lambda each: f"{'-'.join(each.faults)}{each.dies_at or ''}{each.after or ''}"
)
@pytest.mark.parametrize("operation", ["refund", "cancel", "change_plan"])
def test_what_changes_a_subscription_or_gives_money_back_happens_once(
    world: World, operation: str, trouble: Trouble
) -> None:
    """Each fault and each death once, then the same key until the outcome is known: done exactly once."""
    case = world.case
    customer_id, subscription_id = signed_up(world)
    payment = payments(world, customer_id)[0]
    acts: dict[str, Act] = {
        "refund": partial(world.billing.refund, payment, amount=500, idempotency_key="k"),
        "cancel": partial(world.billing.cancel_subscription, subscription_id, at_period_end=True, idempotency_key="k"),
        "change_plan": partial(
            world.billing.change_plan, subscription_id, "team", proration="none", idempotency_key="k"
        ),
    }
    schedule = {"wait": 120, "webhook_first": False, "settle_first": True}
    result = _until_known(world, "k", acts[operation], schedule, [trouble])
    assert result is not None
    world.deliver()
    held = subscription(world, subscription_id)
    assert sum(case.refunds(payment)) == (500 if operation == "refund" else 0)
    assert (held.cancels_at is not None) == (operation == "cancel")
    assert (world.prices["team"] in bought(held)) == (operation == "change_plan")
