"""Which account an id belongs to."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from service.http.api.problem import Refused
from service.model import Kind
from service.store import calls, listing
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


def only(system: System, account: str | UnsetType) -> str:
    """The account to write to where nothing exists yet. Raises `Refused` (`unknown_account`, `ambiguous_account`)."""
    known = accounts(system, account)
    if len(known) != 1:
        raise Refused("ambiguous_account", "say at which account with ?account=", accounts=known)
    return known[0]


def holder(system: System, kind: Kind, id_: str, account: str | UnsetType) -> str:
    """The account of an object, which the copy need not hold where only one account is meant. Raises `Refused`."""
    known = accounts(system, account)
    if len(known) == 1:
        return known[0]
    with system.database.read() as connection:
        found = listing.by_id(connection, kind, known, id_)
    return one_of([row["account"] for row in found], kind)


def key_is_of(system: System, account: str, key: str) -> None:
    """Refuse (`key_reused`) an idempotency key that a request to another account carried: keys are one namespace here."""
    others = [name for name in system.accounts.by_name if name != account]
    with system.database.read() as connection:
        used = [name for name in others if calls.of_key(connection, name, key) is not None]
    if used:
        raise Refused("key_reused", f"the idempotency key was used for another request, at account {used[0]}")


def one_of(found: Sequence[str], kind: str) -> str:
    """The only account of several. Raises `Refused`."""
    if not found:
        raise Refused("not_found", f"there is no {kind} of this id in the copy")
    if len(found) > 1:
        raise Refused("ambiguous_id", "several accounts know this id; say which with ?account=", accounts=found)
    return found[0]
