"""The resources of Lemon Squeezy's API that we mirror, in the order in which they are swept: parents before children."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import msgspec

from service.errors import MappingError
from service.model import Kind, Snapshot
from service.provider import Listing
from service.providers.lemonsqueezy.mapping.customer import customer
from service.providers.lemonsqueezy.mapping.fields import Thing
from service.providers.lemonsqueezy.mapping.order import order
from service.providers.lemonsqueezy.mapping.price import price
from service.providers.lemonsqueezy.mapping.product import product
from service.providers.lemonsqueezy.mapping.subscription import subscription
from service.providers.lemonsqueezy.mapping.subscription_invoice import failed_invoice, subscription_invoice

Mapper: TypeAlias = Callable[[Thing], tuple[Snapshot, ...]]


class Resource(msgspec.Struct, frozen=True):
    """One resource. `source` is its JSON:API type and its collection under `/v1`, `kind` the rows it feeds.

    `failed` translates the object of an event that tells of a failed attempt. `feeds` are further kinds of rows. `by_store`:
    its list takes `filter[store_id]`. `include` is what is asked for beside it.
    """

    source: str
    kind: Kind
    mapper: Mapper
    failed: Mapper | None = None
    feeds: tuple[Kind, ...] = ()
    by_store: bool = True
    include: str | None = None

    @property
    def path(self) -> str:
        """Its collection."""
        return f"/v1/{self.source}"

    def snapshots(self, thing: Thing, *, failed: bool = False) -> tuple[Snapshot, ...]:
        """Translate one object; raise `MappingError`, naming it, where it can't be."""
        if thing.source != self.source:
            raise MappingError(f"expected an object of {self.source}, got one of {thing.source[:40]!r}")
        try:
            return (self.failed if failed and self.failed else self.mapper)(thing)
        except MappingError as error:
            raise MappingError(f"{self.source} {thing.id[:80]!r}: {error}") from error

    @property
    def listing(self) -> Listing:
        """What the reconciler needs to know.

        Lists have numbered pages and no filter by time (`@lemonsqueezy/lemonsqueezy.js` 4.0.0). That the newest object
        comes first is an assumption: no order is documented, and `listing` survives either.
        """
        return Listing(source=self.source, kind=self.kind, filter=None, shifts=True, feeds=self.feeds)


# A list of prices can't be limited to a store; each names its variant, which names its product, which names its store.
RESOURCES: Final[Mapping[str, Resource]] = {
    each.source: each
    for each in (
        Resource("customers", "customer", customer),
        Resource("products", "product", product),
        Resource("prices", "price", price, by_store=False, include="variant"),
        Resource("subscriptions", "subscription", subscription),
        Resource("orders", "invoice", order, feeds=("payment", "refund")),
        Resource(
            "subscription-invoices",
            "invoice",
            subscription_invoice,
            failed=failed_invoice,
            feeds=("payment", "refund"),
        ),
    )
}
