"""Logs: one JSON line a fact off a terminal, two glanceable lines an event on one.

The vocabulary is fixed: webhook.accepted, webhook.rejected, event.applied, event.stale, event.tie, event.retry, event.dead,
event.ignored, reconcile.started, reconcile.drift, reconcile.healed, reconcile.finished; ids are keys (request_id, event_id,
provider_event_id, object_id, customer_id), never part of the message. What looks like a secret or a customer's data is
dropped here as a belt: no caller should log it in the first place.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import msgspec
import structlog

Event = MutableMapping[str, Any]
Later = Callable[[Callable[[], None]], object]
_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_PRIVATE: Final = re.compile(r"secret|signature|authorization|api_?key|payload|body|e_?mail|password", re.IGNORECASE)
_TOKEN: Final = re.compile(r"(?:whsec|[sr]k_(?:live|test)|pdl)_\w*|\brk_\w+")
_QUERY: Final = re.compile(r"\?\S*")
_COLOURS: Final = {"applied": 32, "ignored": 2, "stale": 2, "tie": 36, "retry": 33, "dead": 31}
_encode = msgspec.json.Encoder(enc_hook=str).encode


class _Gathering(threading.local):
    """What one thread keeps back, and how it is told to write it."""

    def __init__(self) -> None:
        self.later: Later | None = None
        self.kept: list[str | bytes] = []


class _Output:
    """Where lines go. One for the process: a logger that was made earlier follows a later `configure`."""

    def __init__(self) -> None:
        self.stream: TextIO = sys.stderr
        self.render: Callable[[Event], str | bytes] = json_line
        self._gathering = _Gathering()

    def gather(self, later: Later | None) -> None:
        """See `gathered`; None ends it."""
        self.flush()
        self._gathering.later = later

    def write(self, line: str | bytes) -> None:
        """Write one line, now or with those that follow it at once."""
        gathering = self._gathering
        if gathering.later is None:
            self._put(line)
            return
        gathering.kept.append(line)
        if len(gathering.kept) == 1:
            gathering.later(self.flush)

    def flush(self) -> None:
        """Write what this thread kept."""
        kept, self._gathering.kept = self._gathering.kept, []
        if kept:
            self._put(b"".join([line if isinstance(line, bytes) else line.encode(errors="replace") for line in kept]))

    def _put(self, line: str | bytes) -> None:
        """A full disk or a closed pipe must not fail the work that is being reported."""
        try:
            buffer = getattr(self.stream, "buffer", None)
            if isinstance(line, bytes) and buffer is not None:
                buffer.write(line)
                buffer.flush()
            else:
                self.stream.write(line if isinstance(line, str) else line.decode())
                self.stream.flush()
        except (OSError, ValueError):
            return


class _Logger(structlog.BoundLoggerBase):
    """A logger without a chain of processors: one call from the fact to its line, at a third of the cost."""

    threshold = 20

    def debug(self, event: str, *args: object, **facts: Any) -> None:
        """What only a developer wants to know."""
        if self.threshold <= 10:
            self._write("debug", event, args, facts)

    def info(self, event: str, *args: object, **facts: Any) -> None:
        """A fact."""
        if self.threshold <= 20:
            self._write("info", event, args, facts)

    def warning(self, event: str, *args: object, **facts: Any) -> None:
        """A fact that somebody may have to look at."""
        if self.threshold <= 30:
            self._write("warning", event, args, facts)

    def error(self, event: str, *args: object, **facts: Any) -> None:
        """Something did not work."""
        if self.threshold <= 40:
            self._write("error", event, args, facts)

    def critical(self, event: str, *args: object, **facts: Any) -> None:
        """Nothing works."""
        self._write("critical", event, args, facts)

    def exception(self, event: str, *args: object, **facts: Any) -> None:
        """Something did not work, with the exception at hand."""
        self._write("error", event, args, {"exc_info": True} | facts)

    def _write(self, level: str, event: str, args: tuple[object, ...], facts: dict[str, Any]) -> None:
        context = self._context
        _output.write(_finish(level, event % args if args else event, {**context, **facts} if context else facts))


def configure(level: str, *, stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream` (standard error), ours from `level` on, others' from warning on.

    A terminal gets coloured text, anything else JSON lines. An unknown level is `info`.
    """
    _output.stream = sys.stderr if stream is None else stream
    _output.render = terminal_lines if _output.stream.isatty() else json_line
    structlog.configure(
        processors=[],
        wrapper_class=_Logger,
        logger_factory=lambda *_names: _output,
        cache_logger_on_first_use=True,
    )
    set_level(level)
    handler = _Standard()
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def set_level(level: str) -> None:
    """Leave out what is less than `level`."""
    _Logger.threshold = _LEVELS.get(level.lower(), logging.INFO)


@contextlib.contextmanager
def gathered(later: Later = lambda _write: None) -> Iterator[None]:
    """Within, what this thread logs in one go is written in one go: `later` calls what it is given soon, in this thread.

    An event loop's `call_soon` is one; without it the lines are written at the end. A write releases the interpreter to
    other threads, and getting it back costs more than a line. Other threads' lines are written at once.
    """
    _output.gather(later)
    try:
        yield
    finally:
        _output.gather(None)


def json_line(event: Event) -> bytes:
    """One JSON object and a newline: time, level and name first. Text that is no valid Unicode is escaped."""
    try:
        line = _encode(event)
    except (UnicodeEncodeError, TypeError, ValueError, RecursionError):
        line = json.dumps(event, default=str).encode()
    # A look at the whole line is far cheaper than one at each value.
    if b"whsec_" in line or b"sk_live_" in line or b"sk_test_" in line or b"rk_" in line or b"pdl_" in line:
        line = redact(line.decode()).encode()
    return line + b"\n"


def terminal_lines(event: Event) -> str:
    """What a person glances at: an arrow in for an accepted delivery, an arrow out for what became of its event."""
    name = str(event.pop("event"))
    stamp, level = event.pop("at"), event.pop("level")
    if name == "webhook.accepted":
        text = f"--> {event.get('type')} [{event.get('provider_event_id')}]"
        return _painted(text, 34)
    word = name.removeprefix("event.")
    if name.startswith("event.") and word in _COLOURS:
        return _painted(_outcome(word, event), _COLOURS[word])
    details = " ".join(f"{key}={value}" for key, value in event.items() if value is not None and key != "exception")
    trace = f"\n{event['exception']}" if "exception" in event else ""
    clock = datetime.fromisoformat(stamp).astimezone().strftime("%H:%M:%S")
    return _painted(f"{clock} {name} {details}{trace}", 31 if level in ("error", "critical") else 0)


def redact(text: str) -> str:
    """`text` without anything that looks like a key or a signing secret."""
    return _TOKEN.sub("[redacted]", text)


class _Standard(logging.Handler):
    """The standard library's records (uvicorn, alembic, httpx) through the same formatter, URLs without their queries."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        message = record.getMessage()
        if record.name.startswith(("httpx", "httpcore")):
            message = _QUERY.sub("", message)
        facts: dict[str, Any] = {"logger": record.name}
        if record.exc_info:
            facts["exc_info"] = record.exc_info
        _output.write(_finish(record.levelname.lower(), message, facts))


_private: dict[str, bool] = {}


def _is_private(key: str) -> bool:
    found = _private.get(key)
    if found is None:
        found = _private[key] = _PRIVATE.search(key) is not None
    return found


def _finish(level: str, name: str, facts: Event) -> str | bytes:
    """Time, level and name in front, private keys out, rendered."""
    if "exc_info" in facts:
        facts = structlog.processors.format_exc_info(None, level, facts)
    done: Event = {"at": _now(), "level": level, "event": name}
    known = _private.get
    for key, value in facts.items():
        private = known(key)
        if private is None:
            private = _is_private(key)
        if not private:
            kind = type(value)
            done[key] = _clean(value) if kind is dict or kind is list else value
    return _output.render(done)


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _clean(inner) for key, inner in value.items() if not _is_private(str(key))}
    return [_clean(inner) for inner in value] if isinstance(value, list) else value


_second: tuple[int, str] = (0, "")


def _now() -> str:
    """The time in UTC to the millisecond; the part that changes once a second is kept."""
    global _second
    moment = time.time()
    whole = int(moment)
    known, text = _second
    if known != whole:
        text = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        _second = (whole, text)
    return f"{text}.{int((moment - whole) * 1000):03}+00:00"


def _outcome(word: str, event: Event) -> str:
    subject = " ".join(str(event[key]) for key in ("kind", "object_id") if event.get(key))
    took = f" {event['ms']:.0f} ms" if isinstance(event.get("ms"), int | float) else ""
    reason = f" ({event['reason']})" if event.get("reason") else ""
    return f"<-- {word} {subject}{took}{reason}"


def _painted(text: str, colour: int) -> str:
    shown = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in redact(text))
    return f"\x1b[{colour}m{shown}\x1b[0m\n" if colour else f"{shown}\n"


_output: Final = _Output()
