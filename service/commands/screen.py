"""What commands print: one JSON document, or tables and sentences for a person. Always on standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.moments import clock, iso

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_WIDE = 220


def document(value: Any) -> None:
    """Print one JSON document; times are in the system's zone, with their offset."""
    plain = msgspec.to_builtins(value, builtin_types=(datetime, bytes))
    text = msgspec.json.format(msgspec.json.encode(_in_zone(plain)), indent=2).decode()
    sys.stdout.write(text + "\n")


def table(title: str, columns: Sequence[str], records: Iterable[Mapping[str, Any]]) -> None:
    """Print records as a table; nothing is cut off where the output is not a terminal."""
    shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD, title_style="bold")
    for name in columns:
        shown.add_column(name, overflow="fold")
    for record in records:
        shown.add_row(*(_cell(record.get(name)) for name in columns))
    _console().print(shown)


def say(text: str, style: str = "") -> None:
    """Print a sentence."""
    _console().print(Text(harmless(text), style=style), soft_wrap=True)


def note(text: str) -> None:
    """Say something that is not the answer, on standard error."""
    sys.stderr.write(harmless(text) + "\n")


def harmless(text: str) -> str:
    """`text` without control characters: a provider's strings must not steer the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def _console() -> Console:
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else _WIDE, highlight=False)


def _cell(value: Any) -> Text:
    if value is None:
        return Text("-", style="dim")
    return Text(harmless(clock(value) if isinstance(value, datetime) else str(value)))


def _in_zone(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, dict):
        return {str(name): _in_zone(inner) for name, inner in value.items()}
    return [_in_zone(inner) for inner in value] if isinstance(value, list | tuple) else value
