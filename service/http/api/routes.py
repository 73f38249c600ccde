"""The operations of the API, one entry each: what is routed, checked and documented is what stands here."""

from __future__ import annotations

from typing import Final

from service.http.api import parameters, reads, shapes
from service.http.api.operation import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        name="listCustomers", method="GET", path="/v1/customers", summary="Customers, newest first",
        run=reads.customers, query=parameters.ListedCustomers, answers={200: shapes.Page[shapes.Customer]},
        causes=("unknown_account",),
    ),
    Operation(
        name="getCustomer", method="GET", path="/v1/customers/{id}", summary="One customer",
        run=reads.customer, query=parameters.One, answers={200: shapes.Customer},
        causes=("unknown_account", "ambiguous_id"),
    ),
    Operation(
        name="listCustomerInvoices", method="GET", path="/v1/customers/{id}/invoices",
        summary="A customer's invoices, newest first", run=reads.customer_invoices, query=parameters.Listed,
        answers={200: shapes.Page[shapes.Invoice]}, causes=("unknown_account", "ambiguous_id"),
    ),
    Operation(
        name="listSubscriptions", method="GET", path="/v1/subscriptions", summary="Subscriptions, newest first",
        run=reads.subscriptions, query=parameters.ListedSubscriptions,
        answers={200: shapes.Page[shapes.Subscription]}, causes=("unknown_account",),
    ),
    Operation(
        name="getSubscription", method="GET", path="/v1/subscriptions/{id}", summary="One subscription with its items",
        run=reads.subscription, query=parameters.One, answers={200: shapes.Subscription},
        causes=("unknown_account", "ambiguous_id"),
    ),
    Operation(
        name="listInvoices", method="GET", path="/v1/invoices", summary="Invoices, newest first",
        run=reads.invoices, query=parameters.ListedInvoices, answers={200: shapes.Page[shapes.Invoice]},
        causes=("unknown_account",),
    ),
    Operation(
        name="getInvoice", method="GET", path="/v1/invoices/{id}", summary="One invoice with its lines",
        run=reads.invoice, query=parameters.One, answers={200: shapes.WholeInvoice},
        causes=("unknown_account", "ambiguous_id"),
    ),
    Operation(
        name="listPayments", method="GET", path="/v1/payments", summary="Payments, newest first",
        run=reads.payments, query=parameters.ListedPayments, answers={200: shapes.Page[shapes.Payment]},
        causes=("unknown_account",),
    ),
    Operation(
        name="getPayment", method="GET", path="/v1/payments/{id}", summary="One payment with its refunds",
        run=reads.payment, query=parameters.One, answers={200: shapes.WholePayment},
        causes=("unknown_account", "ambiguous_id"),
    ),
    Operation(
        name="listChanges", method="GET", path="/v1/changes", summary="What changed, each change once, in commit order",
        run=reads.changes, query=parameters.Fed, answers={200: shapes.Changes}, causes=("unknown_account",),
    ),
)  # fmt: skip
