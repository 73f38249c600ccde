"""Which store sells a product, and in what currency: what a price's own object does not tell."""

from __future__ import annotations

from service.errors import NotFound
from service.providers.lemonsqueezy.listing import opened, read_all
from service.providers.lemonsqueezy.wire import Document
from service.reading import Object, currency, key, part
from service.transport import Transport, segment


class Catalogue:
    """The stores and products that a key sees, read when they are first asked for. A product never changes its store."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._stores: dict[str, str | None] = {}
        self._products: dict[str, str | None] = {}

    def currency_of(self, store_id: str | None) -> str | None:
        """The currency of a store's prices; None where the key does not see the store."""
        if not self._stores:
            self._stores = {str(each["id"]): currency(part(each, "attributes")) for each in self.stores()}
        return self._stores.get(store_id or "")

    def stores(self) -> list[Object]:
        """All stores of the key."""
        return read_all(self._transport, "/v1/stores", {}, "stores", reserve=True)

    def store_of(self, product_id: str | None) -> str | None:
        """The store of a product; None where it can't be known, because the product is gone."""
        if product_id is None:
            return None
        if not self._products:
            found = read_all(self._transport, "/v1/products", {}, "products", reserve=False)
            self._products = {str(each["id"]): _store_of(each) for each in found}
        if product_id not in self._products:
            self._products[product_id] = self._read(product_id)
        return self._products[product_id]

    def _read(self, product_id: str) -> str | None:
        try:
            answer = self._transport.get(f"/v1/products/{segment(product_id)}", reserve=True)
        except NotFound:
            return None
        document: Document = answer.decoded(Document)
        return _store_of(opened(answer, bytes(document.data), "products"))


def _store_of(product: Object) -> str | None:
    return key(part(product, "attributes"), "store_id")
