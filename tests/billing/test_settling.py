"""Writes without an outcome: who sees them, who settles them, and what a person can say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.errors import CallInProgress, ConfigError, KeyConflict
from service.model import Customer
from service.settling import decide, settle_due
from service.status import gather
from service.store import billing_rows, calls
from service.write_port import User
from tests.billing.world import Died, World

ADA = User(id="42", email="ada@example.com", name="Ada")


def _intended(world: World) -> None:
    """An intent that its process holds, and nothing of it was sent."""
    with world.system.database.write() as connection:
        calls.begin(
            connection, call_id="c1", account=world.case.name, key="k", operation="create_customer", request="[]",
            parameters="{}", holder="h", now=world.now(),
        )  # fmt: skip


def test_a_key_gives_one_result_and_only_for_one_request(world: World) -> None:
    """The same again is the same; another request under the key is a conflict."""
    first = world.billing.create_customer(ADA, idempotency_key="k")
    assert world.billing.create_customer(ADA, idempotency_key="k") == first
    with pytest.raises(KeyConflict):
        world.billing.create_customer(User(id="43", email="eve@example.com"), idempotency_key="k")
    assert world.case.customers("42") == [first.object_id]


def test_what_another_process_is_sending_is_not_sent_again(world: World) -> None:
    """While the intent's lease holds, the same key says so; after it, the call is settled."""
    world.mortal.dies_at, world.mortal.after = 1, True
    with pytest.raises(Died):
        world.billing.create_customer(ADA, idempotency_key="k")
    world.mortal.dies_at = None
    with pytest.raises(CallInProgress):
        world.billing.create_customer(ADA, idempotency_key="k")
    world.settle()
    assert len(world.case.customers("42")) == (1 if world.case.keyed else 0)


def test_status_counts_what_has_no_outcome(world: World) -> None:
    """Unknown while it is being settled; nothing once it is."""
    world.mortal.dies_at, world.mortal.after = 1, True
    with pytest.raises(Died):
        world.billing.create_customer(ADA, idempotency_key="k")
    world.mortal.dies_at = None
    assert gather(world.system.database, world.system.accounts).calls["pending"] == 1
    world.settle()
    assert not any(gather(world.system.database, world.system.accounts).calls.values())


def test_a_person_settles_what_can_not_be_known(world: World) -> None:
    """Only a call under review takes a person's word; not done opens its key again."""
    _intended(world)
    with pytest.raises(ConfigError, match="only one that needs review"):
        decide(world.system.database, "c1", None)
    with world.system.database.write() as connection:
        assert calls.close(connection, "c1", "h", "needs_review", world.now(), "who knows")
    found = gather(world.system.database, world.system.accounts)
    assert [line for line in found.attention if "calls list" in line]
    assert decide(world.system.database, "c1", "x_1").status == "done"


def test_two_workers_settle_a_call_once(world: World) -> None:
    """A call that one of them holds is left alone by the other."""
    _intended(world)
    assert settle_due(world.system.database, world.system.accounts.by_name.get) == 0
    later = world.now() + timedelta(seconds=91)
    with world.system.database.write() as connection:
        assert calls.take(connection, "c1", "one", later) is not None
        assert calls.take(connection, "c1", "two", later) is None


def test_a_request_that_was_repeated_may_still_take_effect(world: World) -> None:
    """Its absence proves nothing until the last repetition must have had its effect, not the first request."""
    world.mortal.dies_at, world.mortal.after = 1, True
    with pytest.raises(Died):
        world.billing.create_customer(ADA, idempotency_key="k")
    world.mortal.dies_at = None
    if world.case.keyed:
        world.case.sandbox.faults.server_error = 1_000
        world.settle(hours=22)
        world.case.sandbox.faults.reset()
        call = world.call_of("k")
        assert call is not None
        assert call.status == "unknown"
        world.later(int((call.sent_at + timedelta(hours=23, seconds=1) - world.now()).total_seconds()))
        settle_due(world.system.database, world.system.accounts.by_name.get)
        call = world.call_of("k")
        assert call is not None
        assert call.status == "unknown"
    world.settle()
    call = world.call_of("k")
    assert call is not None
    assert call.status == "not_done"


def test_calls_of_accounts_that_are_not_configured_here_keep_nobody_waiting(world: World) -> None:
    """However many there are, and however long they have been due."""
    world.mortal.dies_at, world.mortal.after = 1, True
    with pytest.raises(Died):
        world.billing.create_customer(ADA, idempotency_key="k")
    with world.system.database.write() as connection:
        for number in range(60):
            calls.begin(
                connection, call_id=f"other {number}", account="elsewhere", key=str(number), operation="create_customer",
                request="[]", parameters="{}", holder="h", now=world.now() - timedelta(days=1),
            )  # fmt: skip
    world.later(91)
    assert settle_due(world.system.database, world.system.accounts.by_name.get) == 1


def test_a_stored_answer_never_undoes_what_happened_since(world: World) -> None:
    """The answer was lost with the process; until the call is settled the customer was renamed, and an event told of it."""
    world.mortal.dies_at, world.mortal.after = 2, False
    with pytest.raises(Died):
        world.billing.create_customer(ADA, idempotency_key="k")
    world.mortal.dies_at = None
    customer_id = world.case.customers("42")[0]
    world.later(10)
    world.case.rename(customer_id, "Ada Lovelace")
    world.deliver()
    world.settle()
    call = world.call_of("k")
    assert call is not None
    assert (call.status, call.object_id) == ("done", customer_id)
    with world.system.database.read() as connection:
        held = billing_rows.held(connection, world.case.name, "customer", customer_id)
    assert isinstance(held, Customer)
    assert (held.name, held.user_id) == ("Ada Lovelace", "42")
