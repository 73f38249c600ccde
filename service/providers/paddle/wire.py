"""Paddle's API as the shared transport needs to know it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import httpx
import msgspec

from service.refusals import body_of
from service.transport import Api

API_VERSION: Final = "1"
"""The only version of Paddle Billing's API; it is sent with every request and asked for with every destination."""
MODES: Final[Mapping[str, str]] = {"pdl_live_": "live", "pdl_sdbx_": "test"}
"""What the first nine characters of an API key say (developer.paddle.com, data types). Older keys have no prefix."""
_SANDBOX: Final = "https://sandbox-api.paddle.com"


def api(api_key: str) -> Api:
    """The API that a key belongs to: the sandbox is another host with other keys. A key without a prefix is a live one."""
    return msgspec.structs.replace(API, base=_SANDBOX) if mode(api_key) == "test" else API


def mode(api_key: str | None) -> str | None:
    """`live` or `test` by the key's prefix; None where it has none."""
    return MODES.get(api_key[:9]) if api_key else None


def _words(response: httpx.Response) -> list[object]:
    body = body_of(response.content)
    error, meta = body.get("error"), body.get("meta")
    request_id = meta.get("request_id") if isinstance(meta, dict) else None
    return [
        error.get("code") if isinstance(error, dict) else None,
        # A UUID; the words of a message have no hyphens.
        request_id.replace("-", "") if isinstance(request_id, str) else None,
    ]


API: Final = Api(name="Paddle", base="https://api.paddle.com", headers={"Paddle-Version": API_VERSION}, words=_words)
