"""The resources of Stripe's API that we mirror, in the order in which they are swept: parents before children."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import msgspec

from service.errors import MappingError
from service.model import Kind, Snapshot
from service.provider import Listing
from service.providers.stripe.mapping.charge import charge
from service.providers.stripe.mapping.credit_note import credit_note
from service.providers.stripe.mapping.customer import customer
from service.providers.stripe.mapping.dispute import dispute
from service.providers.stripe.mapping.fields import Object, truncated
from service.providers.stripe.mapping.invoice import invoice
from service.providers.stripe.mapping.invoice_payment import invoice_payment
from service.providers.stripe.mapping.payment_intent import payment_intent
from service.providers.stripe.mapping.price import price
from service.providers.stripe.mapping.product import product
from service.providers.stripe.mapping.refund import refund
from service.providers.stripe.mapping.subscription import subscription

Mapper: TypeAlias = Callable[[Object, str | None], tuple[Snapshot, ...]]
_NAME: Final = re.compile(r"[a-z0-9_.]{1,40}")


class Resource(msgspec.Struct, frozen=True):
    """One resource. `source` is Stripe's own `object` name, `path` its collection under the API's root.

    `nested` is the list inside the object that belongs to its content, and that Stripe may cut off after a page.
    `owns_row` is False where another resource owns the row that this one adds to.
    """

    source: str
    kind: Kind
    path: str
    mapper: Mapper
    nested: str | None = None
    owns_row: bool = True

    def snapshots(self, obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
        """Translate one object; raise `MappingError`, naming it, where it can't be."""
        found = obj.get("object")
        try:
            if found != self.source:
                raise MappingError(f"expected the object {self.source}, got {_named(found)}")
            return self.mapper(obj, raw)
        except MappingError as error:
            raise MappingError(f"{self.source} {str(obj.get('id'))[:80]!r}: {error}") from error

    def truncated(self, obj: Object) -> bool:
        """True if the object carries only a part of its content."""
        return self.nested is not None and truncated(obj, self.nested)

    @property
    def listing(self) -> Listing:
        """What the reconciler needs to know; every one of these lists takes `created` (stripe-python 16.1.0)."""
        return Listing(source=self.source, kind=self.kind, filter="created", owns_row=self.owns_row)


RESOURCES: Final[Mapping[str, Resource]] = {
    each.source: each
    for each in (
        Resource("customer", "customer", "/v1/customers", customer),
        Resource("product", "product", "/v1/products", product),
        Resource("price", "price", "/v1/prices", price),
        Resource("subscription", "subscription", "/v1/subscriptions", subscription, nested="items"),
        Resource("invoice", "invoice", "/v1/invoices", invoice, nested="lines"),
        Resource("invoice_payment", "payment", "/v1/invoice_payments", invoice_payment, owns_row=False),
        Resource("payment_intent", "payment", "/v1/payment_intents", payment_intent),
        Resource("charge", "payment", "/v1/charges", charge, owns_row=False),
        Resource("refund", "refund", "/v1/refunds", refund),
        Resource("dispute", "dispute", "/v1/disputes", dispute),
        Resource("credit_note", "credit_note", "/v1/credit_notes", credit_note),
    )
}


def _named(value: object) -> str:
    """A name of Stripe's own, which may stand in a message; anything else is only told by its type."""
    return value if type(value) is str and _NAME.fullmatch(value) else f"a {type(value).__name__}"
