"""An Acorn house among several with the same refs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from service.sandbox.edge import Edge
from tests.providers.acorn.standin import House


class AcornBranch:
    """See `tests.accounts.branch.Branch`."""

    settings: Mapping[str, str] = {"region": "north"}

    def __init__(self, number: int) -> None:
        self.key = f"acorn-test-branch{number}"
        self._house = House(key=self.key, name=f"house-{number}")
        self._number = number

    @property
    def app(self) -> Edge:
        """The API."""
        return self._house.app

    def trade(self) -> None:
        """Two patrons with memberships."""
        each = f"{19 + self._number}.00"
        for at in range(2):
            who, at_house = f"p{at}", f"buyer{at}@branch{self._number}.example"
            self._house.write("patron.joined", who, mail=at_house, called=f"Patron {at}", joined=self._house.now)
            self._house.write("membership.begun", f"m{at}", patron=who, state="running", each=each, coin="EUR", seats=1)
            paid = {"sent": self._house.now, "settled": self._house.now, "sum": each, "coin": "EUR"}
            self._house.write("bill.settled", f"b{at}", patron=who, membership=f"m{at}", state="settled", **paid)

    def bodies(self) -> list[bytes]:
        """The event of each change."""
        return [json.dumps(each).encode() for each in self._house.log]

    def change(self) -> None:
        """Some of the first payment goes back."""
        amount = f"1.0{self._number}"
        self._house.write("giveback.made", "g0", bill="b0", patron="p0", state="done", sum=amount, coin="EUR")

    def lose(self) -> None:
        """The last patron is unknown from now on."""
        del self._house.objects["patron"]["p1"]

    def later(self, seconds: int) -> None:
        """Time passes."""
        self._house.now += seconds * 1000

    def now(self) -> datetime:
        """The branch's time, and a second."""
        return datetime.fromtimestamp(self._house.now / 1000, UTC) + timedelta(seconds=1)


def open_branch(number: int) -> AcornBranch:
    """The house of this number."""
    return AcornBranch(number)
