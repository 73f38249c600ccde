"""The law: any delivery of a history gives the same state as its delivery in order, and that is the provider's state."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from service.sandbox.stripe import StripeSandbox
from tests.convergence.business import Business, Step, steps
from tests.convergence.copy import Copy, Stage

# A failing history is shown as it was drawn: shrinking plays thousands more, and takes longer than the whole suite.
PLAIN: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": (Phase.explicit, Phase.reuse, Phase.generate),
}
shuffles = st.integers(0, 2**32).map(random.Random)


def play(stage: Stage, copy: Copy, history: list[Step]) -> list[bytes]:
    """A fresh stand-in plays the history; the bodies that it would deliver, in order."""
    copy.clear()
    stage.sandbox = StripeSandbox(seed=1)
    stage.sandbox.register_endpoint("http://127.0.0.1:9/none", "whsec_test")
    Business(stage.sandbox).play(history)
    return [delivery.body for delivery in stage.sandbox.deliveries.take()]


def scrambled(bodies: list[bytes], shuffle: random.Random) -> list[bytes]:
    """Every body at least once, a third of them twice, in any order."""
    copies = bodies + shuffle.sample(bodies, k=len(bodies) // 3)
    shuffle.shuffle(copies)
    return copies


def converges(stage: Stage, copy: Copy, history: list[Step], shuffle: random.Random) -> None:
    """Deliver scrambled and compare with the provider."""
    copy.deliver(scrambled(play(stage, copy, history), shuffle), at_once=shuffle.choice((1, 5, 1000)))
    copy.settle()
    assert copy.rows() == copy.truth(eventless=False)


@given(history=steps, shuffle=shuffles)
@settings(max_examples=500, **PLAIN)
def test_any_order_and_any_number_of_copies_give_the_providers_state(
    stage: Stage, on_sqlite: Copy, history: list[Step], shuffle: random.Random
) -> None:
    converges(stage, on_sqlite, history, shuffle)


@pytest.mark.database
@given(history=steps, shuffle=shuffles)
@settings(max_examples=100, **PLAIN)
def test_any_order_gives_the_providers_state_on_postgresql(
    stage: Stage, on_postgres: Copy, history: list[Step], shuffle: random.Random
) -> None:
    converges(stage, on_postgres, history, shuffle)


@given(history=steps, shuffle=shuffles)
@settings(max_examples=150, **PLAIN)
def test_without_an_api_key_two_orders_give_one_state(
    stage: Stage, keyless: Copy, history: list[Step], shuffle: random.Random
) -> None:
    bodies = play(stage, keyless, history)
    states = []
    for _ in range(2):
        keyless.clear()
        keyless.deliver(scrambled(bodies, shuffle), at_once=shuffle.choice((1, 5, 1000)))
        keyless.settle()
        states.append(keyless.rows())
    assert states[0] == states[1]


def heals(stage: Stage, copy: Copy, history: list[Step], shuffle: random.Random) -> None:
    """Lose any part of a history, run the reconciler once, and compare; a second run finds and writes nothing."""
    bodies = scrambled(play(stage, copy, history), shuffle)
    copy.deliver(shuffle.sample(bodies, k=shuffle.randrange(len(bodies) + 1)), at_once=shuffle.choice((1, 5, 1000)))
    copy.settle()
    assert copy.reconcile()["exit_code"] <= 1
    copy.agree()
    assert copy.rows() == copy.truth(eventless=True)
    written = copy.history_length()
    second = copy.reconcile()
    assert (second["exit_code"], second["findings"], copy.history_length()) == (0, 0, written)


@pytest.mark.parametrize("part", range(3))
@given(history=steps, shuffle=shuffles)
@settings(max_examples=170, **PLAIN)
def test_after_any_loss_one_reconcile_run_gives_the_providers_state(
    stage: Stage, on_sqlite: Copy, part: int, history: list[Step], shuffle: random.Random
) -> None:
    heals(stage, on_sqlite, history, random.Random(f"{part} {shuffle.random()}"))  # other losses in each part


@pytest.mark.database
@given(history=steps, shuffle=shuffles)
@settings(max_examples=100, **PLAIN)
def test_after_any_loss_one_reconcile_run_heals_on_postgresql(
    stage: Stage, on_postgres: Copy, history: list[Step], shuffle: random.Random
) -> None:
    heals(stage, on_postgres, history, shuffle)
