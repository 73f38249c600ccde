"""A web server whose end is asked for, not forced: what `serve` and the stand-ins run in."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

import uvicorn


class Server(uvicorn.Server):
    """uvicorn, but SIGTERM means: stop accepting, drain, and exit 0 (uvicorn would raise the signal again)."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals ask for a shutdown; the process then ends by itself."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
