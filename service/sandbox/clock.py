"""Virtual time."""

from email.utils import formatdate


class Clock:
    """The stand-in's own time, in whole unix seconds: it moves only when told to, and never backwards."""

    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        """The current virtual time in unix seconds."""
        return self._now

    def move_to(self, moment: int) -> None:
        """Move forward to `moment` (unix seconds); an earlier moment changes nothing."""
        self._now = max(self._now, moment)

    def http_date(self) -> str:
        """The virtual time as the value of an HTTP `Date` header."""
        return formatdate(self._now, usegmt=True)
