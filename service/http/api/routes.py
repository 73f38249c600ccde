"""The operations of the API, one entry each: what is routed, checked and documented is what stands here."""

from __future__ import annotations

from typing import Final

from service.billing_provider import Recorded
from service.entitled import Entitlements
from service.http.api import bodies, entitlements, parameters, reads, shapes, usage, writes
from service.http.api.operation import Operation
from service.usage_bill import CustomerUsage

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
    Operation(
        name="getCustomerEntitlements", method="GET", path="/v1/customers/{id}/entitlements",
        summary="What a customer may use now, and why", run=entitlements.of_customer, query=parameters.OfAccount,
        answers={200: Entitlements}, causes=("unknown_account", "ambiguous_id"),
    ),
    Operation(
        name="getEntitlements", method="GET", path="/v1/entitlements",
        summary="What a user of the application may use now, and why", run=entitlements.of_user,
        query=parameters.OfUser, answers={200: Entitlements},
    ),
    Operation(
        name="createCustomer", method="POST", path="/v1/customers", summary="Make a customer of a user",
        run=writes.create_customer, query=parameters.OfAccount, body=bodies.NewCustomer, scope="write", key="needed",
        remote=True, answers={201: shapes.Outcome[shapes.Customer]}, causes=("unknown_account", "ambiguous_account"),
    ),
    Operation(
        name="createSubscription", method="POST", path="/v1/subscriptions", summary="Subscribe a customer to a plan",
        run=writes.create_subscription, query=parameters.OfAccount, body=bodies.NewSubscription, scope="write",
        key="needed", remote=True, answers=dict.fromkeys((201, 202), shapes.Outcome[shapes.Subscription]),
        causes=("unknown_account", "ambiguous_id"),
    ),
    *(
        Operation(
            name=name, method="POST", path=f"/v1/subscriptions/{{id}}/{verb}", summary=summary, run=run,
            query=parameters.OfAccount, body=body, scope="write", key="needed", remote=True,
            answers=dict.fromkeys((200, 202), shapes.Outcome[shapes.Subscription]),
            causes=("unknown_account", "ambiguous_id"),
        )
        for name, verb, summary, run, body in (
            ("cancelSubscription", "cancel", "End a subscription", writes.cancel, bodies.Cancellation),
            ("resumeSubscription", "resume", "Take a scheduled end back", writes.resume, bodies.Nothing),
            ("changePlan", "change-plan", "Move to another plan", writes.change_plan, bodies.PlanChange),
        )
    ),
    Operation(
        name="refundPayment", method="POST", path="/v1/payments/{id}/refund", summary="Give money back",
        run=writes.refund, query=parameters.OfAccount, body=bodies.NewRefund, scope="write", key="needed", remote=True,
        answers=dict.fromkeys((200, 202), shapes.Outcome[shapes.Refund]), causes=("unknown_account", "ambiguous_id"),
    ),
    Operation(
        name="openPortal", method="POST", path="/v1/customers/{id}/portal",
        summary="Where the customer manages payment methods and subscriptions", run=writes.portal,
        query=parameters.OfAccount, body=bodies.PortalVisit, scope="write", remote=True, answers={200: shapes.Link},
        causes=("unknown_account", "ambiguous_id"),
    ),
    Operation(
        name="getInvoicePdf", method="GET", path="/v1/invoices/{id}/pdf", summary="Where an invoice's PDF is",
        run=writes.invoice_pdf, query=parameters.OfAccount, remote=True, answers={200: shapes.Link},
        causes=("unknown_account", "ambiguous_id"),
    ),
    Operation(
        name="reportUsage", method="POST", path="/v1/usage", summary="Record usage: one report or a list of them",
        run=usage.report, query=parameters.OfAccount, body=bodies.UsageRecord | bodies.UsageRecords, scope="write",
        key="optional", answers={201: Recorded, 200: shapes.UsageResults},
        causes=("unknown_account", "unknown_meter", "unknown_customer", "refused"),
    ),
    Operation(
        name="getUsage", method="GET", path="/v1/usage", summary="What a customer used, and the bill to come",
        run=usage.bill, query=parameters.OfPeriod, answers={200: CustomerUsage},
        causes=("unknown_account", "ambiguous_id", "not_found"),
    ),
    Operation(
        name="getCall", method="GET", path="/v1/calls/{id}", summary="A write, and what is known of its outcome",
        run=writes.call, query=parameters.OfAccount, answers={200: shapes.Call}, causes=("unknown_account",),
    ),
)  # fmt: skip
