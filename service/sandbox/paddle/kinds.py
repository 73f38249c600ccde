"""What an operation accepts: kinds of values, in JSON and in a query, and Paddle's errors for what does not fit."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from service.sandbox.paddle.errors import invalid
from service.sandbox.paddle.times import micros
from service.sandbox.paddle.times import text as printed

Json = dict[str, Any]
Kind = Callable[[Any], Any]
"""Turns what was sent into a value; raises `Unfit`."""


class Unfit(Exception):
    """A value that does not fit; `problems` are pairs of the path below the value and what is wrong."""

    def __init__(self, message: str, *, at: str = "") -> None:
        super().__init__(message)
        self.problems = [(at, message)]


def text(most: int = 1_024) -> Kind:
    """Text that is not empty."""

    def kind(value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise Unfit("must be a non-empty string")
        if len(value) > most:
            raise Unfit(f"maximum length of {most} exceeded. provided value length: {len(value)}")
        return value

    return kind


def email(value: Any) -> str:
    """An e-mail address."""
    if not isinstance(value, str) or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        raise Unfit("must be a valid email")
    return value


def amount(value: Any) -> str:
    """An amount in the currency's lowest unit, as text: digits only."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,18}", value):
        raise Unfit("must be a string of digits, in the lowest denomination of the currency")
    return value


def whole(least: int, most: int) -> Kind:
    """A number of JSON, whole and within bounds."""

    def kind(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise Unfit(f"must be an integer between {least} and {most}")
        return value

    return kind


def boolean(value: Any) -> bool:
    """`true` or `false` of JSON."""
    if not isinstance(value, bool):
        raise Unfit("must be a boolean")
    return value


def one_of(*choices: Any) -> Kind:
    """One of `choices`."""

    def kind(value: Any) -> Any:
        if not any(type(value) is type(each) and value == each for each in choices):
            raise Unfit(f"must be one of {', '.join(map(str, choices))}")
        return value

    return kind


def custom_data(value: Any) -> Json | None:
    """Any JSON object, or null, kept as events will tell it: in a copy that was printed and read once."""
    if value is not None and not isinstance(value, dict):
        raise Unfit("must be an object")
    try:
        kept: Json | None = msgspec.json.decode(msgspec.json.encode(value))
    except (OverflowError, ValueError, RecursionError):
        raise Unfit("must be an object of plain JSON") from None
    return kept


def nothing(value: Any) -> None:
    """Null and nothing else."""
    if value is not None:
        raise Unfit("must be null")


def nullable(inner: Kind) -> Kind:
    """A value of a kind, or null."""
    return lambda value: None if value is None else inner(value)


def moment(value: Any) -> str:
    """An RFC 3339 time with a zone, printed as Paddle prints it."""
    try:
        return printed(micros(value))
    except (TypeError, ValueError, OverflowError):
        raise Unfit("must be a valid RFC 3339 datetime") from None


def id_of(*prefixes: str) -> Kind:
    """A Paddle id with one of these prefixes."""

    def kind(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(rf"({'|'.join(prefixes)})_[a-z\d]{{26}}", value):
            raise Unfit(f"must be a valid Paddle ID prefixed with {' or '.join(prefixes)}_")
        return value

    return kind


def list_of(inner: Kind, *, least: int = 0, most: int = 100) -> Kind:
    """A list of values of one kind."""

    def kind(value: Any) -> list[Any]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise Unfit(f"must be an array of {least} to {most} elements")
        return [_below(f".{at}", inner, each) for at, each in enumerate(value)]

    return kind


def csv(inner: Kind) -> Kind:
    """Values of one kind in a query, separated by commas."""
    return lambda value: frozenset(inner(each) for each in str(value).split(","))


def flag(value: Any) -> bool:
    """`true` or `false` in a query."""
    return bool(one_of("true", "false")(value) == "true")


class Fields:
    """An object with these fields and no others. `needs` lists the required ones, separated by spaces."""

    def __init__(self, needs: str = "", /, **kinds: Kind) -> None:
        self.needs, self.kinds = needs.split(), kinds

    def plus(self, kinds: dict[str, Kind]) -> "Fields":
        """The same fields and some more."""
        return Fields(" ".join(self.needs), **self.kinds, **kinds)

    def __call__(self, value: Any) -> Json:
        """Read a nested object."""
        if not isinstance(value, dict):
            raise Unfit("must be an object")
        problems = [(name, "is not allowed") for name in value if name not in self.kinds]
        problems += [(name, "must be provided as part of the request") for name in self.needs if name not in value]
        found = {}
        for name, each in value.items():
            if name in self.kinds:
                try:
                    found[name] = self.kinds[name](each)
                except Unfit as unfit:
                    problems += [(name + path, message) for path, message in unfit.problems]
        if problems:
            raise _unfit([(f".{path}", message) for path, message in problems])
        return found

    def read(self, sent: Any) -> Json:
        """Read all that was sent.

        Raises:
            SandboxError: Paddle's `invalid_field`, with every field that is unknown, missing or wrong.
        """
        try:
            return self(sent)
        except Unfit as unfit:
            raise invalid((path.lstrip("."), message) for path, message in unfit.problems) from None


def _below(path: str, inner: Kind, value: Any) -> Any:
    try:
        return inner(value)
    except Unfit as unfit:
        raise _unfit([(path + below, message) for below, message in unfit.problems]) from None


def _unfit(problems: list[tuple[str, str]]) -> Unfit:
    unfit = Unfit("does not pass validation")
    unfit.problems = problems
    return unfit


DURATION = Fields("interval frequency", interval=one_of("day", "week", "month", "year"), frequency=whole(1, 999))
PERIOD = Fields("starts_at ends_at", starts_at=moment, ends_at=moment)
