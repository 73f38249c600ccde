"""Progress for whoever watches: a bar on a terminal, log lines otherwise, nothing when asked to be quiet. Standard error only."""

from __future__ import annotations

import sys
from typing import TextIO

import structlog
from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

log = structlog.get_logger()


class Progress:
    """Silent progress."""

    def page(self, source: str, pages: int, objects: int) -> None:
        """One more page of a listing has been compared."""

    def done(self, source: str, status: str) -> None:
        """A listing has ended."""

    def close(self) -> None:
        """No more progress will come."""


class Lines(Progress):
    """A log line every hundred pages: enough to see that a long sweep lives."""

    def page(self, source: str, pages: int, objects: int) -> None:
        """Log now and then."""
        if pages % 100 == 0:
            log.info("reconcile.progress", kind=source, pages=pages, objects=objects)


class Bars(Progress):
    """A line per listing with what was compared so far; how much is to come no provider tells."""

    def __init__(self, stream: TextIO) -> None:
        columns = (
            SpinnerColumn(), TextColumn("{task.description:<16}"), BarColumn(bar_width=20),
            TextColumn("{task.completed:>9,} objects"), TextColumn("{task.fields[state]}"), TimeElapsedColumn(),
        )  # fmt: skip
        self._bar = Bar(*columns, console=Console(file=stream))
        self._tasks: dict[str, TaskID] = {}
        self._bar.start()

    def page(self, source: str, pages: int, objects: int) -> None:
        """Show how far the listing is."""
        self._bar.update(self._task(source), completed=objects, state=f"{pages} pages")

    def done(self, source: str, status: str) -> None:
        """Show how the listing ended."""
        task = self._task(source)
        completed = self._bar.tasks[task].completed
        self._bar.update(task, total=max(completed, 1), completed=max(completed, 1), state=status)

    def close(self) -> None:
        """Leave the lines as they are."""
        self._bar.stop()

    def _task(self, source: str) -> TaskID:
        if source not in self._tasks:
            self._tasks[source] = self._bar.add_task(source, total=None, state="")
        return self._tasks[source]


def watched(*, quiet: bool, stream: TextIO | None = None) -> Progress:
    """The progress that fits `stream` (standard error)."""
    stream = sys.stderr if stream is None else stream
    if quiet:
        return Progress()
    return Bars(stream) if stream.isatty() else Lines()
