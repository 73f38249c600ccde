"""What happens at every shop in two and a half months, and one customer who moves from shop to shop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from service.sandbox.shop import Person, Shop

DAY: Final = 86_400
DAYS: Final = 76
"""How much virtual time the whole story takes, and some that is left over: the newest events are not audited yet."""
_NAMES: Final = (
    ("Ada", "Linus", "Grace", "Edsger"),
    ("Barbara", "Ken", "Margaret", "Dennis"),
    ("Radia", "Alan", "Frances", "Donald"),
)
MOVER: Final = Person("Sophie", "4711")


class Story:
    """Acts at the stand-ins as customers and staff would. The mover visits the first three of `shops`, in their order."""

    def __init__(self, shops: Mapping[str, Shop]) -> None:
        self._shops = list(shops.values())
        self._accounts = list(shops)
        self._people = [_people(index) for index in range(len(self._shops))]
        self._visits = 0

    def steps(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Step by step: a sentence, and the deed."""
        once, never, growing, leaving = ([people[role] for people in self._people] for role in range(4))
        count = len(_NAMES[0]) * len(self._shops)
        yield "Pro and Team go on sale: in " + "; in ".join(shop.currencies for shop in self._shops), self._open
        yield f"{count} customers subscribe; {MOVER.name} too, at {self._accounts[0]}", self._subscribe
        yield (
            f"a month passes; the cards of {_all(once)} are declined once, those of {_all(never)} from now on",
            self._month,
        )
        yield f"the cards of {_all(once)} work again; {_all(growing)} add two seats", self._recover
        yield f"{_all(growing)} get a part back; {_all(leaving)} a whole month, and they leave", self._refund
        yield self._moves(), self._move
        yield f"another month passes; {_all(never)} never pay", self._later
        yield self._moves(), self._move

    def spoil(self, step: int) -> None:
        """What goes wrong on the way to us in this step: everything is shuffled, some sent twice, some lost."""
        for shop in self._shops:
            faults = shop.sandbox.faults
            faults.reorder, faults.rates = True, {"duplicate": 0.2, "drop": 0.06 if step else 0.0}
            # Chance may spare a shop, but each must give the reconciler something to find.
            faults.drop = 2 if step in (3, 6) else 0

    def _each(self, act: Callable[[Shop, list[Person]], None], seconds: int) -> None:
        for shop, people in zip(self._shops, self._people, strict=True):
            act(shop, people)
        self._pass(seconds)

    def _pass(self, seconds: int) -> None:
        for shop in self._shops:
            shop.sandbox.advance(seconds)

    def _open(self) -> None:
        self._each(lambda shop, _people: shop.open(), 3_600)

    def _subscribe(self) -> None:
        for role in range(len(_NAMES[0])):
            self._each(lambda shop, people, role=role: shop.subscribe(people[role], team=role == 2), 3_600)  # type: ignore[misc]
        self._shops[0].subscribe(MOVER)
        self._pass(3_600)

    def _month(self) -> None:
        self._each(lambda shop, people: shop.decline(people[0], 1), 0)
        self._each(lambda shop, people: shop.decline(people[1], 99), 32 * DAY)

    def _recover(self) -> None:
        self._pass(4 * DAY)
        self._each(lambda shop, people: shop.add_seats(people[2], 3), 3_600)

    def _refund(self) -> None:
        self._each(lambda shop, people: shop.refund(people[2], 500), 600)
        self._each(lambda shop, people: shop.refund(people[3]), 600)
        self._each(lambda shop, people: shop.cancel(people[3]), 600)

    def _moves(self) -> str:
        before, after = self._accounts[self._visits : self._visits + 2]
        return f"{MOVER.name} cancels at {before} and subscribes at {after}"

    def _move(self) -> None:
        self._shops[self._visits].cancel(MOVER)
        self._pass(600)
        self._visits += 1
        self._shops[self._visits].subscribe(MOVER)
        self._pass(600)

    def _later(self) -> None:
        self._pass(34 * DAY)


def _people(index: int) -> list[Person]:
    # More shops than names: a number tells their people apart.
    suffix = "" if index < len(_NAMES) else str(index)
    names = _NAMES[index % len(_NAMES)]
    return [Person(f"{name}{suffix}", str(100 * (index + 1) + at)) for at, name in enumerate(names)]


def _all(people: list[Person]) -> str:
    *first, last = (person.name for person in people)
    return f"{', '.join(first)} and {last}" if first else last
