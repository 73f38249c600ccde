"""Lists: pages, cursors, filters."""

import httpx
import pytest

from service.sandbox.paddle import PaddleSandbox
from tests.sandbox.paddle.shop import Json, Shop


def _walk(web: httpx.Client, path: str, **query: str) -> list[str]:
    """All ids, by following `next` for as long as there is more."""
    found: list[str] = []
    answer = web.get(path, params=query).json()
    while True:
        found += [row.get("id") or row["event_id"] for row in answer["data"]]
        page = answer["meta"]["pagination"]
        if not page["has_more"]:
            return found
        assert page["next"].startswith(str(web.base_url).rstrip("/") + path)
        answer = web.get(page["next"]).json()


@pytest.mark.parametrize("order", ["id[ASC]", "id[DESC]", "id[asc]"])
def test_every_object_comes_once_under_tiny_pages(web: httpx.Client, shop: Shop, order: str) -> None:
    made = [shop.customer() for _ in range(7)]
    shop.sandbox.settings.page_cap = 2
    walked = _walk(web, "/customers", order_by=order)
    assert walked == (made[::-1] if "DESC" in order else made)
    assert made == sorted(made)


def test_a_walk_upwards_meets_what_is_created_meanwhile(web: httpx.Client, shop: Shop) -> None:
    made = [shop.customer() for _ in range(3)]
    first = web.get("/customers", params={"per_page": 2, "order_by": "id[ASC]"}).json()
    made.append(shop.customer())
    rest = web.get(first["meta"]["pagination"]["next"]).json()
    assert [row["id"] for row in first["data"] + rest["data"]] == made


def test_next_is_there_at_the_end_as_well(web: httpx.Client, shop: Shop) -> None:
    customer = shop.customer()
    page = web.get("/customers", params={"order_by": "id[ASC]"}).json()["meta"]["pagination"]
    assert (page["has_more"], page["estimated_total"], page["per_page"]) == (False, 1, 50)
    assert web.get(page["next"]).json()["data"] == []
    assert f"after={customer}" in page["next"]


@pytest.mark.parametrize(("path", "most"), [("/customers", 200), ("/transactions", 30), ("/adjustments", 30)])
def test_asking_for_too_much_gets_the_most(sandbox: PaddleSandbox, path: str, most: int) -> None:
    page = sandbox.call("GET", path, {"per_page": 500})["meta"]["pagination"]
    assert page["per_page"] == most


def test_transactions_are_filtered_by_their_times(shop: Shop) -> None:
    first = shop.transaction()
    shop.sandbox.advance(60)
    second = shop.purchase()
    after = first["created_at"]
    assert [row["id"] for row in shop.rows("/transactions", **{"created_at[GT]": after})] == [second["id"]]
    assert len(shop.rows("/transactions", **{"created_at[GTE]": after})) == 2
    assert [row["id"] for row in shop.rows("/transactions", **{"updated_at[LTE]": after})] == [first["id"]]
    assert [row["id"] for row in shop.rows("/transactions", **{"billed_at[GT]": after})] == [second["id"]]
    assert shop.rows("/transactions", **{"updated_at[LT]": after}) == []
    assert [row["id"] for row in shop.rows("/transactions", updated_at=second["updated_at"])] == [second["id"]]


def test_a_time_in_another_zone_is_the_same_time(shop: Shop) -> None:
    made = shop.transaction()
    assert made["created_at"].startswith("2026-09-21T14:13:20")
    assert shop.rows("/transactions", **{"created_at[LT]": "2026-09-21T22:13:20+08:00"}) == []
    assert len(shop.rows("/transactions", **{"created_at[LT]": "2026-09-21T22:13:21+08:00"})) == 1


def test_filters_of_transactions(shop: Shop) -> None:
    bought = shop.purchase()
    ready = shop.transaction()
    expected: list[tuple[Json, list[str]]] = [
        ({"status": "ready"}, [ready["id"]]),
        ({"status": ["ready", "completed"]}, [ready["id"], bought["id"]]),
        ({"customer_id": bought["customer_id"]}, [bought["id"]]),
        ({"subscription_id": bought["subscription_id"]}, [bought["id"]]),
        ({"invoice_number": bought["invoice_number"]}, [bought["id"]]),
        ({"collection_mode": "manual"}, []),
        ({"origin": "api"}, [ready["id"], bought["id"]]),
        ({"id": bought["id"]}, [bought["id"]]),
    ]
    for query, ids in expected:
        assert [row["id"] for row in shop.rows("/transactions", **query)] == ids


def test_filters_of_subscriptions(shop: Shop) -> None:
    one, other = shop.subscription(), shop.subscription()
    shop.post(f"/subscriptions/{other['id']}/cancel", {})
    expected: list[tuple[Json, list[str]]] = [
        ({"customer_id": one["customer_id"]}, [one["id"]]),
        ({"price_id": one["items"][0]["price"]["id"]}, [one["id"]]),
        ({"scheduled_change_action": "cancel"}, [other["id"]]),
        ({"status": "active"}, [other["id"], one["id"]]),
        ({"status": "canceled,paused"}, []),
        ({"next_billed_at[LTE]": one["next_billed_at"]}, [other["id"], one["id"]]),
    ]
    for query, ids in expected:
        assert [row["id"] for row in shop.rows("/subscriptions", **query)] == ids


def test_filters_of_adjustments(shop: Shop) -> None:
    bought = shop.purchase()
    refund = shop.refund(bought)
    for name in ("transaction_id", "customer_id", "subscription_id"):
        assert [row["id"] for row in shop.rows("/adjustments", **{name: refund[name]})] == [refund["id"]]
    assert [row["id"] for row in shop.rows("/adjustments", id=refund["id"])] == [refund["id"]]
    assert shop.rows("/adjustments", status="approved") == shop.rows("/adjustments", action="credit") == []


def test_archived_objects_are_listed_only_when_asked_for(shop: Shop) -> None:
    customer, price = shop.customer(), shop.price()
    product = shop.rows("/products")[0]["id"]
    for path, object_id in (("/customers", customer), ("/prices", price), ("/products", product)):
        shop.patch(f"{path}/{object_id}", {"status": "archived"})
        assert shop.rows(path) == []
        assert [row["id"] for row in shop.rows(path, status="active,archived")] == [object_id]
        shop.patch(f"{path}/{object_id}", {"status": "active"})
        assert [row["id"] for row in shop.rows(path)] == [object_id]
