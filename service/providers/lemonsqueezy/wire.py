"""Lemon Squeezy's API as the shared transport needs to know it."""

from __future__ import annotations

import re
from typing import Any, Final

import httpx
import msgspec

from service.refusals import body_of
from service.transport import Api

MEDIA_TYPE: Final = "application/vnd.api+json"
_SPACE: Final = re.compile(r"[ -]+")


def _words(response: httpx.Response) -> list[object]:
    """A JSON:API error as two words: its title (`not_found`) and the field that it is about (`url`)."""
    errors = body_of(response.content).get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return []
    source = first.get("source")
    pointer = source.get("pointer") if isinstance(source, dict) else None
    return [_word(first.get("title")), _word(pointer)]


def _word(value: object) -> str | None:
    return _SPACE.sub("_", value.rpartition("/")[2].strip().lower()) if isinstance(value, str) else None


# Both media types go with every request, reads included: docs.lemonsqueezy.com/api/getting-started/requests.
API: Final = Api(
    name="Lemon Squeezy",
    base="https://api.lemonsqueezy.com",
    headers={"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE},
    words=_words,
)


class Document(msgspec.Struct, frozen=True):
    """A JSON:API document about one object: its exact text, and what was included beside it."""

    data: msgspec.Raw
    meta: dict[str, Any] | None = None
    included: list[dict[str, Any]] | None = None
