"""The demo: the real service against a stand-in of Stripe, with deliveries lost, doubled and shuffled, then reconciled."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from rich.console import Console
from rich.table import Table

from reconcile.plan import Options
from reconcile.report import Report
from reconcile.run import reconcile
from service import logs
from service.demo_business import DAY, Business
from service.errors import TallyhookError
from service.model import Kind
from service.sandbox.server import serving
from service.sandbox.stripe import StripeSandbox
from service.store import history, schema, totals
from service.system import System, start

_OURS: Final = ("STRIPE_", "PADDLE_", "LEMONSQUEEZY_", "TALLYHOOK_", "DATABASE_URL", "PORT")
_COUNTED: Final[dict[str, Kind]] = {
    "customer": "customer", "product": "product", "price": "price", "subscription": "subscription", "invoice": "invoice",
    "payment_intent": "payment", "refund": "refund",
}  # fmt: skip
_START_SECONDS: Final = 20.0
_EMPTY_SECONDS: Final = 60.0


class DemoFailed(TallyhookError):
    """The demo did not end as it must. The message says where."""


def run() -> int:
    """Run the demo and print what happens; 0 where the copy ended equal to the stand-in. Raises `DemoFailed` otherwise."""
    began = time.monotonic()
    logs.configure("error")
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    sandbox = StripeSandbox(seed=7, now=int(time.time()) - Business.days * DAY)
    with tempfile.TemporaryDirectory(prefix="tallyhook-demo-") as folder, serving(sandbox.app) as base:
        environ = _environment(Path(folder), base)
        schema.migrate(environ["DATABASE_URL"])
        system = start(environ)
        try:
            with _service(Path(folder), environ) as address:
                console.print(f"Stripe stand-in at {base}, Tallyhook at {address}, SQLite in {folder}")
                sandbox.register_endpoint(f"{address}/webhooks/stripe", environ["STRIPE_WEBHOOK_SECRET"])
                _play(console, sandbox, system)
                _prove(console, sandbox, system)
        finally:
            system.close()
    console.print(f"[bold green]The copy equals the provider.[/] Done in {time.monotonic() - began:.0f} s.")
    return 0


def _environment(folder: Path, base: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return kept | {
        "DATABASE_URL": f"sqlite:///{folder}/tallyhook.db",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(16)}",
        "STRIPE_API_KEY": "sk_test_sandbox",
        "STRIPE_API_BASE": base,
    }


@contextmanager
def _service(folder: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """The service as a child process; only this child is ended."""
    port, log = _free_port(), folder / "service.log"
    command = [sys.executable, "-m", "service", "serve", "--host", "127.0.0.1", "--port", str(port)]
    root = str(Path(__file__).parent.parent)
    paths = os.pathsep.join(path for path in (root, environ.get("PYTHONPATH")) if path)
    with log.open("wb") as lines:
        child = subprocess.Popen(command, env={**environ, "PYTHONPATH": paths}, stdout=lines, stderr=lines)  # noqa: S603
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(address, child, log)
        yield address
    finally:
        child.terminate()
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _wait_until_ready(address: str, child: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    with httpx.Client(timeout=2, trust_env=False) as client:
        while time.monotonic() < until and child.poll() is None:
            try:
                if client.get(f"{address}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    raise DemoFailed(f"the service did not become ready in {_START_SECONDS:.0f} s; its last words:\n{tail}")


def _play(console: Console, sandbox: StripeSandbox, system: System) -> None:
    business = Business(sandbox)
    for number, (sentence, act) in enumerate(business.story()):
        business.lossy(number)
        before = len(sandbox.events)
        act()
        attempts = sandbox.deliveries.pump()
        refused = [each for each in attempts if not each.answered]
        if refused:
            raise DemoFailed(f"a delivery was not accepted: {refused[0].status or refused[0].error}")
        _wait_until_empty(system)
        events = {each.event_id for each in attempts}
        lost = len(sandbox.events) - before - len(events)
        counts = f"{len(events)} events, {len(attempts) - len(events)} sent twice, {lost} lost"
        console.print(f"[cyan]day {_day(sandbox):>3}[/]  {sentence} [dim]({counts})[/]")


def _day(sandbox: StripeSandbox) -> int:
    return round((sandbox.clock.now() - time.time()) / DAY) + Business.days


def _wait_until_empty(system: System) -> None:
    until = time.monotonic() + _EMPTY_SECONDS
    while time.monotonic() < until:
        with system.database.read() as connection:
            counts = history.counts(connection)
            parked = totals.parked(connection, system.database.now())
        if counts.get("dead"):
            raise DemoFailed(f"{counts['dead']} events are dead")
        if sum(counts.get(status, 0) for status in ("received", "processing", "retry")) == parked:
            return
        time.sleep(0.05)
    raise DemoFailed(f"events still wait after {_EMPTY_SECONDS:.0f} s: {counts}")


def _show_customers(console: Console, system: System, title: str) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in ("customer", "plan", "status", "paid", "refunded"):
        table.add_column(name, justify="right" if name in ("paid", "refunded") else "left")
    with system.database.read() as connection:
        customers = totals.customers(connection)
    for each in customers:
        money = (_money(each[name], each["currency"]) for name in ("paid", "refunded"))
        status = "deleted" if each["deleted_at"] else each["status"]
        table.add_row(each["name"], each["plan"], status, *money)
    console.print(table)


def _prove(console: Console, sandbox: StripeSandbox, system: System) -> None:
    console.print("[bold]The nightly reconcile finds and heals what was lost:[/]")
    first = _reconciled(console, system)
    if not _drift(first):
        raise DemoFailed("deliveries were lost, and the reconciler found nothing")
    _wait_until_empty(system)
    console.print("[bold]Once more, to be sure:[/]")
    if again := _drift(_reconciled(console, system)):
        raise DemoFailed(f"{again} differences are left after healing")
    _show_customers(console, system, "The customers now")
    _compare(sandbox, system)


def _reconciled(console: Console, system: System) -> Report:
    report = reconcile(system, Options(full=True))
    _show_report(console, report)
    if report.exit_code:
        raise DemoFailed(f"the reconciler ended with exit code {report.exit_code}")
    return report


def _show_report(console: Console, report: Report) -> None:
    for account in report.accounts:
        compared = sum(kind.objects for kind in account.kinds)
        console.print(
            f"  {account.account}: {account.status}, {compared} objects and events compared, {_drift(report)} differ"
        )
        for kind in account.kinds:
            if kind.drift:
                console.print(f"    {kind.source}: {kind.drift} differed, {kind.healed or kind.drift} healed")
        for currency, amount in sorted(account.at_stake.items()):
            console.print(f"    money at stake: [yellow]{_money(amount, currency)}[/]")


def _drift(report: Report) -> int:
    return sum(kind.drift for account in report.accounts for kind in account.kinds)


def _money(amount: int, currency: str | None) -> str:
    # The demo's two currencies both have two decimals.
    return f"{amount // 100}.{amount % 100:02} {currency}" if amount else "-"


def _compare(sandbox: StripeSandbox, system: System) -> None:
    """Raise `DemoFailed` unless the copy holds as many objects, and as much money, as the stand-in."""
    with system.database.read() as connection:
        local: dict[str, Any] = {kind: totals.alive(connection, kind) for kind in _COUNTED.values()}
        local["paid"] = totals.paid(connection)
    remote: dict[str, Any] = {kind: len(sandbox.objects(resource)) for resource, kind in _COUNTED.items()}
    remote["paid"] = {}
    for invoice in sandbox.objects("invoice").values():
        if invoice["amount_paid"]:
            currency = invoice["currency"].upper()
            remote["paid"][currency] = remote["paid"].get(currency, 0) + invoice["amount_paid"]
    wrong = {name: (local[name], remote[name]) for name in remote if local[name] != remote[name]}
    if wrong:
        raise DemoFailed(f"copy and provider differ (ours, theirs): {wrong}")
