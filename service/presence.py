"""Was anybody there? Silences of all web processes together become outages of the accounts that lost events by them.

A provider without an event log delivers an event for a while and then gives it up: what it gave up while nothing received
is gone, and nothing says so. So every web process leaves its sign of life in one row, and whoever finds the last one too
old has noticed an outage: of the service (also of a stopped one, which leaves no heartbeat), or of the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog
from sqlalchemy import Connection

from service.provider import Provider
from service.store import outages
from service.system import System

ROLE: Final = "web"
# A process that was told to stop drains for up to 25 s and is deaf then, yet beats; a beat comes every ten seconds, and the
# last one before an outage may have failed. What a provider promises about its retries is a round number, too.
MARGIN_SECONDS: Final = 60.0
LEAST_SECONDS: Final = 30.0
log = structlog.get_logger()


class Silence(msgspec.Struct, frozen=True):
    """A time without any sign of life, long enough for an account to have lost events."""

    account: str
    began_at: datetime
    ended_at: datetime


def patience(provider: Provider, asked: float | None = None) -> float | None:
    """Seconds of silence that lose an event of this provider for good; None where none does. Pure.

    Shorter than what the provider declares, since the silence that we see may be shorter than the deafness was; never
    shorter than three beats. `asked` replaces the declared one, zero switches it off.
    """
    declared = provider.gives_up_after_seconds
    if provider.log_memory_days is not None or asked == 0:
        return None
    if asked is not None:
        return max(asked, LEAST_SECONDS)
    return None if declared is None else max(declared - MARGIN_SECONDS, LEAST_SECONDS)


def silences(before: datetime | None, now: datetime, limits: Mapping[str, float]) -> list[Silence]:
    """The silence that ends with a sign of life at `now`, for each account that it was too long for. Pure.

    `before` is the sign of life just before it, of whichever process; None where there was none ever, which loses nothing.
    """
    if before is None:
        return []
    quiet = now - before
    return [Silence(name, before, now) for name, most in limits.items() if quiet > timedelta(seconds=most)]


class Presence:
    """The sign of life of one web process, and the outages that it notices by it."""

    def __init__(self, system: System) -> None:
        asked = system.settings.catchup_after
        # Without a key nothing could be read, so nothing is noted that nobody could ever finish.
        readable = [each for each in system.accounts.by_name.values() if each.readable]
        found = {each.name: patience(each.provider, asked) for each in readable}
        self._limits = {name: seconds for name, seconds in found.items() if seconds is not None}

    def beat(self, connection: Connection, now: datetime) -> None:
        """Leave a sign of life in the caller's transaction, and note the outage that it ends."""
        before = outages.present(connection, ROLE, now)
        for each in silences(before, now, self._limits):
            if outages.record(connection, each.account, outages.SILENCE, each.began_at, each.ended_at):
                seconds = round((each.ended_at - each.began_at).total_seconds())
                log.warning("outage.noticed", account=each.account, cause=outages.SILENCE, seconds=seconds)
