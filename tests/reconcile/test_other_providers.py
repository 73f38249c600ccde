"""Paddle and Lemon Squeezy through the same reconciler: after any loss one run heals, a second finds nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reconcile.plan import Options
from reconcile.report import AccountReport
from reconcile.run import reconcile
from service.process import process_ids
from service.sandbox.delivery import Delivery as Sent
from service.sandbox.lemonsqueezy import LemonSqueezySandbox
from service.sandbox.paddle import PaddleSandbox
from service.sandbox.server import serving
from service.settings import AccountSettings, Settings
from service.store import inbox, schema, state
from service.store.inbox import Delivery
from service.store.tables import STATE
from service.system import System
from tests.reconcile.world import Unlimited

Json = dict[str, Any]
DAY = 86_400
# What only an event tells: where it was lost no read brings it back (see docs and `Ordering.sticky`, `attempts`).
_TOLD_BY_EVENTS_ALONE = ("user_id",)


@dataclass
class Books:
    """One provider's stand-in with its deliveries, and our side of it."""

    provider: str
    sandbox: PaddleSandbox | LemonSqueezySandbox
    url: str

    def system(self, database_url: str) -> System:
        """Our side, on a clock that follows the stand-in's."""
        entry = AccountSettings(
            name=self.provider, provider=self.provider, webhook_secrets=("secret_of_ours",), api_base=self.url,
            api_key=self.sandbox.api_key,
        )  # fmt: skip
        clock = lambda: datetime.fromtimestamp(self.sandbox.clock.now(), UTC) + timedelta(seconds=1)  # noqa: E731
        system = System(Settings(database_url=database_url, accounts=(entry,)), clock=clock)
        system.account(self.provider).budget = Unlimited()
        return system

    def deliver(self, system: System, sent: list[Sent]) -> None:
        """Store these deliveries and process them."""
        provider = system.account(self.provider).provider
        got = [
            Delivery(account=self.provider, envelope=provider.envelope(each.body), payload=each.body) for each in sent
        ]
        with system.database.write() as connection:
            receipts = inbox.store(connection, got, system.database.now())
        process_ids(system, [receipt.id for receipt in receipts])

    def run(self, system: System, **options: Any) -> AccountReport:
        """One reconcile, an hour later."""
        self.sandbox.advance(3600)
        return reconcile(system, Options(**options)).accounts[0]


def _paddle(sandbox: PaddleSandbox) -> None:
    product = sandbox.call("POST", "/products", {"name": "Pro", "tax_category": "saas"})["data"]["id"]
    price = sandbox.call("POST", "/prices", {
        "product_id": product, "description": "Pro", "unit_price": {"amount": "1900", "currency_code": "USD"},
        "billing_cycle": {"interval": "month", "frequency": 1},
    })["data"]["id"]  # fmt: skip
    paid = []
    for number in range(3):
        draft = sandbox.open_checkout(price, quantity=1, custom_data={"user_id": str(number)})
        paid.append(sandbox.complete_checkout(draft["id"], email=f"user{number}@example.com"))
    sandbox.advance(32 * DAY)
    items = [{"item_id": paid[0]["details"]["line_items"][0]["id"], "type": "full"}]
    wanted = {"action": "refund", "type": "partial", "transaction_id": paid[0]["id"], "reason": "asked", "items": items}
    adjustment = sandbox.call("POST", "/adjustments", wanted)["data"]["id"]
    sandbox.settle_adjustment(adjustment, status="approved")
    sandbox.chargeback(paid[1]["id"])
    subscription = next(iter(sandbox.objects("subscription")))
    sandbox.call("POST", f"/subscriptions/{subscription}/cancel", {"effective_from": "next_billing_period"})
    sandbox.advance(32 * DAY)


def _lemon(sandbox: LemonSqueezySandbox) -> None:
    monthly = sandbox.add_variant(sandbox.add_product(), unit_price=1_900)
    made = [sandbox.buy(monthly, f"user{n}@example.com", f"User {n}", {"user_id": str(n)}) for n in range(3)]
    sandbox.advance(32 * DAY)
    order = made[0]["order"]
    data = {"type": "orders", "id": order, "attributes": {"amount": 500}}
    sandbox.call("POST", f"/v1/orders/{order}/refund", {"data": data})
    sandbox.payments.fail_next(made[1]["customer"])
    sandbox.call("DELETE", f"/v1/subscriptions/{made[2]['subscription']}")
    sandbox.advance(32 * DAY)


@pytest.fixture(params=["paddle", "lemonsqueezy"])
def books(request: pytest.FixtureRequest) -> Iterator[Books]:
    """A small business of three months at one of them; every delivery waits."""
    sandbox: PaddleSandbox | LemonSqueezySandbox
    sandbox = PaddleSandbox(seed=5) if request.param == "paddle" else LemonSqueezySandbox(seed=5)
    sandbox.register_endpoint("http://127.0.0.1:9/webhooks", "secret_of_ours")
    _paddle(sandbox) if isinstance(sandbox, PaddleSandbox) else _lemon(sandbox)
    with serving(sandbox.app) as url:
        yield Books(request.param, sandbox, url)


def _state(system: System, account: str) -> dict[tuple[str, str], Json]:
    found: dict[tuple[str, str], Json] = {}
    with system.database.read() as connection:
        for kind, table in STATE.items():
            ids = connection.execute(table.select().with_only_columns(table.c.id)).scalars().all()
            for key, row in state.load(connection, account, [(kind, id_) for id_ in ids]).items():
                found[key] = {k: v for k, v in (row.content or {}).items() if k not in _TOLD_BY_EVENTS_ALONE}
    return found


def test_an_import_is_whole_and_a_second_run_finds_nothing(books: Books, database_url: str) -> None:
    """Every kind complete, no drift left, no difference in the money."""
    system = books.system(database_url)
    first = books.run(system)
    assert (first.status, first.error, first.left) == ("complete", None, 0), msgspec.to_builtins(first.kinds)
    assert _state(system, books.provider)
    second = books.run(system, full=True)
    assert (second.status, second.by_class) == ("complete", {})
    assert [each for each in second.money if not each.equal] == []
    system.close()


def _truth(books: Books, folder: Path) -> dict[tuple[str, str], Json]:
    """What a first import into an empty copy makes of the provider."""
    url = f"sqlite:///{folder / 'truth.db'}"
    schema.migrate(url)
    system = books.system(url)
    books.run(system)
    try:
        return _state(system, books.provider)
    finally:
        system.close()


@pytest.mark.parametrize("seed", range(4))
def test_without_losses_any_order_gives_the_providers_state_without_a_run(
    books: Books, database_url: str, tmp_path: Path, seed: int
) -> None:
    """For everything that has events; customers and the catalogue of Lemon Squeezy have none."""
    sent = books.sandbox.deliveries.take()
    random.Random(seed).shuffle(sent)
    system = books.system(database_url)
    for start in range(0, len(sent), 7):
        books.deliver(system, sent[start : start + 7])
    told = set(_state(system, books.provider))
    truth = _truth(books, tmp_path)
    eventless = {"customer", "product", "price"} if books.provider == "lemonsqueezy" else set()
    assert told == {key for key in truth if key[0] not in eventless}
    assert _state(system, books.provider) == {key: truth[key] for key in told}
    system.close()


@pytest.mark.parametrize("seed", range(4))
def test_after_any_loss_and_any_order_one_run_gives_the_providers_state(
    books: Books, database_url: str, tmp_path: Path, seed: int
) -> None:
    """A third of the deliveries is lost, the rest comes shuffled and partly twice."""
    chance = random.Random(seed)
    sent = [each for each in books.sandbox.deliveries.take() if chance.random() > 0.33]
    sent += [each for each in sent if chance.random() < 0.2]
    chance.shuffle(sent)
    system = books.system(database_url)
    for start in range(0, len(sent), 7):
        books.deliver(system, sent[start : start + 7])
    healed = books.run(system)
    assert healed.status == "complete", msgspec.to_builtins(healed.kinds)
    again = books.run(system, full=True)
    assert (again.status, again.by_class) == ("complete", {})
    assert _state(system, books.provider) == _truth(books, tmp_path)
    system.close()
