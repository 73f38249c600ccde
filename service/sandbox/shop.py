"""A small business at a stand-in, in words that no provider owns: what the demo plays, at every provider that has one.

Each stand-in has a module `shop` with `open_shop(*, seed, now) -> Shop`.
"""

import importlib
import importlib.util
from dataclasses import dataclass, field
from typing import Any, Protocol

from service import sandbox as stand_ins
from service.sandbox.clock import Clock
from service.sandbox.edge import Edge
from service.sandbox.run import Runnable, names


@dataclass(frozen=True)
class Person:
    """A customer to be: one of all the application's users."""

    name: str
    user_id: str

    @property
    def email(self) -> str:
        """Where receipts go."""
        return f"{self.name.lower()}@example.com"


@dataclass(frozen=True)
class Truth:
    """What the provider holds: how many rows of each kind it makes, and the money in minor units by currency."""

    counts: dict[str, int]
    paid: dict[str, int] = field(default_factory=dict)
    refunded: dict[str, int] = field(default_factory=dict)


class StandIn(Runnable, Protocol):
    """A stand-in as a shop's owner and the wire see it."""

    @property
    def app(self) -> Edge:
        """The ASGI application."""

    @property
    def clock(self) -> Clock:
        """Virtual time."""

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events so far."""

    api_key: str


class Shop(Protocol):
    """Plans and customers at one provider. People are named; each has one subscription, to `Pro` or to the larger `Team`."""

    sandbox: StandIn
    currencies: str
    """What the plans cost money in, in words."""

    def settings(self) -> dict[str, str]:
        """What an account of this provider has to be told beyond its key."""

    def open(self) -> None:
        """Publish the plans."""

    def subscribe(self, person: Person, *, team: bool = False) -> None:
        """The person pays the first month."""

    def decline(self, person: Person, times: int) -> None:
        """Let the person's next payments fail."""

    def add_seats(self, person: Person, quantity: int) -> None:
        """Change how many seats the person has, from now on."""

    def refund(self, person: Person, amount: int | None = None) -> None:
        """Give back part of the person's last payment, in minor units, or all of it."""

    def cancel(self, person: Person) -> None:
        """Let the subscription end with its period."""

    def truth(self) -> Truth:
        """What a true copy has to hold."""


def open_shops(*, seed: int, now: int) -> dict[str, Shop]:
    """A shop at every stand-in that has one, by the provider's name, in order of name."""
    found: dict[str, Shop] = {}
    for name in names():
        place = f"{stand_ins.__name__}.{name}.shop"
        if importlib.util.find_spec(place) is not None:
            found[name] = importlib.import_module(place).open_shop(seed=seed, now=now)
    return found


def added(amounts: list[tuple[str, int]]) -> dict[str, int]:
    """Sums by currency, without those that are zero."""
    sums: dict[str, int] = {}
    for currency, amount in amounts:
        sums[currency] = sums.get(currency, 0) + amount
    return {currency: amount for currency, amount in sorted(sums.items()) if amount}
