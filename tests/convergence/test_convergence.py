"""The law: any delivery of a history gives the same state as its delivery in order, and that is the provider's state.

Over every provider. Deliveries come in any order and number, some while the history is still under way, so that a read
may show a state between two events.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.convergence.business import Business, Step
from tests.convergence.copy import Copy
from tests.convergence.lemonsqueezy import LemonSqueezyBusiness
from tests.convergence.paddle import PaddleBusiness
from tests.convergence.stripe import StripeBusiness

# A failing history is shown as it was drawn: shrinking plays thousands more, and takes longer than the whole suite.
PLAIN: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": (Phase.explicit, Phase.reuse, Phase.generate),
}
pytestmark = pytest.mark.long
shuffles = st.integers(0, 2**32).map(random.Random)


def _parts(stripe: int) -> list[Any]:
    """Each provider's business once, Stripe's so many times."""
    each: list[tuple[type[Business], int]] = [(StripeBusiness, part) for part in range(stripe)]
    each += [(PaddleBusiness, 0), (LemonSqueezyBusiness, 0)]
    return [pytest.param(kind, part, id=f"{kind.provider}-{part}") for kind, part in each]


def scrambled(bodies: list[bytes], shuffle: random.Random) -> list[bytes]:
    """Every body at least once, a third of them twice, in any order."""
    copies = bodies + shuffle.sample(bodies, k=len(bodies) // 3)
    shuffle.shuffle(copies)
    return copies


def converges(copy: Copy[Any], history: list[Step], shuffle: random.Random) -> None:
    """Deliver everything scrambled, some of it while the history is still under way, and compare with the provider."""
    business, at_once = copy.begin(), shuffle.choice((1, 5, 1000))
    cut = shuffle.randrange(len(history) + 1)
    business.play(history[:cut])
    waiting = scrambled(business.sent(), shuffle)
    early = shuffle.randrange(len(waiting) + 1)
    copy.deliver(waiting[:early], at_once=at_once)
    business.play(history[cut:])
    copy.deliver(scrambled(waiting[early:] + business.sent(), shuffle), at_once=at_once)
    copy.settle()
    truth, untold = copy.told_truth()
    assert {key: row for key, row in copy.rows().items() if key not in untold} == truth
    assert copy.money() == business.money()
    assert copy.underived() == []
    # Each event is stored once, under whatever id it came again, and every delivery is counted on it.
    assert len(copy.deliveries()) == business.happened()
    assert sum(copy.deliveries()) == len(copy.told)


@pytest.mark.parametrize(("on_sqlite", "part"), _parts(3), indirect=["on_sqlite"])
@given(data=st.data(), shuffle=shuffles)
@settings(max_examples=170, **PLAIN)
def test_any_order_and_any_number_of_copies_give_the_providers_state(
    on_sqlite: Copy[Any], part: int, data: st.DataObject, shuffle: random.Random
) -> None:
    converges(on_sqlite, data.draw(on_sqlite.kind.histories(part)), shuffle)


@pytest.mark.database
@pytest.mark.parametrize(("on_postgres", "part"), _parts(2), indirect=["on_postgres"])
@given(data=st.data(), shuffle=shuffles)
@settings(max_examples=50, **PLAIN)
def test_any_order_gives_the_providers_state_on_postgresql(
    on_postgres: Copy[Any], part: int, data: st.DataObject, shuffle: random.Random
) -> None:
    converges(on_postgres, data.draw(on_postgres.kind.histories(part)), shuffle)


@pytest.mark.parametrize(("keyless", "part"), _parts(1), indirect=["keyless"])
@given(data=st.data(), shuffle=shuffles)
@settings(max_examples=150, **PLAIN)
def test_without_an_api_key_two_orders_give_one_state(
    keyless: Copy[Any], part: int, data: st.DataObject, shuffle: random.Random
) -> None:
    business = keyless.begin()
    business.play(data.draw(keyless.kind.histories(part)))
    bodies, states = business.sent(), []
    for _ in range(2):
        keyless.clear()
        keyless.deliver(scrambled(bodies, shuffle), at_once=shuffle.choice((1, 5, 1000)))
        keyless.settle()
        states.append((keyless.rows(), keyless.money()))
    assert states[0] == states[1]


def heals(copy: Copy[Any], history: list[Step], shuffle: random.Random) -> None:
    """Lose any part of a history, run the reconciler once, and compare; a second run finds and writes nothing."""
    business, at_once = copy.begin(), shuffle.choice((1, 5, 1000))
    cut = shuffle.randrange(len(history) + 1)
    for steps in (history[:cut], history[cut:]):
        business.play(steps)
        bodies = scrambled(business.sent(), shuffle)
        copy.deliver(shuffle.sample(bodies, k=shuffle.randrange(len(bodies) + 1)), at_once=at_once)
        if shuffle.random() < 0.2:
            copy.reconcile(full=shuffle.random() < 0.5)
    copy.settle()
    copy.reconcile()
    # What the run's audit brought may have to wait until lagging replicas have caught up with it.
    copy.settle()
    copy.agree()
    assert copy.rows() == copy.truth()
    assert copy.money() == business.money()
    written = copy.written()
    second = copy.reconcile()
    assert (second.exit_code, second.by_class, copy.written()) == (0, {}, written)
    assert [day for day in second.money if not day.equal] == []


@pytest.mark.parametrize(("on_sqlite", "part"), _parts(3), indirect=["on_sqlite"])
@given(data=st.data(), shuffle=shuffles)
@settings(max_examples=170, **PLAIN)
def test_after_any_loss_one_reconcile_run_gives_the_providers_state(
    on_sqlite: Copy[Any], part: int, data: st.DataObject, shuffle: random.Random
) -> None:
    heals(on_sqlite, data.draw(on_sqlite.kind.histories(part, silent=True)), shuffle)


@pytest.mark.database
@pytest.mark.parametrize(("on_postgres", "part"), _parts(2), indirect=["on_postgres"])
@given(data=st.data(), shuffle=shuffles)
@settings(max_examples=50, **PLAIN)
def test_after_any_loss_one_reconcile_run_heals_on_postgresql(
    on_postgres: Copy[Any], part: int, data: st.DataObject, shuffle: random.Random
) -> None:
    heals(on_postgres, data.draw(on_postgres.kind.histories(part, silent=True)), shuffle)
