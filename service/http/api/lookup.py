"""Which account an id belongs to."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from service.http.api.problem import Refused
from service.store import listing
from service.system import System


def accounts(system: System, asked: str | UnsetType) -> list[str]:
    """The names of the accounts to look at. Raises `Refused` (`unknown_account`)."""
    known = sorted(system.accounts.by_name)
    if asked is UNSET:
        return known
    if asked not in known:
        raise Refused("unknown_account", "no account of this name is configured", accounts=known)
    return [asked]


def owner(system: System, customer_id: str, account: str | UnsetType) -> str:
    """The one account that knows this customer. Raises `Refused` (`not_found`, `ambiguous_id`)."""
    with system.database.read() as connection:
        found = listing.accounts_of_customer(connection, accounts(system, account), customer_id)
    return one_of(found, "customer")


def one_of(found: Sequence[str], kind: str) -> str:
    """The only account of several. Raises `Refused`."""
    if not found:
        raise Refused("not_found", f"there is no {kind} of this id in the copy")
    if len(found) > 1:
        raise Refused("ambiguous_id", "several accounts know this id; say which with ?account=", accounts=found)
    return found[0]
