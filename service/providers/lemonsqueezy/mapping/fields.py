"""What every mapping starts from: one JSON:API object, and what was told beside it."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from service.errors import MappingError
from service.model import Fields, Kind, Snapshot
from service.providers.lemonsqueezy.money import Money
from service.reading import Object, instant, own_key, part, text


class Thing:
    """One object: its attributes, its JSON text, and what its document said beside it.

    `user_id` is the application's own (`meta.custom_data`, in events only). `product_id`, `store_id` and
    `store_currency` are what the reader looked up for a price, which names none of them.
    """

    def __init__(
        self,
        obj: Object,
        raw: str | None = None,
        *,
        user_id: str | None = None,
        product_id: str | None = None,
        store_id: str | None = None,
        store_currency: str | None = None,
    ) -> None:
        self.obj, self.raw = obj, raw
        self.user_id = user_id
        self.product_id, self.store_id, self.store_currency = product_id, store_id, store_currency
        self.source = text(obj, "type") or ""
        self.id = own_key(obj)

    @cached_property
    def attributes(self) -> Object:
        """All that the object says of itself but its type and id."""
        found = part(self.obj, "attributes")
        if not found:
            raise MappingError("it has no attributes")
        return found

    @property
    def row(self) -> str:
        """The id of the row where several types feed one table: ids are unique within their type only."""
        return f"{self.source}:{self.id}"

    @cached_property
    def money(self) -> Money:
        """The object's amounts."""
        return Money(self.attributes)

    @property
    def updated_at(self) -> datetime:
        """The object's own version, which it must have: nothing else tells which of two states is the later one."""
        moment = instant(self.attributes, "updated_at")
        if moment is None:
            raise MappingError("it has no updated_at, so nothing tells how new it is")
        return moment

    def snapshot(self, kind: Kind, id_: str, fields: Fields, *, source: str | None = None) -> Snapshot:
        """The object as seen, feeding the row `id_`."""
        return Snapshot(
            source=source or self.source,
            source_id=self.id,
            kind=kind,
            id=id_,
            fields=fields,
            raw=self.raw,
            as_of=self.updated_at,
        )
