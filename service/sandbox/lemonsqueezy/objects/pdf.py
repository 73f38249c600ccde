"""Invoices to download, addressed to whom the caller says."""

from typing import Any

from service.sandbox.lemonsqueezy.errors import refused, unfit
from service.sandbox.lemonsqueezy.kinds import Fields, text
from service.sandbox.lemonsqueezy.routes import Handler, Sent
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]

PARAMETERS = Fields(
    "name address city country zip_code",
    name=text,
    address=text,
    city=text,
    state=text,
    zip_code=text,
    country=text,
    notes=text,
    locale=text,
)
_WITH_STATES = ("US", "CA")


def download(kind: str) -> Handler:
    """The handler that answers with a signed link to an object's PDF, in `meta`."""

    def handler(world: World, sent: Sent) -> Json:
        row = world.get(kind, sent.row_id)
        if sent.parameters["country"] in _WITH_STATES and "state" not in sent.parameters:
            raise unfit([("/state", "The state field is required.")])
        if row.attributes["status"] == "pending":
            raise refused("An invoice can be generated only for a payment that was made.")
        url = f"https://app.lemonsqueezy.com/my-orders/{kind}/{row.id}/invoice"
        return {"meta": {"urls": {"download_invoice": world.signed(url)}}}

    return handler
