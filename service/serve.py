"""`tallyhook serve`: one web process, or several behind one socket, kept alive by a parent that only watches."""

from __future__ import annotations

import gc
import multiprocessing
import signal
import socket
import threading
from multiprocessing.context import SpawnProcess
from types import FrameType

import structlog
import uvicorn

from service import logs
from service.app import build
from service.draining import Server
from service.settings import Settings
from service.system import System

_DRAIN_SECONDS = 25
log = structlog.get_logger()


def serve(settings: Settings, *, host: str, port: int, workers: int, worker: bool) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. With several `workers` the first also runs the event worker."""
    listener = _listen(host, port)
    address = listener.getsockname()
    log.info("serve.started", host=address[0], port=address[1], processes=workers, worker=worker)
    if workers <= 1:
        _serve_one(settings, listener, worker)
        return 0
    return _Parent(settings, listener, workers, worker).run()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(2048)
    listener.set_inheritable(True)
    return listener


def _serve_one(settings: Settings, listener: socket.socket, worker: bool) -> None:
    system = System(settings)
    try:
        config = uvicorn.Config(
            build(system, worker=worker), log_config=None, access_log=False, lifespan="on", date_header=False,
            server_header=False, proxy_headers=False, timeout_graceful_shutdown=_DRAIN_SECONDS, ws="none",
        )  # fmt: skip
        Server(config).run(sockets=[listener])
    finally:
        system.close()


def _child(settings: Settings, listener: socket.socket, worker: bool) -> None:
    gc.freeze()  # as the command line does for a process that is not spawned
    logs.configure(settings.log_level)
    _serve_one(settings, listener, worker)


class _Parent:
    """Starts the web processes, starts again what dies, and passes SIGTERM on."""

    def __init__(self, settings: Settings, listener: socket.socket, workers: int, worker: bool) -> None:
        self._settings = settings
        self._listener = listener
        self._worker = worker
        self._context = multiprocessing.get_context("spawn")
        self._children: list[SpawnProcess] = [self._start(index) for index in range(workers)]
        self._stop = threading.Event()

    def run(self) -> int:
        """Watch until told to stop; 0 when every child drained, 1 otherwise."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        while not self._stop.wait(0.5):
            self._revive()
        for child in self._children:
            child.terminate()
        for child in self._children:
            child.join(_DRAIN_SECONDS + 10)
        return 0 if all(child.exitcode == 0 for child in self._children) else 1

    def _revive(self) -> None:
        for index, child in enumerate(self._children):
            if child.exitcode is not None and not self._stop.is_set():
                log.error("serve.process_died", pid=child.pid, exit_code=child.exitcode)
                self._children[index] = self._start(index)

    def _start(self, index: int) -> SpawnProcess:
        arguments = (self._settings, self._listener, self._worker and index == 0)
        child = self._context.Process(target=_child, args=arguments, name=f"tallyhook-web-{index}")
        child.start()
        return child

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()
