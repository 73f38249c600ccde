"""The resources of Paddle's API that we mirror, in the order in which they are swept: parents before children."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from service.errors import MappingError
from service.model import Kind, Snapshot
from service.provider import Listing
from service.providers.paddle.mapping.adjustment import adjustment
from service.providers.paddle.mapping.customer import customer
from service.providers.paddle.mapping.fields import Object
from service.providers.paddle.mapping.price import price
from service.providers.paddle.mapping.product import product
from service.providers.paddle.mapping.subscription import subscription
from service.providers.paddle.mapping.transaction import transaction

Mapper: TypeAlias = Callable[[Object, str | None], tuple[Snapshot, ...]]
_EVERY: Final = "active,archived"


class Resource(msgspec.Struct, frozen=True):
    """One resource. `source` is what its events' types begin with, `path` its collection under the API's root.

    `statuses` asks for what the list leaves out by default (archived objects). `single` is False where one object can only
    be read as a list of one. `rowless` says why an object that makes no row makes none.
    """

    source: str
    kind: Kind
    path: str
    mapper: Mapper
    feeds: tuple[Kind, ...] = ()
    filter: Literal["updated"] | None = None
    statuses: str | None = None
    single: bool = True
    rowless: str | None = None

    def snapshots(self, obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
        """Translate one object; raise `MappingError`, naming it, where it can't be."""
        try:
            return self.mapper(obj, raw)
        except MappingError as error:
            raise MappingError(f"{self.source} {str(obj.get('id'))[:80]!r}: {error}") from error

    @property
    def listing(self) -> Listing:
        """What the reconciler needs to know.

        Ids are sortable by time, and lists are asked for in ascending order. Only transactions can be filtered by a time
        (developer.paddle.com/api-reference/about/filter-search-sort).
        """
        return Listing(source=self.source, kind=self.kind, filter=self.filter, feeds=self.feeds)


RESOURCES: Final[Mapping[str, Resource]] = {
    each.source: each
    for each in (
        Resource("customer", "customer", "/customers", customer, statuses=_EVERY),
        Resource("product", "product", "/products", product, statuses=_EVERY),
        Resource("price", "price", "/prices", price, statuses=_EVERY),
        Resource("subscription", "subscription", "/subscriptions", subscription),
        Resource(
            "transaction",
            "invoice",
            "/transactions",
            transaction,
            feeds=("payment",),
            filter="updated",
            rowless="not_issued",
        ),
        Resource(
            "adjustment",
            "refund",
            "/adjustments",
            adjustment,
            feeds=("credit_note", "dispute"),
            single=False,
            rowless="unknown_action",
        ),
    )
}
