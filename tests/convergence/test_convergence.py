"""The law: any delivery of a history gives the same state as its delivery in order, and that is the provider's state."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.sandbox.stripe import StripeSandbox
from service.store.tables import METADATA
from tests.convergence.business import Business, Step, steps
from tests.convergence.copy import Copy, Stage

HISTORIES = 300


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """One listening stand-in for all histories."""
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def copy(stage: Stage, tmp_path: Path) -> Iterator[Copy]:
    """A copy in its own SQLite file, with an API key."""
    made = Copy(f"sqlite:///{tmp_path}/copy.db", stage.url)
    METADATA.create_all(made.system.database.engine)
    yield made
    made.close()


def play(stage: Stage, copy: Copy, history: list[Step]) -> list[bytes]:
    """A fresh stand-in plays the history; the bodies that it would deliver, in order."""
    copy.clear()
    stage.sandbox = StripeSandbox(seed=1)
    stage.sandbox.register_endpoint("http://127.0.0.1:9/none", "whsec_test")
    Business(stage.sandbox).play(history)
    return [delivery.body for delivery in stage.sandbox.deliveries.take()]


@given(history=steps, shuffle=st.randoms(use_true_random=False))
@settings(max_examples=HISTORIES, suppress_health_check=list(HealthCheck))
def test_any_order_and_any_number_of_copies_give_the_providers_state(
    stage: Stage, copy: Copy, history: list[Step], shuffle: random.Random
) -> None:
    """Nothing lost: no reconcile run is needed."""
    bodies = play(stage, copy, history)
    copies = bodies + shuffle.sample(bodies, k=len(bodies) // 3)
    shuffle.shuffle(copies)
    copy.deliver(copies, at_once=shuffle.choice((1, 5, 1000)))
    copy.settle()
    assert copy.rows() == copy.truth(eventless=False)
