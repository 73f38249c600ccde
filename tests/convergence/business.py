"""What a provider's business is to the suite: an account at the stand-in in which drawn steps are played.

A provider is one module beside this one. It draws what a merchant, a buyer or the provider itself does, and says what the
shared harness can't know: what no event tells of, how the provider sends an event again, and what its own objects say of
the money.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from hypothesis import strategies as st

from service.model import Snapshot
from service.sandbox.standin import StandIn

Json: TypeAlias = dict[str, Any]
Step: TypeAlias = tuple[str, int]
Steps: TypeAlias = Mapping[str, Callable[[Any, int], object]]
Money: TypeAlias = dict[str, tuple[int, int]]
"""By currency: what came in, and what of it went back to the buyers."""

SECRET = "secret_of_ours"
NOWHERE = "http://127.0.0.1:9/none"
HOUR, DAY = 3_600, 86_400


class Business(ABC):
    """One account. A step that the provider refuses is a step that changes nothing.

    `STEPS` are acts by name, each with a number that varies it; `SILENT` names those that no event tells of, which only a
    reconcile run brings home.
    """

    provider: ClassVar[str]
    API_KEY: ClassVar[str]
    STEPS: ClassVar[Steps]
    SILENT: ClassVar[frozenset[str]] = frozenset()
    refusals: ClassVar[tuple[type[Exception], ...]]

    @property
    @abstractmethod
    def standin(self) -> StandIn[Any, Any]:
        """The provider."""

    @abstractmethod
    def untold(self) -> Callable[[Snapshot], bool]:
        """What judges now whether no event has told of a listed object as it stands."""

    @abstractmethod
    def money(self) -> Money:
        """What the provider's own objects say has moved, read without any code of ours."""

    @abstractmethod
    def happened(self) -> int:
        """How many events there were, however often and under whatever id each was sent."""

    def play(self, steps: list[Step]) -> None:
        """Do these steps in order."""
        for name, pick in steps:
            try:
                self.STEPS[name](self, pick)
            except self.refusals:
                continue

    def sent(self) -> list[bytes]:
        """The bodies that wait to be delivered, in order; they are taken."""
        return [delivery.body for delivery in self.standin.deliveries.take()]

    @classmethod
    def histories(cls, part: int = 0, *, silent: bool = False) -> st.SearchStrategy[list[Step]]:
        """Up to ten steps; `silent` ones too where a run follows. The same choices are another history in each `part`."""
        names = sorted(name for name in cls.STEPS if silent or name not in cls.SILENT)
        turned = names[part:] + names[:part]
        return st.lists(st.tuples(st.sampled_from(turned), st.integers(0, 30)), min_size=1, max_size=10)


def summed(moved: Counter[tuple[str, str]]) -> Money:
    """Amounts by (currency, `in` or `back`) as `Money`, without currencies in which nothing moved."""
    found = {code: (moved[code, "in"], moved[code, "back"]) for code, _ in moved}
    return {code: each for code, each in found.items() if any(each)}
