"""Serving an ASGI application on a real socket, from a thread."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn

_SHUTDOWN_SECONDS = 10.0


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
        server = uvicorn.Server(configured(app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://{host}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True  # ends after the application's own shutdown
            thread.join(_SHUTDOWN_SECONDS)
            server.force_exit = True
            thread.join()
