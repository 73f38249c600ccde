"""Customers."""

from typing import Any

from service.sandbox.paddle.errors import error
from service.sandbox.paddle.kinds import Fields, csv, custom_data, email, id_of, list_of, nullable, text
from service.sandbox.paddle.objects.catalogue import STATUS, STATUSES, of_status
from service.sandbox.paddle.paging import Page, among, listing, page
from service.sandbox.paddle.render import signed
from service.sandbox.paddle.routes import Route
from service.sandbox.paddle.world import World

Json = dict[str, Any]

_FIELDS = {"email": email, "name": nullable(text()), "custom_data": custom_data, "locale": text(10)}
CREATE = Fields("email", **_FIELDS)
UPDATE = Fields("", **_FIELDS, status=STATUS)
LIST = listing("ctm", id=csv(id_of("ctm")), status=STATUSES, email=csv(email), search=text())
PORTAL = Fields("", subscription_ids=list_of(id_of("sub"), most=25))


def create(world: World, fields: Json) -> Json:
    """Create a customer.

    Raises:
        SandboxError: 409, naming the customer that has the address already, archived ones included.
    """
    _claim(world, fields["email"], None)
    defaults = {"name": None, "locale": "en", "custom_data": None}
    customer = world.add(
        "customer",
        **(defaults | fields),
        marketing_consent=False,
        status="active",
        import_meta=None,
    )
    world.emails[customer["email"].lower()] = customer
    world.emit(customer, "customer.created")
    return customer


def _claim(world: World, address: str, owner: Json | None) -> None:
    other = world.emails.get(address.lower())
    if other is not None and other is not owner:
        detail = f"customer email conflicts with customer of id {other['id']}"
        raise error(409, "customer_already_exists", detail)


def retrieve(world: World, _params: Json, customer_id: str) -> Json:
    """The customer, archived or not."""
    return world.get("customer", customer_id)


def update(world: World, fields: Json, customer_id: str) -> Json:
    """Change a customer; `status` archives it and brings it back."""
    customer = world.get("customer", customer_id)
    if "email" in fields:
        _claim(world, fields["email"], customer)
        del world.emails[customer["email"].lower()]
        world.emails[fields["email"].lower()] = customer
    return world.change(customer, "customer.updated", **fields)


def listed(world: World, params: Json) -> Page:
    """Customers; archived ones only if `status` asks for them. `search` looks in id, name and e-mail address."""
    sought = params.get("search", "").lower()

    def test(row: Json) -> bool:
        return sought in f"{row['id']} {row['name'] or ''} {row['email']}".lower()

    return page(world, "customer", params, of_status(params), among(params, "id", "email"), test)


def credit_balances(world: World, _params: Json, customer_id: str) -> list[Json]:
    """What the customer has to its credit, by currency."""
    world.get("customer", customer_id)
    return [
        {
            "customer_id": customer_id,
            "currency_code": currency,
            "balance": {"available": str(available), "reserved": "0", "used": "0"},
        }
        for (owner, currency), available in world.balances.items()
        if owner == customer_id
    ]


def portal_session(world: World, fields: Json, customer_id: str) -> Json:
    """Links to the buyer's pages that need no password."""
    customer = world.get("customer", customer_id)
    base = f"https://customer-portal.paddle.com/cpl_{customer_id.removeprefix('ctm_')}"
    subscriptions = [world.get("subscription", each) for each in fields.get("subscription_ids", [])]
    urls = {
        "general": {"overview": signed(world, base)},
        "subscriptions": [_links(world, base, each["id"]) for each in subscriptions],
    }
    micros = world.moment()
    created = {"created_at": world.printed(micros)}
    return {"id": world.ids.new("cpls", micros), "customer_id": customer["id"], "urls": urls, **created}


def _links(world: World, base: str, subscription_id: str) -> Json:
    path = f"{base}/subscriptions/{subscription_id}"
    return {
        "id": subscription_id,
        "cancel_subscription": signed(world, f"{path}/cancel"),
        "update_subscription_payment_method": signed(world, f"{path}/update-payment-method"),
        "view_subscription": signed(world, path),
    }


ROUTES = [
    Route("POST", "/customers", "customer", create, CREATE, 201),
    Route("GET", "/customers", "customer", listed, LIST),
    Route("GET", "/customers/*", "customer", retrieve),
    Route("PATCH", "/customers/*", "customer", update, UPDATE),
    Route("GET", "/customers/*/credit-balances", "customer", credit_balances),
    Route("POST", "/customers/*/portal-sessions", "customer_portal_session", portal_session, PORTAL, 201),
]
