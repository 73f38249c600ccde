"""What an operation accepts: form decoding, kinds of values, and Stripe's errors for what does not fit."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from service.sandbox.stripe.errors import invalid, missing_parameter, unknown_parameter

Json = dict[str, Any]
Kind = Callable[[Any, str], Any]
"""Turns what was sent, text or nested, into a value; raises Stripe's error that names the parameter."""

_STEP = re.compile(r"\[([^\]]*)\]")


def from_form(text: str) -> Json:
    """Nested parameters from a form body or a query string: `items[0][price]=x` is `{"items": [{"price": "x"}]}`."""
    root: Json = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, _, rest = name.partition("[")
        _place(root, [head, *_STEP.findall("[" + rest if rest else "")], value)
    return {name: _lists(value) for name, value in root.items()}


def _place(at: Json, steps: list[str], value: str) -> None:
    for step in steps[:-1]:
        below = at.setdefault(step or str(len(at)), {})
        if not isinstance(below, dict):
            raise invalid("Invalid hash", step)
        at = below
    at[steps[-1] or str(len(at))] = value


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _lists(each) for name, each in value.items()}
    return list(inner.values()) if inner and all(name.isdigit() for name in inner) else inner


def from_python(value: Any) -> Any:
    """The same nested parameters from Python values, with every leaf as the wire would carry it."""
    if isinstance(value, dict):
        return {str(name): from_python(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [from_python(each) for each in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def text(value: Any, path: str) -> str:
    """Text that is not empty."""
    if not isinstance(value, str):
        raise invalid(f"Invalid string: {value}", path)
    if value == "":
        raise _empty(path)
    return value


def clearable(value: Any, path: str) -> str | None:
    """Text; an empty value unsets the attribute."""
    return None if value == "" else text(value, path)


def integer(value: Any, path: str) -> int:
    """A whole number."""
    if value == "":
        raise _empty(path)
    try:
        return int(value)
    except (TypeError, ValueError):
        raise invalid(f"Invalid integer: {value}", path, code="parameter_invalid_integer") from None


def natural(value: Any, path: str) -> int:
    """A whole number, zero or more."""
    number = integer(value, path)
    if number < 0:
        message = "This value must be greater than or equal to 0."
        raise invalid(message, path, code="parameter_invalid_integer")
    return number


def moment(value: Any, path: str) -> int:
    """Unix seconds."""
    return natural(value, path)


def moment_or(*words: str) -> Kind:
    """Unix seconds, or one of `words`; an empty value unsets the attribute."""

    def kind(value: Any, path: str) -> int | str | None:
        return None if value == "" else value if value in words else moment(value, path)

    return kind


def boolean(value: Any, path: str) -> bool:
    """`true` or `false`."""
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", path)
    return bool(value == "true")


def decimal(value: Any, path: str) -> str:
    """A decimal number, kept as text."""
    if not re.fullmatch(r"-?\d+(\.\d{1,12})?", str(value)):
        raise invalid(f"Invalid decimal: {value}", path, code="parameter_invalid_decimal")
    return str(value)


def anything(value: Any, _path: str) -> Any:
    """Any value, kept as it was sent."""
    return value


def metadata(value: Any, path: str) -> Json | None:
    """Text by name, at most 50 keys; an empty value unsets a key, or all of them."""
    if value == "":
        return None
    if not isinstance(value, dict):
        raise invalid("Invalid hash", path)
    if len(value) > 50:
        raise invalid("You can only have up to 50 metadata keys per object.", path)
    return {name: text(each, f"{path}[{name}]") if each != "" else "" for name, each in value.items()}


def one_of(*choices: str) -> Kind:
    """One of `choices`."""

    def kind(value: Any, path: str) -> str:
        if value == "":
            raise _empty(path)
        if value in choices:
            return str(value)
        listed = ", ".join(choices[:-1]) + f", or {choices[-1]}" if len(choices) > 1 else choices[0]
        raise invalid(f"Invalid {path}: must be one of {listed}", path)

    return kind


def list_of(inner: Kind, *, most: int = 100) -> Kind:
    """A list of values of one kind; an empty value is an empty list."""

    def kind(value: Any, path: str) -> list[Any]:
        if value == "":
            return []
        if not isinstance(value, list):
            raise invalid("Invalid array", path)
        if len(value) > most:
            raise invalid(f"Array {path} exceeded maximum {most} allowed elements.", path)
        return [inner(each, f"{path}[{at}]") for at, each in enumerate(value)]

    return kind


class Fields:
    """A hash with these fields and no others. `needs` lists the required ones, separated by spaces."""

    def __init__(self, needs: str = "", /, **kinds: Kind) -> None:
        self.needs, self.kinds = needs.split(), kinds

    def plus(self, needs: str = "", /, **kinds: Kind) -> "Fields":
        """The same fields and some more."""
        return Fields(" ".join([*self.needs, *needs.split()]), **self.kinds, **kinds)

    def __call__(self, value: Any, path: str) -> Any:
        """Read a nested hash, which can't be unset."""
        if value == "":
            raise _empty(path)
        return self.read(value, path)

    def read(self, sent: Any, path: str = "") -> Json:
        """Read what was sent, all of it: an unknown or a missing field is an error."""
        if not isinstance(sent, dict):
            raise invalid("Invalid hash", path)
        unknown = [_join(path, name) for name in sent if name not in self.kinds]
        if unknown:
            raise unknown_parameter(unknown)
        for name in self.needs:
            if name not in sent:
                raise missing_parameter(_join(path, name))
        return {name: self.kinds[name](value, _join(path, name)) for name, value in sent.items()}


def unsettable(inner: Kind) -> Kind:
    """A value of a kind; an empty value unsets the attribute."""
    return lambda value, path: None if value == "" else inner(value, path)


def span(value: Any, path: str) -> Json:
    """A range of moments: one moment, or any of `gt`, `gte`, `lt`, `lte`."""
    if isinstance(value, dict):
        return _BOUNDS.read(value, path)
    at = moment(value, path)
    return {"gte": at, "lte": at}


_BOUNDS = Fields(gt=moment, gte=moment, lt=moment, lte=moment)


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _empty(path: str) -> Exception:
    message = (
        f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a parameter; however "
        f"'{path}' cannot be unset. You should remove '{path}' from your request or supply a non-empty value."
    )
    return invalid(message, path, code="parameter_invalid_empty")
