"""What products, prices, customers and addresses have in common: they are archived, never deleted."""

from typing import Any

from service.sandbox.paddle.kinds import csv, one_of
from service.sandbox.paddle.paging import Test

Json = dict[str, Any]

STATUS = one_of("active", "archived")
STATUSES = csv(STATUS)


def of_status(params: Json) -> Test:
    """A test of the status; without the parameter only active ones pass.

    Paddle's pages say it of some lists and not of others: assumed of all four.
    """
    wanted = params.get("status", frozenset({"active"}))
    return lambda row: row["status"] in wanted
