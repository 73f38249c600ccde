"""A delivery on its way into the inbox."""

from __future__ import annotations

from typing import Literal

import msgspec

from service.provider import Envelope

Source = Literal["webhook", "audit", "thin"]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One verified delivery (or one event fetched from the provider's log, which counts no delivery)."""

    account: str
    envelope: Envelope
    payload: bytes
    source: Source = "webhook"
    copies: int = 1

    @property
    def key(self) -> tuple[str, str]:
        """What makes storing happen once."""
        return self.account, self.envelope.event_id
