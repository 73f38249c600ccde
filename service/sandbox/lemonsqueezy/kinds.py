"""What attributes may be: kinds of JSON values, and Lemon Squeezy's words for what does not fit."""

import re
from collections.abc import Callable
from typing import Any

from service.sandbox.lemonsqueezy.errors import Problem
from service.sandbox.lemonsqueezy.times import stamp, unix

Json = dict[str, Any]
Kind = Callable[[Any, str], Any]
"""Turns a JSON value at a pointer into the one to keep, or raises `Unfit`."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"https?://[^\s/]+\S*")


class Unfit(Exception):
    """Values that do not fit: where each stands, and what is wrong with it."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(str(problems))
        self.problems = list(problems)


def _bad(pointer: str, says: str) -> Unfit:
    name = pointer.rpartition("/")[2].replace("_", " ")
    return Unfit((pointer, f"The {name} {says}"))


def text(value: Any, pointer: str) -> str:
    """Text of 1 to 255 characters."""
    if not isinstance(value, str):
        raise _bad(pointer, "field must be a string.")
    if not value.strip():
        raise _bad(pointer, "field is required.")
    if len(value) > 255:
        raise _bad(pointer, "field must not be greater than 255 characters.")
    return value


def email(value: Any, pointer: str) -> str:
    """An address."""
    if not _EMAIL.fullmatch(text(value, pointer)):
        raise _bad(pointer, "field must be a valid email address.")
    return str(value)


def url(value: Any, pointer: str) -> str:
    """A web address."""
    if not _URL.fullmatch(text(value, pointer)):
        raise _bad(pointer, "field must be a valid URL.")
    return str(value)


def secret(value: Any, pointer: str) -> str:
    """A signing secret of 6 to 40 characters."""
    if not 6 <= len(text(value, pointer)) <= 40:
        raise _bad(pointer, "field must be between 6 and 40 characters.")
    return str(value)


def integer(value: Any, pointer: str) -> int:
    """A whole number, not a text of digits."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise _bad(pointer, "field must be an integer.")
    if abs(value) > 2**53:
        raise _bad(pointer, "field is out of range.")
    return value


def at_least(least: int, most: int | None = None) -> Kind:
    """A whole number within bounds."""

    def kind(value: Any, pointer: str) -> int:
        number = integer(value, pointer)
        if number < least:
            raise _bad(pointer, f"field must be at least {least}.")
        if most is not None and number > most:
            raise _bad(pointer, f"field must not be greater than {most}.")
        return number

    return kind


def boolean(value: Any, pointer: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise _bad(pointer, "field must be true or false.")
    return value


def moment(value: Any, pointer: str) -> str:
    """An ISO 8601 time, kept in Lemon Squeezy's own form."""
    try:
        return stamp(unix(text(value, pointer)))
    except ValueError:
        raise _bad(pointer, "field must be a valid date.") from None


def anything(value: Any, _pointer: str) -> Any:
    """Any value, kept as it was sent."""
    return value


def hash_of(inner: Kind) -> Kind:
    """An object with any names."""

    def kind(value: Any, pointer: str) -> Json:
        if not isinstance(value, dict):
            raise _bad(pointer, "field must be an object.")
        return {name: inner(each, f"{pointer}/{name}") for name, each in value.items()}

    return kind


def one_of(*choices: str) -> Kind:
    """One of `choices`."""

    def kind(value: Any, pointer: str) -> str:
        if not isinstance(value, str) or value not in choices:
            raise _bad(pointer, "field is invalid.")
        return value

    return kind


def list_of(inner: Kind, *, least: int = 0) -> Kind:
    """A list of values of one kind."""

    def kind(value: Any, pointer: str) -> list[Any]:
        if not isinstance(value, list):
            raise _bad(pointer, "field must be an array.")
        if len(value) < least:
            raise _bad(pointer, "field is required.")
        return [inner(each, f"{pointer}/{at}") for at, each in enumerate(value)]

    return kind


def nullable(inner: Kind) -> Kind:
    """A value of a kind, or null."""
    return lambda value, pointer: None if value is None else inner(value, pointer)


class Fields:
    """An object with these fields and no others. `needs` lists the required ones, separated by spaces."""

    def __init__(self, needs: str = "", /, **kinds: Kind) -> None:
        self.needs, self.kinds = needs.split(), kinds

    def __call__(self, value: Any, pointer: str) -> Json:
        """Read all of an object: unknown, missing and unfit fields are reported together."""
        if not isinstance(value, dict):
            raise _bad(pointer, "field must be an object.")
        problems = self._strange(value, pointer)
        read: Json = {}
        for name in value:
            try:
                read[name] = self.kinds.get(name, anything)(value[name], f"{pointer}/{name}")
            except Unfit as unfit:
                problems += unfit.problems
        if problems:
            raise Unfit(*problems)
        return read

    def _strange(self, value: Json, pointer: str) -> list[Problem]:
        unknown = [(f"{pointer}/{name}", f"The field {name} is not supported.") for name in value if self._no(name)]
        missing = [(f"{pointer}/{name}", f"The {name} field is required.") for name in self.needs if name not in value]
        return unknown + missing

    def _no(self, name: str) -> bool:
        return name not in self.kinds


NOTHING = Fields()
