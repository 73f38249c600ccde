"""The write side of one Lemon Squeezy account. Facts: docs.lemonsqueezy.com/api, `@lemonsqueezy/lemonsqueezy.js` 4.0.0.

There are no idempotency keys, so each request is sent once. Whether one whose answer was lost took effect is seen from lists and
objects: customers by e-mail address, checkouts by our call's id in their custom data, refunds by how `refunded_amount` grew.
A subscription is only ever begun by a buyer at a checkout; a checkout that nobody finishes costs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

from service.errors import BadRequest, NotFound, NotSupported, Undecided
from service.model import Kind
from service.provider import Connection, Read
from service.providers.lemonsqueezy import requests
from service.providers.lemonsqueezy.listing import Walk, opened, read_all, read_slice
from service.providers.lemonsqueezy.mapping.fields import Thing
from service.providers.lemonsqueezy.money import places, rescaled
from service.providers.lemonsqueezy.resources import RESOURCES
from service.providers.lemonsqueezy.wire import API, Document
from service.reading import Object
from service.transport import Answer, Params, Sleep, Transport, segment
from service.write_port import (
    Call,
    CancelSubscription,
    ChangePlan,
    CreateCustomer,
    CreateSubscription,
    Operation,
    RefundPayment,
    ResumeSubscription,
    Written,
    prepared,
    with_user,
)

_ABOUT_SUBSCRIPTIONS = CancelSubscription | ResumeSubscription | ChangePlan


class LemonSqueezyWriter:
    """`service.write_port.Writer` for Lemon Squeezy."""

    keys_last: timedelta | None = None
    # Objects are read as they are; the margin is for a request that is still under way.
    absence_after = timedelta(minutes=15)

    def __init__(self, connection: Connection, sleep: Sleep = time.sleep) -> None:
        self._transport = Transport(API, connection, sleep)
        self._store_id = connection.extra.get("store_id")

    def prepare(self, operation: Operation) -> Operation:
        """Look up the store, what a resume undoes, and what was given back already."""
        if isinstance(operation, CreateCustomer):
            return prepared(operation, store_id=self._store())
        if isinstance(operation, CreateSubscription):
            return self._sellable(operation)
        if isinstance(operation, CancelSubscription) and not operation.at_period_end:
            raise NotSupported(
                "Lemon Squeezy's API can't end a subscription at once",
                "cancel at the period's end, and refund if need be",
            )
        if isinstance(operation, ResumeSubscription):
            attributes = self._attributes("subscriptions", operation.subscription_id)
            return prepared(operation, change=requests.undoing(attributes, operation.subscription_id))
        if isinstance(operation, ChangePlan):
            return self._changeable(operation)
        return self._refundable(operation) if isinstance(operation, RefundPayment) else operation

    def perform(self, call: Call) -> Written:
        """Send it once; see `Writer`. A customer of this address in the store is taken as the one that was asked for."""
        operation = call.operation
        if isinstance(operation, CreateCustomer) and (known := self._known(operation)) is not None:
            return known
        method, path, body = requests.request(call)
        answer = self._transport.write(method, path, body, deadline=call.deadline)
        document: Document = answer.decoded(Document)
        return self._written(answer, bytes(document.data), operation)

    def find(self, call: Call) -> Written | None:
        """Look for the customer, the checkout, the growth of the refund, or the state that was asked for."""
        operation = call.operation
        if isinstance(operation, CreateCustomer):
            return self._known(operation)
        if isinstance(operation, CreateSubscription):
            return self._opened(call, operation)
        if isinstance(operation, RefundPayment):
            return self._refunded(operation)
        return self._changed(operation)

    def invoices(self, customer_id: str) -> Iterator[Read]:
        """The invoices of each of the customer's subscriptions, then the orders of their address."""
        customer = self._attributes("customers", customer_id)
        email = str(customer.get("email"))
        for subscription in self._all("subscriptions", {"filter[user_email]": email}):
            if str(subscription["attributes"].get("customer_id")) == customer_id:
                yield from self._reads(
                    "subscription-invoices", {"filter[subscription_id]": str(subscription["id"])}, customer_id
                )
        yield from self._reads("orders", {"filter[user_email]": email}, customer_id)

    def portal_url(self, customer_id: str, return_url: str | None) -> str:  # noqa: ARG002
        """The customer's portal, signed for a day. It takes no address to return to, so `return_url` is not used."""
        urls = self._attributes("customers", customer_id).get("urls") or {}
        url = urls.get("customer_portal")
        if not isinstance(url, str):
            raise NotSupported(
                f"customer {customer_id!r} has no portal",
                "Lemon Squeezy gives one to customers who bought a subscription",
            )
        return url

    def invoice_pdf_url(self, invoice_id: str) -> str:
        """The invoice's PDF. Orders name one only by a request that says whom it is addressed to."""
        kind, key = requests.bill_of(invoice_id)
        urls = self._attributes(kind, key).get("urls") or {}
        url = urls.get("invoice_url") or urls.get("receipt")
        if not isinstance(url, str):
            raise NotSupported(f"{invoice_id!r} has no document", "Lemon Squeezy makes one when it is paid")
        return url

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()

    # --- preparing

    def _sellable(self, operation: CreateSubscription) -> Operation:
        if operation.collection == "invoice" or operation.purchase_order is not None:
            raise NotSupported("Lemon Squeezy has no manual invoices or purchase orders", "use a checkout")
        if operation.trial_days is not None:
            raise NotSupported("Lemon Squeezy's trials belong to variants", "use the price of a variant with a trial")
        if len(operation.items) != 1:
            raise NotSupported("a checkout of Lemon Squeezy sells one variant", "make one price of the plan")
        if operation.email is None:
            raise BadRequest(
                f"customer {operation.customer_id!r} has no e-mail address, by which a checkout knows them"
            )
        return prepared(operation, store_id=self._store(), variant_id=_variant(operation.items[0].price_id))

    def _changeable(self, operation: ChangePlan) -> Operation:
        if len(operation.items) != 1:
            raise NotSupported("a subscription of Lemon Squeezy is to one variant", "make one price of the plan")
        attributes = self._attributes("subscriptions", operation.subscription_id)
        wanted, held = operation.items[0].quantity, (attributes.get("first_subscription_item") or {}).get("quantity")
        if wanted is not None and held is not None and wanted != held:
            raise NotSupported("a change of plan keeps the quantity at Lemon Squeezy", "leave the quantity out")
        return prepared(operation, variant_id=_variant(operation.items[0].price_id))

    def _refundable(self, operation: RefundPayment) -> Operation:
        """The amount as Lemon Squeezy counts it, and what it says was given back before."""
        thing = self._bill(operation.payment_id)
        if thing.money.code != operation.currency:
            raise BadRequest(f"payment {operation.payment_id!r} is in {thing.money.code}, not in {operation.currency}")
        amount = rescaled(operation.amount, places(thing.attributes) - thing.money.decimals)
        if amount is None:
            raise BadRequest(f"{operation.amount} minor units of {operation.currency} can't be told to Lemon Squeezy")
        return prepared(operation, amount=amount, before=thing.money.exact("refunded_amount") or 0)

    def _store(self) -> str:
        """The configured store, or the only one."""
        if self._store_id is not None:
            return self._store_id
        found = [str(each["id"]) for each in self._all("stores", {})]
        if len(found) != 1:
            raise BadRequest(f"the key sees {len(found)} stores; set LEMONSQUEEZY_STORE_ID to the one that sells")
        return found[0]

    # --- looking

    def _known(self, operation: CreateCustomer) -> Written | None:
        """The customer of this address in the store."""
        where = {"filter[store_id]": operation.prepared["store_id"], "filter[email]": operation.user.email}
        walk: Walk | None = Walk()
        while walk is not None:
            page = read_slice(self._transport, RESOURCES["customers"].path, where, walk, reserve=True)
            for obj, text in page.objects("customers"):
                if str(obj["attributes"].get("email", "")).lower() == operation.user.email.lower():
                    return self._written(page.answer, text.encode(), operation)
            walk = page.next
        return None

    def _opened(self, call: Call, operation: CreateSubscription) -> Written | None:
        where = {"filter[variant_id]": operation.prepared["variant_id"]}
        for each in self._all("checkouts", where):
            custom = (each["attributes"].get("checkout_data") or {}).get("custom")
            if isinstance(custom, dict) and custom.get(requests.CALL) == call.id:
                return _checkout(each)
        return None

    def _refunded(self, operation: RefundPayment) -> Written | None:
        """Grown by exactly the amount: done. Not grown: not done. Anything else may be somebody else's refund too."""
        now, before = self._bill(operation.payment_id).money.exact("refunded_amount") or 0, operation.prepared["before"]
        if now == before:
            return None
        if now != before + operation.amount:
            raise Undecided(
                f"{now - before} was given back since, not {operation.amount}; look at {operation.payment_id}"
            )
        kind = requests.bill_of(operation.payment_id)
        return Written(kind="refund", object_id=operation.payment_id, read=kind)

    def _changed(self, operation: Operation) -> Written | None:
        assert isinstance(operation, _ABOUT_SUBSCRIPTIONS)
        key = operation.subscription_id
        try:
            attributes = self._attributes("subscriptions", key)
        except NotFound as error:
            raise Undecided(f"subscription {key!r} is unknown to this key now") from error
        reached = _reached(attributes, operation)
        return Written(kind="subscription", object_id=key, read=("subscriptions", key)) if reached else None

    def _written(self, answer: Answer, text: bytes, operation: Operation) -> Written:
        if isinstance(operation, CreateSubscription):
            return _checkout(opened(answer, text, "checkouts"))
        source, kind = _source_of(operation)
        obj = opened(answer, text, source)
        snapshots = RESOURCES[source].snapshots(Thing(obj, text.decode()))
        if isinstance(operation, CreateCustomer):
            snapshots = with_user(snapshots, operation.user.id)
        key = operation.payment_id if isinstance(operation, RefundPayment) else str(obj["id"])
        return Written(kind=kind, object_id=key, snapshots=snapshots, as_of=answer.as_of)

    # --- reading

    def _reads(self, source: str, where: Params, customer_id: str) -> Iterator[Read]:
        walk: Walk | None = Walk()
        while walk is not None:
            page = read_slice(self._transport, f"/v1/{source}", where, walk, reserve=True)
            for obj, text in page.objects(source):
                if str(obj["attributes"].get("customer_id")) == customer_id:
                    snapshots = RESOURCES[source].snapshots(Thing(obj, text))
                    yield Read(snapshots=snapshots, as_of=page.answer.as_of)
            walk = page.next

    def _all(self, source: str, where: Params) -> list[Object]:
        return read_all(self._transport, f"/v1/{source}", where, source, reserve=True)

    def _bill(self, row_id: str) -> Thing:
        kind, key = requests.bill_of(row_id)
        return Thing(self._object(kind, key))

    def _attributes(self, source: str, object_id: str) -> Object:
        found: Object = self._object(source, object_id)["attributes"]
        return found

    def _object(self, source: str, object_id: str) -> Object:
        answer = self._transport.get(f"/v1/{source}/{segment(object_id)}", reserve=True)
        document: Document = answer.decoded(Document)
        return opened(answer, bytes(document.data), source)


def _variant(offer: str) -> str:
    """What is sold is a variant, whose prices may be replaced under it: plans name variants (docs/plans.md)."""
    if not offer.isascii() or not offer.isdigit():
        raise BadRequest(
            f"{offer!r} is no variant of Lemon Squeezy; a plan names the number of the variant that it sells as"
        )
    return offer


def _checkout(obj: Object) -> Written:
    return Written(object_id=str(obj["id"]), state="pending_checkout", url=str(obj["attributes"]["url"]))


def _source_of(operation: Operation) -> tuple[str, Kind]:
    if isinstance(operation, CreateCustomer):
        return "customers", "customer"
    if isinstance(operation, RefundPayment):
        return requests.bill_of(operation.payment_id)[0], "refund"
    return "subscriptions", "subscription"


def _reached(attributes: Object, operation: _ABOUT_SUBSCRIPTIONS) -> bool:
    """Is the subscription in the state that was asked for? Pure."""
    over = attributes.get("status") == "expired"
    if isinstance(operation, CancelSubscription):
        return over or bool(attributes.get("cancelled"))
    if isinstance(operation, ChangePlan):
        return str(attributes.get("variant_id")) == str(operation.prepared["variant_id"])
    return not over and not attributes.get("cancelled") and attributes.get("pause") is None
