"""Serving an ASGI application on a real socket, from a thread."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn

_SHUTDOWN_SECONDS = 10.0
_MOMENT = 0.001


def configured(app: Any, *, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Config:
    """The server's settings: no `Date` and no `Server` header of its own, since the stand-in's time is virtual."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        lifespan="auto",
        date_header=False,
        server_header=False,
        access_log=False,
        log_level="warning",
    )


@contextlib.contextmanager
def serving(app: Any, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve `app` while the block runs, and yield its base URL; port 0 takes a free one.

    The socket listens before the block begins, so the first request can't come too early.
    """
    with socket.create_server((host, port)) as listening:
        server = _Server(configured(app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://{host}:{listening.getsockname()[1]}"
        finally:
            server.end()  # after the application's own shutdown
            thread.join(_SHUTDOWN_SECONDS)
            server.force_exit = True
            thread.join()


class _Server(uvicorn.Server):
    """Ends when it is told to: uvicorn's own looks ten times a second whether it should, and then sleeps for a tenth."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = threading.Event()

    def end(self) -> None:
        """Finish what was begun and take nothing more; from any thread."""
        self.should_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        """Serve until told."""
        await self.on_tick(0)
        await asyncio.to_thread(self._told.wait)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - whoever opened, closes
        """Return as soon as the last answer is out and the application has shut down."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while (self.server_state.connections or self.server_state.tasks) and not self.force_exit:
            await asyncio.sleep(_MOMENT)
        if not self.force_exit:
            await self.lifespan.shutdown()
