"""The demo: the real service against a stand-in of every provider, deliveries lost, doubled and shuffled, then reconciled."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from reconcile.plan import Options
from reconcile.report import Report
from reconcile.run import reconcile
from service import logs
from service.demo.child import DemoFailed, environment, service
from service.demo.shown import differences, show_run, show_subscribers, show_timeline
from service.demo.story import DAY, DAYS, MOVER, Story
from service.explain import explain
from service.sandbox.delivery import Attempt
from service.sandbox.server import serving
from service.sandbox.shop import Shop, open_shops
from service.store import history, schema, totals
from service.system import System, start

_EMPTY_SECONDS: Final = 180.0
_WAITING: Final = ("received", "processing", "retry")


def run() -> int:
    """Run the demo and print what happens; 0 where the copy ended equal to every stand-in. Raises `DemoFailed` otherwise."""
    began = time.monotonic()
    logs.configure("error")
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    shops = open_shops(seed=7, now=int(time.time()) - DAYS * DAY)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tallyhook-demo-")))
        bases = {name: stack.enter_context(serving(shop.sandbox.app)) for name, shop in shops.items()}
        environ = environment(folder, shops, bases)
        schema.migrate(environ["DATABASE_URL"])
        system = start(environ)
        stack.callback(system.close)
        address = stack.enter_context(service(folder, environ))
        console.print(f"Stand-ins of {', '.join(shops)}; Tallyhook at {address}, SQLite in {folder}")
        _connect(shops, system, address)
        _play(console, shops, system)
        _prove(console, shops, system)
    console.print(
        f"[bold green]The copy equals all {len(shops)} providers.[/] Done in {time.monotonic() - began:.0f} s."
    )
    return 0


def _connect(shops: Mapping[str, Shop], system: System, address: str) -> None:
    for name, shop in shops.items():
        secret = system.account(name).settings.webhook_secrets[0]
        shop.sandbox.register_endpoint(f"{address}/webhooks/{name}", secret)


def _play(console: Console, shops: Mapping[str, Shop], system: System) -> None:
    story = Story(shops)
    for number, (sentence, act) in enumerate(story.steps()):
        story.spoil(number)
        before = sum(len(shop.sandbox.events) for shop in shops.values())
        act()
        attempts = [attempt for shop in shops.values() for attempt in _delivered(shop)]
        _wait_until_empty(system)
        came = len({each.event_id for each in attempts})
        lost = sum(len(shop.sandbox.events) for shop in shops.values()) - before - came
        counts = f"{came} events, {len(attempts) - came} sent twice, {lost} lost"
        console.print(f"[cyan]day {_day(shops):>3}[/]  {sentence} [dim]({counts})[/]")


def _delivered(shop: Shop) -> list[Attempt]:
    attempts = shop.sandbox.deliveries.pump()
    refused = [each for each in attempts if not each.answered]
    if refused:
        raise DemoFailed(f"a delivery was not accepted: {refused[0].status or refused[0].error}")
    return attempts


def _day(shops: Mapping[str, Shop]) -> int:
    now = next(iter(shops.values())).sandbox.clock.now()
    return round((now - time.time()) / DAY) + DAYS


def _wait_until_empty(system: System) -> None:
    until = time.monotonic() + _EMPTY_SECONDS
    while time.monotonic() < until:
        with system.database.read() as connection:
            counts = history.counts(connection)
            parked = totals.parked(connection, system.database.now())
        if counts.get("dead"):
            raise DemoFailed(f"{counts['dead']} events are dead")
        if sum(counts.get(status, 0) for status in _WAITING) == parked:
            return
        time.sleep(0.05)
    raise DemoFailed(f"events still wait after {_EMPTY_SECONDS:.0f} s: {counts}")


def _prove(console: Console, shops: Mapping[str, Shop], system: System) -> None:
    console.print("[bold]The nightly reconcile finds and heals what was lost, or what no event tells:[/]")
    first = _reconciled(console, system)
    for account in first.accounts:
        if not differences(account):
            raise DemoFailed(f"deliveries of {account.account} were lost, and the reconciler found nothing")
    _wait_until_empty(system)
    console.print("[bold]Once more, to be sure:[/]")
    if again := sum(differences(account) for account in _reconciled(console, system).accounts):
        raise DemoFailed(f"{again} differences are left after healing")
    with system.database.read() as connection:
        show_subscribers(console, totals.subscribers(connection))
    show_timeline(console, explain(system.database, MOVER.email))
    for name, shop in shops.items():
        _compare(name, shop, system)


def _reconciled(console: Console, system: System) -> Report:
    report = reconcile(system, Options(full=True))
    for account in report.accounts:
        show_run(console, account)
    if report.exit_code:
        raise DemoFailed(f"the reconciler ended with exit code {report.exit_code}")
    return report


def _compare(name: str, shop: Shop, system: System) -> None:
    """Raise `DemoFailed` unless the copy holds as many objects, and as much money, as the stand-in."""
    truth = shop.truth()
    with system.database.read() as connection:
        local: dict[str, Any] = {kind: totals.alive(connection, name, kind) for kind in truth.counts}  # type: ignore[arg-type]
        local["paid"], local["refunded"] = totals.moved(connection, name)
    remote: dict[str, Any] = {**truth.counts, "paid": truth.paid, "refunded": truth.refunded}
    wrong = {each: (local[each], remote[each]) for each in remote if local[each] != remote[each]}
    if wrong:
        raise DemoFailed(f"copy and provider differ at {name} (ours, theirs): {wrong}")
