"""Bearer tokens: `TALLYHOOK_API_TOKEN`, a comma-separated list of `token` (may write) or `token:read`."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from service.errors import ConfigError
from service.http.api.problem import Refused

Scope = Literal["read", "write"]
SHORTEST: Final = 16
_NAME: Final = "TALLYHOOK_API_TOKEN"
_SHAPE: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # what a bearer token may consist of (RFC 6750)
_CHALLENGE: Final = {"www-authenticate": 'Bearer realm="tallyhook"'}
_BAD: Final = {"www-authenticate": 'Bearer realm="tallyhook", error="invalid_token"'}


class Caller(msgspec.Struct, frozen=True):
    """Who asks: the position of the token in the setting, and what it may."""

    number: int
    scope: Scope


class Tokens:
    """The configured tokens. Only their digests are kept, and each request is compared with every one of them."""

    def __init__(self, configured: Sequence[str]) -> None:
        """Raises `ConfigError`, which tells a token by its position only."""
        self._known: list[tuple[bytes, Caller]] = []
        for number, each in enumerate(configured, 1):
            token, scope = _split(number, each)
            digest = _digest(token.encode())
            if any(hmac.compare_digest(digest, known) for known, _ in self._known):
                raise ConfigError(f"{_NAME}: token {number} is there twice; remove one")
            self._known.append((digest, Caller(number, scope)))

    def __bool__(self) -> bool:
        return bool(self._known)

    def caller(self, headers: Sequence[tuple[bytes, bytes]]) -> Caller:
        """Who asks. Raises `Refused` (`missing_token`, `bad_token`). Takes as long whichever token was meant."""
        given = [value for name, value in headers if name == b"authorization"]
        if len(given) != 1 or given[0][:7].lower() != b"bearer ":
            raise Refused("missing_token", "send one header 'Authorization: Bearer TOKEN'", headers=_CHALLENGE)
        digest = _digest(given[0][7:].strip())
        found = [caller for known, caller in self._known if hmac.compare_digest(digest, known)]
        if not found:
            raise Refused("bad_token", "no configured token is this one", headers=_BAD)
        return found[0]


def _split(number: int, configured: str) -> tuple[str, Scope]:
    token, colon, scope = configured.partition(":")
    if colon and scope not in ("read", "write"):
        raise ConfigError(f"{_NAME}: token {number}: after the colon only `read` (or `write`) may stand")
    if len(token) < SHORTEST:
        raise ConfigError(
            f"{_NAME}: token {number} has {len(token)} characters; use at least {SHORTEST}, at random:"
            ' python -c "import secrets; print(secrets.token_urlsafe())"'
        )
    if not _SHAPE.fullmatch(token):
        raise ConfigError(f"{_NAME}: token {number}: a token consists of letters, digits and . _ ~ + / - =")
    return token, "read" if scope == "read" else "write"


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
