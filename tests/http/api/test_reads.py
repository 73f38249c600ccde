"""What the API shows of the copy, page by page."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

import httpx
import msgspec
import pytest
from sqlalchemy import event

from service.model import Customer, Invoice, InvoiceLine, Payment, Refund, Subscription, SubscriptionItem
from service.store import listing
from service.system import System
from tests.http.api.conftest import NOW, Copy, problem, settings


def ids(response: httpx.Response) -> list[str]:
    """The ids of a page."""
    assert response.status_code == 200, response.text
    return [row["id"] for row in response.json()["data"]]


def pages(client: httpx.Client, address: str) -> list[list[str]]:
    """The ids of all pages, by following `next`."""
    found, following = list[list[str]](), address
    while following:
        answer = client.get(following)
        found.append(ids(answer))
        following = answer.json()["next"]
    return found


def test_lists_are_paged_newest_first_and_undated_rows_come_last(client: httpx.Client, copy: Copy) -> None:
    copy.customers(5)
    copy.put("customer", "cus_undated_a", Customer())
    copy.put("customer", "cus_undated_b", Customer())
    found = pages(client, "/v1/customers?limit=2")
    assert found == [["cus_4", "cus_3"], ["cus_2", "cus_1"], ["cus_0", "cus_undated_b"], ["cus_undated_a"]]
    assert pages(client, "/v1/customers") == [[id_ for page in found for id_ in page]]


def test_rows_of_one_second_are_paged_without_loss(client: httpx.Client, copy: Copy) -> None:
    for account in ("stripe", "paddle"):
        for number in range(4):
            copy.put("customer", f"cus_{number}", Customer(created_at=NOW), account=account)
    found = pages(client, "/v1/customers?limit=3")
    assert [len(page) for page in found] == [3, 3, 2]
    assert sorted(id_ for page in found for id_ in page) == sorted([f"cus_{number}" for number in range(4)] * 2)


def test_a_page_is_not_disturbed_by_what_is_added_meanwhile(client: httpx.Client, copy: Copy) -> None:
    copy.customers(4)
    following = client.get("/v1/customers?limit=2").json()["next"]
    copy.put("customer", "cus_newest", Customer(created_at=NOW + timedelta(days=1)))
    copy.put("customer", "cus_3", Customer(created_at=NOW + timedelta(seconds=3), name="Ada"))
    assert ids(client.get(following)) == ["cus_1", "cus_0"]


def test_a_link_keeps_what_was_asked_for(client: httpx.Client, copy: Copy) -> None:
    copy.customers(3, user_id="u&1")
    copy.put("customer", "cus_other", Customer(created_at=NOW, user_id="u2"))
    assert pages(client, "/v1/customers?user_id=u%261&limit=2&account=stripe") == [["cus_2", "cus_1"], ["cus_0"]]


def test_customers_are_found_by_every_filter(client: httpx.Client, copy: Copy) -> None:
    copy.put("customer", "cus_a", Customer(created_at=NOW, email="Ada@Example.com", user_id="u1"))
    copy.put("customer", "cus_b", Customer(created_at=NOW, status="archived"), account="paddle")
    copy.put("customer", "cus_c", Customer(created_at=NOW), deleted=True)
    expected = {
        "": ["cus_a", "cus_b"],
        "account=paddle": ["cus_b"],
        "status=archived": ["cus_b"],
        "user_id=u1": ["cus_a"],
        "email=aDA@example.com": ["cus_a"],
        "email=bob@example.com": [],
        "include_deleted=true": ["cus_a", "cus_b", "cus_c"],
        "updated_since=2026-03-04T05:06:09Z": ["cus_b"],
        "updated_before=2026-03-04T13:06:09%2B08:00": ["cus_a"],
        "updated_since=0001-01-01T00:00:00%2B23:00": ["cus_a", "cus_b"],
        "updated_before=9999-12-31T23:59:59-23:00": ["cus_a", "cus_b"],
    }
    assert {query: sorted(ids(client.get(f"/v1/customers?{query}"))) for query in expected} == expected


def test_what_belongs_to_a_user_is_found_through_his_customers(client: httpx.Client, copy: Copy) -> None:
    """Custom data may travel with the subscription only."""
    copy.put("customer", "cus_a", Customer(user_id="u1"))
    copy.put("subscription", "sub_b", Subscription(customer_id="ctm_b", user_id="u1"), account="paddle")
    copy.put("invoice", "in_a", Invoice(customer_id="cus_a"))
    copy.put("invoice", "in_b", Invoice(customer_id="ctm_b"), account="paddle")
    copy.put("invoice", "in_c", Invoice(customer_id="cus_c", user_id="u1"))
    copy.put("invoice", "in_d", Invoice(customer_id="cus_d"))
    copy.put("payment", "pay_b", Payment(customer_id="ctm_b"), account="paddle")
    copy.put("payment", "pay_d", Payment(customer_id="ctm_b"))
    assert sorted(ids(client.get("/v1/invoices?user_id=u1"))) == ["in_a", "in_b", "in_c"]
    assert ids(client.get("/v1/payments?user_id=u1")) == ["pay_b"]
    assert ids(client.get("/v1/subscriptions?user_id=u1")) == ["sub_b"]


def test_a_subscription_comes_with_its_items(client: httpx.Client, copy: Copy) -> None:
    item = SubscriptionItem(id="si_1", price_id="price_1", quantity=2, currency="USD", unit_amount=1900)
    subscribed = Subscription(customer_id="cus_1", status="active", amount=3800, currency="USD", items=(item,))
    copy.put("subscription", "sub_1", subscribed)
    copy.put("subscription", "sub_1", Subscription(customer_id="ctm_1"), account="paddle")
    one = client.get("/v1/subscriptions/sub_1?account=stripe").json()
    assert (one["amount"], one["currency"], one["status"]) == (3800, "USD", "active")
    assert [(each["id"], each["price_id"], each["quantity"]) for each in one["items"]] == [("si_1", "price_1", 2)]
    listed = client.get("/v1/subscriptions?customer=cus_1").json()["data"]
    assert listed == [one]


def test_an_invoice_has_its_lines_and_a_payment_its_refunds(client: httpx.Client, copy: Copy) -> None:
    lines = (InvoiceLine(id="il_1", amount=1900, currency="USD"), InvoiceLine(id="il_2", amount=-100, proration=True))
    copy.put("invoice", "in_1", Invoice(customer_id="cus_1", subscription_id="sub_1", amount=1800, lines=lines))
    copy.put("payment", "pi_1", Payment(customer_id="cus_1", invoice_id="in_1", amount=1800, status="succeeded"))
    copy.put("refund", "re_1", Refund(payment_id="pi_1", amount=800, status="succeeded"))
    invoice = client.get("/v1/invoices/in_1").json()
    payment = client.get("/v1/payments/pi_1").json()
    assert [(each["id"], each["amount"]) for each in invoice["lines"]] == [("il_1", 1900), ("il_2", -100)]
    assert (payment["amount_refunded"], payment["subscription_id"]) == (800, "sub_1")
    assert [each["id"] for each in payment["refunds"]] == ["re_1"]
    assert ids(client.get("/v1/invoices?subscription=sub_1")) == ["in_1"]
    assert ids(client.get("/v1/payments?invoice=in_1&subscription=sub_1&customer=cus_1")) == ["pi_1"]


def test_a_customers_invoices_are_found_before_the_customer_is(client: httpx.Client, copy: Copy) -> None:
    copy.put("invoice", "in_1", Invoice(customer_id="cus_1", created_at=NOW))
    copy.put("invoice", "in_2", Invoice(customer_id="cus_1", created_at=NOW + timedelta(days=1)))
    copy.put("invoice", "in_3", Invoice(customer_id="cus_2"))
    assert pages(client, "/v1/customers/cus_1/invoices?limit=1") == [["in_2"], ["in_1"]]
    assert problem(client.get("/v1/customers/cus_9/invoices")) == (404, "not_found")
    copy.put("customer", "cus_9", Customer())
    assert ids(client.get("/v1/customers/cus_9/invoices")) == []


@pytest.mark.parametrize("path", ["/v1/customers/same", "/v1/customers/same/invoices"])
def test_an_id_of_two_accounts_asks_which(client: httpx.Client, copy: Copy, path: str) -> None:
    copy.put("customer", "same", Customer())
    copy.put("customer", "same", Customer(), account="paddle")
    refused = client.get(path)
    assert problem(refused) == (409, "ambiguous_id")
    assert refused.json()["accounts"] == ["paddle", "stripe"]
    assert client.get(f"{path}?account=paddle").status_code == 200
    unknown = client.get(f"{path}?account=shop")
    assert (problem(unknown), unknown.json()["accounts"]) == ((404, "unknown_account"), ["paddle", "stripe"])


def test_the_providers_own_json_is_shown_only_when_asked_for(client: httpx.Client, copy: Copy) -> None:
    copy.put("customer", "cus_1", Customer(email="ada@example.com"), raw='{"id": "cus_1", "phone": "raw-mark"}')
    copy.put("customer", "cus_2", Customer())
    for address in ("/v1/customers", "/v1/customers/cus_1"):
        assert "raw" not in client.get(address).text
    assert client.get("/v1/customers/cus_1?include=raw").json()["raw"] == {"id": "cus_1", "phone": "raw-mark"}
    assert client.get("/v1/customers/cus_2?include=raw").json()["raw"] is None


def test_times_are_utc_and_a_deleted_object_is_still_readable(client: httpx.Client, copy: Copy) -> None:
    copy.put("customer", "cus_1", Customer(created_at=NOW))
    copy.put("customer", "cus_1", Customer(), deleted=True)
    shown = client.get("/v1/customers/cus_1").json()
    assert shown["created_at"] == "2026-03-04T05:06:07Z"
    assert shown["deleted_at"] is not None


def test_rows_of_accounts_that_are_not_configured_are_not_shown(client: httpx.Client, copy: Copy) -> None:
    copy.put("customer", "cus_1", Customer(user_id="u1"), account="gone")
    copy.put("invoice", "in_1", Invoice(customer_id="cus_1"), account="gone")
    assert ids(client.get("/v1/customers")) == []
    assert ids(client.get("/v1/invoices?user_id=u1")) == []
    assert problem(client.get("/v1/customers/cus_1")) == (404, "not_found")
    assert client.get("/v1/changes").json()["data"] == []


def test_the_feed_is_followed_by_its_links(client: httpx.Client, copy: Copy) -> None:
    copy.customers(3)
    first = client.get("/v1/changes?limit=2").json()
    assert [(each["object_id"], each["field"], each["new"]) for each in first["data"]] == [
        ("cus_0", "status", "active"),
        ("cus_1", "status", "active"),
    ]
    assert first["more"] is True
    rest = client.get(first["next"]).json()
    assert ([each["object_id"] for each in rest["data"]], rest["more"]) == (["cus_2"], False)
    copy.put("customer", "cus_0", Customer(created_at=NOW, name="Ada"))
    later = client.get(rest["next"]).json()
    expected = {
        "kind": "customer",
        "object_id": "cus_0",
        "field": "name",
        "old": None,
        "new": "Ada",
        "cause": "event:4",
    }
    assert later["data"][0].items() >= expected.items()
    assert later["after"] == later["data"][0]["id"]


def test_the_feed_of_one_account_kind_or_object(client: httpx.Client, copy: Copy) -> None:
    copy.customers(2)
    copy.put("customer", "ctm_1", Customer(), account="paddle")
    copy.put("invoice", "in_1", Invoice())
    expected = {
        "account=paddle": ["ctm_1"],
        "kind=invoice": ["in_1"],
        "object_id=cus_1&kind=customer": ["cus_1"],
        "kind=nothing": [],
    }
    found = {
        query: [each["object_id"] for each in client.get(f"/v1/changes?{query}").json()["data"]] for query in expected
    }
    assert found == expected


def test_a_wrong_parameter_is_named(client: httpx.Client) -> None:
    wrong = {
        "limit": ["limit=0", "limit=101", "limit=ten", "limit=1&limit=2", "limit="],
        "limti": ["limti=1"],
        "status": ["status=", "status=a%00b"],
        "email": ["email=" + "x" * 256],
        "updated_since": ["updated_since=yesterday", "updated_since=2026-03-04T05:06:07"],
        "cursor": ["cursor=x", "cursor=%F0%9F%98%80", "cursor=WyJpbnZvaWNlIixbbnVsbCwiYSIsImIiXV0"],
        "include_deleted": ["include_deleted=perhaps"],
    }
    for name, query in ((name, query) for name, queries in wrong.items() for query in queries):
        refused = client.get(f"/v1/customers?{query}")
        assert problem(refused) == (400, "bad_parameter")
        (fault,) = refused.json()["errors"]
        assert fault["parameter"] == name
        assert fault["detail"]


@pytest.mark.parametrize("name", ["account", "kind", "object_id"])
def test_no_database_is_asked_for_what_it_can_not_hold(client: httpx.Client, name: str) -> None:
    """PostgreSQL's text has no NUL; asking for one would end as if the database were away."""
    assert client.get("/v1/changes", params={name: "a\0b"}).status_code == 400


def test_a_query_string_that_is_none_is_refused(client: httpx.Client) -> None:
    for query in ("a=%FF", "&".join(f"p{n}=1" for n in range(60))):
        assert problem(client.get(f"/v1/customers?{query}")) == (400, "bad_parameter")


def test_a_cursor_of_another_list_is_refused(client: httpx.Client, copy: Copy) -> None:
    copy.customers(2)
    cursor = httpx.URL(client.get("/v1/customers?limit=1").json()["next"]).params["cursor"]
    assert ids(client.get("/v1/customers", params={"cursor": cursor})) == ["cus_0"]
    assert problem(client.get("/v1/invoices", params={"cursor": cursor})) == (400, "bad_parameter")


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00"])
def test_a_cursor_whose_time_is_no_time_in_utc_is_refused(client: httpx.Client, moment: str) -> None:
    packed = msgspec.json.encode(["customer", [moment, "stripe", "cus_0"]])
    cursor = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    assert problem(client.get("/v1/customers", params={"cursor": cursor})) == (400, "bad_parameter")


def test_an_id_that_can_not_exist_is_not_found(client: httpx.Client) -> None:
    for id_ in ("%00", "a%0Ab", "x" * 256, "a%2Fb", "", "%F0%9F%98%80"):
        assert problem(client.get(f"/v1/customers/{id_}")) == (404, "not_found")


def test_a_database_that_does_not_answer_is_503(client: httpx.Client, system: System, copy: Copy) -> None:
    copy.customers(1)
    _rename(system, "customer", "elsewhere")
    refused = client.get("/v1/customers")
    assert problem(refused) == (503, "unavailable")
    assert refused.headers["retry-after"] == "5"
    _rename(system, "elsewhere", "customer")
    assert ids(client.get("/v1/customers")) == ["cus_0"]


def _rename(system: System, one: str, other: str) -> None:
    with system.database.write() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {one} RENAME TO {other}")


def test_a_list_reads_its_rows_from_an_index(postgres_url: str) -> None:
    """The newest page must not sort the whole table: the plan says how it is read."""
    made = System(settings(postgres_url))
    copy = Copy(made)
    copy.customers(1)
    statements: list[str] = []
    event.listen(made.database.engine, "before_cursor_execute", lambda *a: statements.append(a[2] % _quoted(a[3])))
    with made.database.read() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        wanted = listing.Wanted(accounts=["stripe", "paddle"])
        listing.page(connection, "customer", wanted, listing.Position(NOW, "stripe", "cus_9"), 20)
        query = next(each for each in statements if "created_at IS NOT NULL" in each)
        plan = "\n".join(connection.exec_driver_sql("EXPLAIN " + query.replace("%", "%%")).scalars())
    made.close()
    assert "Backward using customer_newest" in plan
    assert "Sort" not in plan


def _quoted(parameters: dict[str, object]) -> dict[str, str]:
    return {
        name: f"'{value}'" if isinstance(value, str | datetime) else str(value) for name, value in parameters.items()
    }
