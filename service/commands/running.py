"""Commands that start something: the service, a worker, the migrations, the demo, a stand-in, the reconciler."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from service import logs
from service.commands import screen
from service.commands.opened import absent, opened
from service.errors import ConfigError
from service.settings import load
from service.store import schema
from service.system import System, options, start


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    for command in (serve, worker, migrate, demo, sandbox):
        app.command()(command)
    passed_on = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command(context_settings=passed_on, add_help_option=False)(reconcile)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port; the default is PORT, or 8000.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Web processes; one of them runs the worker.")] = 1,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Only receive; `tallyhook worker` applies.")] = False,
) -> None:
    """Receive webhooks and apply them. An SQLite file that is not there yet is created."""
    from service.serve import serve as run

    settings = load(providers=options())
    logs.configure(settings.log_level)
    system = System(settings)
    try:
        system.accounts.require_secrets()
        if absent(system.database):
            schema.migrate(settings.database_url)
        schema.check(system.database)
    finally:
        system.close()
    code = run(settings, host=host, port=settings.port if port is None else port, workers=workers, worker=not no_worker)
    raise typer.Exit(code and 2)


def worker() -> None:
    """Apply stored events until told to stop."""
    from service.worker import main

    with opened() as system:
        logs.configure(system.settings.log_level)
        main(system)


def migrate(as_json: screen.JsonOption = False) -> None:
    """Bring the database schema to what this version needs."""
    system = start()
    system.close()
    revision = schema.migrate(system.settings.database_url)
    if as_json:
        screen.document({"revision": revision})
    else:
        screen.say(f"the schema is at revision {revision}")


def demo() -> None:
    """Run the service against a stand-in of every provider, end to end, and show what happens."""
    from service.demo import run

    raise typer.Exit(run())


def sandbox(
    provider: Annotated[str, typer.Option(help="Whose API to stand in for.")] = "stripe",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")] = 12111,
    seed: Annotated[int, typer.Option(help="The same seed and calls give the same objects.")] = 0,
    webhook_url: Annotated[str | None, typer.Option(help="Where to deliver events.")] = None,
    webhook_secret: Annotated[str | None, typer.Option(help="What to sign them with.", envvar="WEBHOOK_SECRET")] = None,
    api_key: Annotated[str | None, typer.Option(help="The key that requests must carry; see the docs.")] = None,
    speed: Annotated[float, typer.Option(help="Virtual seconds a second; 0 stands still.")] = 1.0,
) -> None:
    """Run a stand-in for a provider's API, with signed webhooks."""
    from service.sandbox.run import run

    try:
        run(
            provider=provider, host=host, port=port, seed=seed, webhook_url=webhook_url, webhook_secret=webhook_secret,
            api_key=api_key, speed=speed, said=screen.note,
        )  # fmt: skip
    except ValueError as error:
        raise ConfigError(str(error)) from None


def reconcile(context: typer.Context) -> None:
    """Compare the copy with the provider and heal it; `tallyhook reconcile --help` lists the options."""
    from reconcile.__main__ import main

    sys.stdout.flush()
    raise typer.Exit(main(context.args))
