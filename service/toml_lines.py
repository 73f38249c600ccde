"""On which line of a TOML text a value stands. The standard library's reader does not say, so ever longer beginnings of the
text are read until the value is there: slow, and only ever done for an error message. Pure.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

# What may be open at the end of a beginning that is cut within a value of several lines.
_CLOSERS: Final = ("", "\n]", "\n]]", '"""', "'''", '"""\n]', "'''\n]")
_POSITION: Final = re.compile(r"(?P<reason>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)")


def line_of(text: str, steps: tuple[str | int, ...]) -> int:
    """The line, from 1, on which the value at `steps` begins; where it is missing, that of the table that lacks it."""
    lines = text.split("\n")
    for depth in range(len(steps), 0, -1):
        for end in range(1, len(lines) + 1):
            if _holds("\n".join(lines[:end]), steps[:depth]):
                return end
    return 1


def of_error(text: str, message: str) -> tuple[int, str]:
    """The line that a `TOMLDecodeError` speaks of, and its reason without the position."""
    found = _POSITION.fullmatch(message)
    last = text.rstrip().count("\n") + 1
    if found is None:
        return last, message
    return int(found["line"] or last), found["reason"]


def _holds(text: str, steps: tuple[str | int, ...]) -> bool:
    return any(_reaches(text + closer, steps) for closer in _CLOSERS)


def _reaches(text: str, steps: tuple[str | int, ...]) -> bool:
    try:
        value: Any = tomllib.loads(text)
        for step in steps:
            value = value[step]
    except (tomllib.TOMLDecodeError, LookupError, TypeError):
        return False
    return True
