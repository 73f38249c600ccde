"""The web process: routes, and what starts and stops with them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route

from service.http.health import Health
from service.http.webhooks import Webhooks
from service.ingest import GroupCommit
from service.system import System
from service.worker import Beat, Worker


def build(system: System, *, worker: bool = False) -> Starlette:
    """The ASGI application of one web process. Raises `ConfigError` where an account could not verify its deliveries.

    With `worker` a worker runs in a thread beside it. The system is not closed with the application.
    """
    system.accounts.require_secrets()
    settings = system.settings
    commit = GroupCommit(system.database, limit=settings.queue_limit, timeout=settings.commit_timeout)
    webhooks = Webhooks(system.accounts, commit, max_body=settings.max_body)
    health = Health(system.database)
    routes = [
        Route("/webhooks/{account}", webhooks),
        Route("/livez", health.livez),
        Route("/readyz", health.readyz),
        Route("/metrics", health.metrics),
    ]

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        commit.start()
        beat = Beat(system.database, "web")
        beat.start()
        stop = threading.Event()
        thread = threading.Thread(target=Worker(system).run, args=(stop,), name="worker", daemon=True)
        if worker:
            thread.start()
        try:
            yield
        finally:
            await commit.stop()
            stop.set()
            if worker:
                await asyncio.to_thread(thread.join, 30)
            await asyncio.to_thread(beat.stop)

    return Starlette(routes=routes, lifespan=lifespan)
