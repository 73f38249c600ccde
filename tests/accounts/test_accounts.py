"""No row of one account is ever touched by another's event, key or run.

Three accounts of one provider, whose objects and events have the same ids: at Lemon Squeezy ids are small numbers, and two
accounts always have some in common.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import text

from reconcile.heal import accept
from reconcile.plan import Options
from reconcile.report import AccountReport
from reconcile.run import reconcile
from service import replay
from service.app import build
from service.errors import OtherAccount
from service.explain import explain
from service.process import process_ids
from service.sandbox.server import serving
from service.settings import load
from service.store import history
from service.store.history import Filter
from service.store.tables import EVENTS, STATE
from service.system import System, options
from service.usage_port import Metered
from service.write_port import Writes
from tests.accounts import rows
from tests.accounts.branch import NAMES, Town, secret, write

pytestmark = pytest.mark.database
A, B, C = NAMES


@contextmanager
def only(town: Town, account: str) -> Iterator[None]:
    """Whatever happens inside changes rows of this account alone, and does change some."""
    before = {name: rows.of(town.system.database, name) for name in NAMES}
    yield
    after = {name: rows.of(town.system.database, name) for name in NAMES}
    assert {name for name in NAMES if before[name] != after[name]} == {account}


def post(town: Town, account: str, *, path: str | None = None, signed: str | None = None) -> list[httpx.Response]:
    """Deliver all that happened at a branch, by default to its own path and signed with its own secret."""
    with serving(build(town.system)) as url, httpx.Client(base_url=url) as client:
        return [
            client.post(
                f"/webhooks/{path or account}",
                content=body,
                headers=town.specimen.headers(body, secret(signed or account), int(time.time())),
            )
            for body in town.branches[account].bodies()
        ]


def processed(town: Town, account: str) -> set[str]:
    """Process what is stored for one account; the statuses."""
    with town.system.database.read() as connection:
        query = EVENTS.select().with_only_columns(EVENTS.c.id).where(EVENTS.c.account == account)
        ids = list(connection.execute(query).scalars())
    return set(process_ids(town.system, ids).values())


def run(town: Town, account: str, *, full: bool = False) -> AccountReport:
    """One reconcile of one account, an hour later everywhere."""
    for branch in town.branches.values():
        branch.later(3_600)
    return reconcile(town.system, Options(account=account, full=full)).accounts[0]


def waiting(town: Town, account: str) -> list[history.Record]:
    """What of an account waits for a person."""
    with town.system.database.read() as connection:
        return history.drift(connection, account=account)


def counted(town: Town) -> dict[str, int]:
    """Rows of state by account."""
    tables = {table.name for table in STATE.values()}
    return {
        name: sum(len(found) for table, found in rows.of(town.system.database, name).items() if table in tables)
        for name in NAMES
    }


def test_the_same_events_and_objects_in_three_accounts_are_three_sets_of_rows(alike: Town) -> None:
    """Received, processed and replayed one account after the other."""
    ids = {name: {alike.provider.envelope(body).event_id for body in alike.branches[name].bodies()} for name in NAMES}
    assert ids[A] == ids[B] == ids[C]
    for name in NAMES:
        with only(alike, name):
            assert {answer.json()["status"] for answer in post(alike, name)} == {"stored"}
        with only(alike, name):
            assert processed(alike, name) <= {"applied", "ignored"}
    count = counted(alike)
    assert count[A] == count[B] == count[C] > 0
    with only(alike, B):
        planned = replay.plan(alike.system.database, alike.system.accounts, Filter(account=B))
        assert replay.carry_out(alike.system.database, planned) == len(planned.ids) > 0
    with only(alike, B):
        processed(alike, B)
    _assert_told_apart(alike)


def _assert_told_apart(town: Town) -> None:
    """What explains one row explains it from its own account's records."""
    with town.system.database.read() as connection:
        query = STATE["subscription"].select().limit(1)
        asked = connection.execute(query).one().id
    subjects = [each for each in explain(town.system.database, asked).subjects if each.kind == "subscription"]
    assert sorted(each.account for each in subjects) == sorted(NAMES)
    for each in subjects:
        records = [*each.events, *each.changes, *each.drift, *each.items]
        assert {record["account"] for record in records} == {each.account}
        assert each.account in each.why


def test_another_accounts_secret_opens_no_path(alike: Town) -> None:
    for path in (A, B):
        answers = post(alike, A, path=path, signed=B if path == A else A)
        assert {(answer.status_code, answer.json()["cause"]) for answer in answers} == {(400, "bad_signature")}
    assert rows.of(alike.system.database, A) == rows.of(alike.system.database, B)
    assert not any(rows.of(alike.system.database, A).values())


def test_a_run_a_heal_and_a_persons_word_stay_in_their_account(alike: Town) -> None:
    """The other has drifted just as far, and keeps its drift; neither counts what the other gave back."""
    for name in (A, B):
        with only(alike, name):
            assert (run(alike, name).status, counted(alike)[name] > 0) == ("complete", True)
    for branch in alike.branches.values():
        branch.change()
        branch.lose()
    with only(alike, A):
        healed = run(alike, A, full=True)
    assert "missing_remote" in healed.by_class
    with only(alike, B):
        run(alike, B, full=True)
    with only(alike, A):
        accept(alike.system, waiting(alike, A)[0]["id"])
    with only(alike, A):
        assert (run(alike, A, full=True).status, waiting(alike, A)) == ("complete", [])
    assert waiting(alike, B)
    for name in (A, B):
        assert _given_back(alike, name) == _refunded(alike, name) != {}


def _given_back(town: Town, account: str) -> dict[str, int]:
    """By payment, what an account's payments say of their refunds."""
    table = STATE["payment"]
    query = table.select().where(table.c.account == account, table.c.amount_refunded != 0)
    with town.system.database.read() as connection:
        return {row.id: row.amount_refunded for row in connection.execute(query)}


def _refunded(town: Town, account: str) -> dict[str, int]:
    """By payment, what the account's own refunds add up to."""
    table, found = STATE["refund"], Counter[str]()
    query = table.select().where(table.c.account == account, table.c.status == "succeeded")
    with town.system.database.read() as connection:
        for row in connection.execute(query):
            found[row.payment_id] += row.amount
    return dict(found)


def test_another_accounts_key_changes_nothing(alike: Town) -> None:
    """Neither a run, nor a read for a tie, nor a person's word takes what it shows, and nothing is written with it."""
    run(alike, A)
    alike.branches[A].lose()
    run(alike, A, full=True)
    (open_, *_) = waiting(alike, A)
    alike.restart(north=B)
    before = {name: rows.of(alike.system.database, name) for name in NAMES}
    refused = run(alike, A)
    assert (refused.status, refused.exit_code) == ("refused", 2)
    assert "its rows came from" in str(refused.error)
    account = alike.system.account(A)
    attempts: list[Callable[[], object]] = [lambda: accept(alike.system, open_["id"]), account.reader]
    attempts += [account.writer] if isinstance(alike.provider, Writes) else []
    attempts += [account.meter] if isinstance(alike.provider, Metered) else []
    for attempt in attempts:
        with pytest.raises(OtherAccount):
            attempt()
    assert {name: rows.of(alike.system.database, name) for name in NAMES} == before
    alike.restart()
    assert run(alike, A, full=True).status == "complete"


def test_a_key_of_the_other_mode_is_not_used(alike: Town) -> None:
    """Where the key shows its mode. What the mode of an account is, its table says."""
    account = alike.system.account(A)
    shown = alike.provider.mode(account.settings.api_key)
    if shown is None:
        assert account.mode is None
        return
    account.mode = "live" if shown == "test" else "test"
    with pytest.raises(OtherAccount, match=f"is a {shown} key, but the account is set to {account.mode}"):
        account.reader()
    assert run(alike, A).status == "refused"
    assert not any(rows.of(alike.system.database, A).values())


def test_who_shares_a_limit_of_the_provider_shares_a_budget(alike: Town) -> None:
    """Accounts with keys of their own, then two with one key, as the provider declares its limit."""
    scope = alike.provider.budget_scope
    assert _buckets(alike) == {"account": 3, "key": 3, "address": 1}[scope]
    write(alike.file, alike.provider.name, alike.branches, alike.urls, {B: A})
    assert _buckets(alike) == {"account": 3, "key": 2, "address": 1}[scope]


def _buckets(town: Town) -> int:
    """How many token buckets all accounts together draw on."""
    system = System(load({"TALLYHOOK_CONFIG": str(town.file), "DATABASE_URL": town.database_url}, options()))
    with system.database.write() as connection:
        connection.execute(text("DELETE FROM read_budget"))
    for account in system.accounts.by_name.values():
        account.budget.take(reserve=True)
    with system.database.read() as connection:
        found = connection.execute(text("SELECT count(*) FROM read_budget")).scalar_one()
    system.close()
    return int(found)
