"""The web process: routes, and what starts and stops with them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from service import logs
from service.http.api.application import PREFIX as API_PREFIX
from service.http.api.application import Api
from service.http.health import Health
from service.http.webhooks import Webhooks
from service.ingest import GroupCommit
from service.presence import ROLE, Presence
from service.system import System
from service.worker import Beat, Worker

_PREFIX = "/webhooks/"
_API = f"{API_PREFIX}/"


def build(system: System, *, worker: bool = False) -> Front:
    """The ASGI application of one web process. Raises `ConfigError` where an account could not verify its deliveries.

    With `worker` a worker runs in a thread beside it. The system is not closed with the application.
    """
    system.accounts.require_secrets()
    settings = system.settings
    commit = GroupCommit(system.database, limit=settings.queue_limit, timeout=settings.commit_timeout)
    webhooks = Webhooks(system.accounts, commit, max_body=settings.max_body)
    api = Api(system)
    health = Health(system.database)
    routes = [
        Route("/livez", health.livez),
        Route("/readyz", health.readyz),
        Route("/metrics", health.metrics),
    ]

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        commit.start()
        beat = Beat(system.database, ROLE, beside=Presence(system).beat)
        beat.start()
        stop = threading.Event()
        thread = threading.Thread(target=Worker(system).run, args=(stop,), name="worker", daemon=True)
        if worker:
            thread.start()
        try:
            with logs.gathered(asyncio.get_running_loop().call_soon):
                yield
        finally:
            await commit.stop()
            # First: from here on nothing is received, however long the worker takes to end.
            await asyncio.to_thread(beat.stop)
            await api.close()
            stop.set()
            if worker:
                await asyncio.to_thread(thread.join, 30)

    return Front(Starlette(routes=routes, lifespan=lifespan), webhooks, api)


class Front:
    """Hands deliveries to their endpoint at once; Starlette's routing and middleware cost a third of a delivery."""

    def __init__(self, rest: Starlette, webhooks: Webhooks, api: Api) -> None:
        self._rest = rest
        self._webhooks = webhooks
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] == "http" and scope["path"].startswith(_PREFIX):
            scope["path_params"] = {"account": scope["path"][len(_PREFIX) :]}
            await self._webhooks(scope, receive, send)
        elif scope["type"] == "http" and f"{scope['path']}/".startswith(_API):
            await self._api(scope, receive, send)
        else:
            await self._rest(scope, receive, send)
