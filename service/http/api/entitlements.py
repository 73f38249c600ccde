"""What a customer or a user may use now: derived at each request from the copy, see `service.entitlements`."""

from __future__ import annotations

from service.entitled import Entitlements
from service.http.api import lookup
from service.http.api.operation import Asked, Reply
from service.http.api.parameters import OfAccount, OfUser
from service.http.api.problem import Refused
from service.store import listing
from service.system import System


def of_customer(system: System, asked: Asked[OfAccount, None]) -> Reply:
    """Of one customer, and of its user at every provider where that is known."""
    accounts = lookup.accounts(system, asked.query.account)
    if len(accounts) == 1:
        found = system.entitlements.customer(accounts[0], asked.id)
        if found.considered:  # a subscription of its own: the customer is known
            return Reply(found)
    with system.database.read() as connection:
        known = listing.accounts_of_customer(connection, accounts, asked.id)
    if known:
        return Reply(system.entitlements.customer(lookup.one_of(known, "customer"), asked.id))
    return _unknown(system.entitlements.customer(accounts[0], asked.id))


def of_user(system: System, asked: Asked[OfUser, None]) -> Reply:
    """Of one user of the application, whatever the provider."""
    return Reply(system.entitlements.user(asked.query.user_id))


def _unknown(found: Entitlements) -> Reply:
    """A customer that the copy does not have: proof that there is none only once the copy is complete."""
    if found.state == "not_synced":
        return Reply(found)
    raise Refused("not_found", "there is no customer of this id in the copy")
