"""Running a stand-in as a process of its own, as `tallyhook sandbox` does."""

import importlib
import logging
import pkgutil
import socket
import threading
import time
from collections.abc import Callable
from typing import Protocol

from service import sandbox as stand_ins
from service.draining import Server
from service.sandbox.clock import Clock
from service.sandbox.control import Controlled
from service.sandbox.delivery import Endpoint
from service.sandbox.edge import Edge
from service.sandbox.server import configured

TICK_SECONDS = 0.2
_DRAIN_SECONDS = 5  # an answer that a fault holds back must not hold the end back
log = logging.getLogger(__name__)


class Runnable(Controlled, Protocol):
    """A stand-in that can be run by itself."""

    @property
    def app(self) -> Edge:
        """The ASGI application."""

    @property
    def clock(self) -> Clock:
        """Virtual time."""

    def register_endpoint(self, url: str, secret: str) -> Endpoint:
        """Deliver every event to `url`, signed with `secret`."""


def names() -> list[str]:
    """The providers that there is a stand-in for: each is a folder beside this file whose module has `make`."""
    return sorted(each.name for each in pkgutil.iter_modules(stand_ins.__path__) if each.ispkg)


def run(
    *,
    provider: str,
    host: str,
    port: int,
    seed: int,
    webhook_url: str | None,
    webhook_secret: str | None,
    api_key: str | None,
    speed: float,
    said: Callable[[str], None] = log.info,
) -> None:
    """Serve a provider's stand-in until SIGINT or SIGTERM, and send its webhooks in the background.

    Virtual time starts at the wall clock's and runs `speed` times as fast; at 0 only the control plane moves it.
    Without `api_key` the stand-in's own one is expected.
    With `webhook_url` and `webhook_secret` every event is delivered there. `said` is told where it listens.

    Raises:
        OSError: it can't listen there.
        ValueError: there is no stand-in for the provider, or one of URL and secret is missing.
    """
    sandbox = _made(provider, seed, webhook_url, webhook_secret, api_key)
    config = configured(sandbox.app)
    config.timeout_graceful_shutdown = _DRAIN_SECONDS
    over = threading.Event()
    background = threading.Thread(target=_live, args=(sandbox, speed, over), daemon=True)
    with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as listening:
        said(f"the {provider} stand-in listens at http://{host}:{listening.getsockname()[1]}")
        background.start()
        try:
            Server(config).run(sockets=[listening])
        finally:
            over.set()
            background.join(timeout=10 * TICK_SECONDS)


def _made(provider: str, seed: int, url: str | None, secret: str | None, api_key: str | None) -> Runnable:
    if provider not in names():
        raise ValueError(f"no stand-in for {provider}: there is one for {', '.join(names())}")
    if (url is None) != (secret is None):
        raise ValueError("a webhook URL and its secret belong together")
    make = importlib.import_module(f"{stand_ins.__name__}.{provider}").make
    sandbox: Runnable = make(seed=seed, now=int(time.time()), api_key=api_key)
    if url is not None and secret is not None:
        sandbox.register_endpoint(url, secret)
    return sandbox


def _live(sandbox: Runnable, speed: float, over: threading.Event) -> None:
    """Let virtual time follow the wall clock and send what falls due, until told to stop."""
    owed, before = 0.0, time.monotonic()
    while not over.wait(TICK_SECONDS):
        now = time.monotonic()
        owed, before = owed + (now - before) * speed, now
        whole = int(owed)
        owed -= whole
        try:
            sandbox.advance(whole)
            sandbox.deliveries.pump()
        except Exception:
            # One event that can't be made must not stop time for all others.
            log.exception("the stand-in's background round failed")
