"""However often the answer is lost or the process dies: one customer, one subscription, one charge, or a person is asked."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.billing_provider import Result, User
from service.errors import NotDone, ProviderError, TallyhookError, WriteError
from service.store import calls
from tests.billing.cases.base import Case, discover
from tests.billing.world import Died, Stage, World

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


def _attempt(world: World, trouble: Trouble, act: object) -> Result | None:
    """One call under its trouble; None where it has no result."""
    faults = world.case.sandbox.faults
    for name in trouble.faults:
        setattr(faults, name, getattr(faults, name) + 1)
    world.mortal.dies_at, world.mortal.after = trouble.dies_at, trouble.after
    try:
        return act()  # type: ignore[operator, no-any-return]
    except (Died, WriteError, ProviderError):
        return None
    finally:
        faults.reset()
        world.mortal.dies_at = None


def _until_known(
    world: World, key: str, act: object, schedule: dict[str, object], tries: list[Trouble]
) -> Result | None:
    """Call under every trouble in turn, let the workers settle, then ask by the same key until the outcome is known."""
    for trouble in tries:
        if (result := _attempt(world, trouble, act)) is not None:
            return result
        world.later(int(str(schedule["wait"])))
        if schedule["webhook_first"]:
            world.deliver()
    if schedule["settle_first"]:
        world.settle()
    for _ in range(4):
        found = world.call_of(key)
        if found is not None and found.status == "needs_review":
            return None
        try:
            return act()  # type: ignore[operator, no-any-return]
        except NotDone:
            continue
        except TallyhookError:
            world.settle()
    raise AssertionError(f"never known: {world.call_of(key)}")


def _check(world: World, case: Case, schedule: dict[str, object]) -> None:
    user = User(id="42", email="ada@example.com", name="Ada")
    customer = _until_known(
        world,
        "c",
        lambda: world.billing.create_customer(user, idempotency_key="c"),
        schedule,
        schedule["customer"],  # type: ignore[arg-type]
    )
    made = case.customers("42")
    assert len(made) <= 1, "two customers"
    if customer is None:
        assert not case.keyed
        return
    assert made == [customer.object_id]
    assert customer.object_id is not None
    case.can_pay(customer.object_id)
    subscribed = _until_known(
        world, "s", lambda: world.billing.create_subscription(customer.object_id, "pro", idempotency_key="s"),
        schedule, schedule["subscription"],  # type: ignore[arg-type]
    )  # fmt: skip
    assert case.started(customer.object_id) <= 1, "two subscriptions"
    if subscribed is None:
        assert not case.keyed
        return
    assert case.started(customer.object_id) == 1
    if subscribed.state == "pending_checkout":
        assert subscribed.url is not None
        case.check_out(subscribed.url, subscribed.object_id)
    assert len(case.subscriptions(customer.object_id)) == 1
    assert len(case.charges(customer.object_id)) == 1, "charged twice, or not at all"
    world.deliver()
    _one_row_each(world, customer.object_id)


def _one_row_each(world: World, customer_id: str) -> None:
    """The webhook and the answer, in whichever order, end in one row."""
    from sqlalchemy import select

    from service.store.tables import STATE

    table = STATE["subscription"]
    with world.system.database.read() as connection:
        rows = connection.execute(select(table.c.id, table.c.status, table.c.customer_id)).all()
        done = calls.listed(connection)
    assert [(row.status, row.customer_id) for row in rows] == [("active", customer_id)]
    assert {each.status for each in done} <= {"done", "pending_checkout"}


@pytest.mark.parametrize("provider", sorted(discover()))
def test_any_loss_and_any_death_leave_one_of_each(provider: str, stage: Stage, sqlite_url: str) -> None:
    """At least 300 schedules a provider on SQLite."""
    _property(provider, stage, sqlite_url, 300)


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
    def holds(schedule: dict[str, object]) -> None:
        stage.case = make()
        world.renew(stage.case)
        _check(world, stage.case, schedule)

    try:
        holds()
    finally:
        world.close()
