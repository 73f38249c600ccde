"""The port: what every provider adapter declares, in words that no provider owns.

An adapter declares, the shared rule acts. Everything here is synchronous; what is pure says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from service.model import Snapshot


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What ingest needs to know of a delivery, read without trusting the rest of the body.

    `kind` and `object_id` name the provider object that the event is about. `ignored` is the reason why the event
    is stored but not applied. `event_id` is the event key: unique within an account, at most 255 characters.
    `content_key` is a second key for providers whose event id may not survive a resend: what says the same under another
    `event_id` is the same event. `scope` is the part of the provider account that sent it (a store), where it says so.
    """

    event_id: str
    type: str
    occurred_at: datetime
    kind: str | None = None
    object_id: str | None = None
    customer_id: str | None = None
    livemode: bool | None = None
    ignored: str | None = None
    content_key: str | None = None
    scope: str | None = None


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """One event, translated. `before` is the same object just before the event, where the event tells (an edge).

    `begins` says that the object did not exist before the event. `read` names an object (source, id) that must be read
    from the API because the event alone can't be trusted (truncated lists, thin notifications); `reason` says why.
    `rejects_usage`: it tells of usage that was taken and refused afterwards (`service.usage_port.UsageWriter.rejections`).
    """

    snapshots: tuple[Snapshot, ...] = ()
    before: tuple[Snapshot, ...] = ()
    begins: bool = False
    read: tuple[str, str] | None = None
    reason: str | None = None
    ignored: str | None = None
    rejects_usage: bool = False


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of one object read. `as_of` is the provider's time of the answer; a snapshot's own `as_of` goes first."""

    snapshots: tuple[Snapshot, ...]
    as_of: datetime


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a listing: the snapshots of each object, in the listing's order, and where the next page begins."""

    objects: tuple[tuple[Snapshot, ...], ...]
    as_of: datetime
    cursor: str | None


class LoggedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the provider's own log, with its raw bytes as a delivery would have carried them."""

    envelope: Envelope
    payload: bytes


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the provider's event log, newest first."""

    events: tuple[LoggedEvent, ...]
    as_of: datetime
    cursor: str | None


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One list of the provider's API that the reconciler sweeps.

    `source` names the objects listed, `kind` the rows they feed. `filter` says by which time the list can be limited: of
    creation, of the last update (then whatever changed is listed, and open rows need no reading by id), or not at all.
    `owns_row` is False where the objects feed only a part of a row that another listing owns. `shifts`: pages are numbered,
    so an object may be shown twice while new ones push it on. `feeds` are further kinds of rows, of the same id, that an object may feed.
    """

    source: str
    kind: str
    filter: Literal["created", "updated"] | None = "created"
    shifts: bool = False
    feeds: tuple[str, ...] = ()
    owns_row: bool = True


class Ordering(msgspec.Struct, frozen=True, kw_only=True):
    """How a provider's versions compare.

    `object_clock`: objects carry their own update time, shared by events and reads (Paddle, Lemon Squeezy). Otherwise
    events are stamped in whole seconds and reads by the answer's Date (Stripe); `margin` is how many seconds around a
    read's Date an event is not trusted over it. `precedence` lists the sources that may feed one row, the one to be
    believed first. `attempts` are sources that only tell of failed attempts to pay, known from events alone: what they say
    replaces `pending`, nothing else. `sticky` fields are known from some events but from no read: once known they stay.
    `receipts` are sources whose invoice is only a receipt where it began a subscription (`Subscription.begun_by`): that
    money is counted in the subscription's own invoices.
    """

    object_clock: bool
    margin: int = 120
    precedence: tuple[str, ...] = ()
    attempts: tuple[str, ...] = ()
    sticky: tuple[str, ...] = ()
    receipts: tuple[str, ...] = ()


class Reader(Protocol):
    """The read side of one account. Every call goes through the account's read budget.

    Raises `ProviderError`: `RateLimited`, `Forbidden`, `NotFound`, `ProviderUnavailable`, `BadRequest`; and `MappingError`
    where an object that was read can't be translated.
    """

    def identity(self) -> str | None:
        """The provider's own id of the account that the key belongs to; None where nothing there can tell it yet."""
        ...

    def get(self, source: str, object_id: str) -> Read:
        """One object with its nested lists complete."""
        ...

    def page(self, source: str, *, cursor: str | None, since: datetime | None, until: datetime | None) -> Page:
        """One page of a listing with nested lists complete, optionally limited by creation time."""
        ...

    def events(self, *, cursor: str | None, since: datetime, until: datetime) -> EventPage:
        """One page of the event log between two provider times (inclusive)."""
        ...

    def notification(self, payload: bytes) -> LoggedEvent | None:
        """The full event behind a thin notification; None where it can't be had any more."""
        ...

    def endpoints(self) -> Sequence[Endpoint]:
        """The webhook endpoints registered at the provider."""
        ...

    def register(self, url: str, endpoint_id: str | None) -> Endpoint:
        """Create the endpoint for `url`, or amend `endpoint_id`, so that it sends all that we handle."""
        ...

    def checks(self, mode: str | None) -> Sequence[Check]:
        """What `doctor` asks of this provider alone: that what we take for granted about it still holds. May be empty.

        `mode` is what the account is set to, or what its key says; None where nothing does.
        """
        ...

    def close(self) -> None:
        """Give back the connections."""
        ...


class Check(msgspec.Struct, frozen=True):
    """One check of the set-up: passed, failed, or None where it could not be made, does not apply, or is only a `warning`."""

    name: str
    ok: bool | None
    detail: str
    warning: bool = False


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook endpoint as registered at the provider. `secret` is present only right after creation."""

    id: str
    url: str
    enabled: bool
    api_version: str | None
    types: tuple[str, ...]
    secret: str | None = None


class Budget(Protocol):
    """Permission to make one read call; blocks until the account's shared bucket has a token."""

    def take(self, *, reserve: bool = False) -> None:
        """Return once a call may be made. `reserve` lets workers use the share kept back from bulk reading."""
        ...

    def pause(self, seconds: float) -> None:
        """Hold every caller of this bucket back for `seconds` (the provider said Retry-After)."""
        ...


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter needs to reach its API. `extra` holds the account's options (`Provider.options`), `webhook_secret` the
    first of its secrets, for a provider that lets us choose it when an endpoint is registered.
    """

    api_key: str
    api_base: str | None
    budget: Any
    timeout: float = 20.0
    extra: Mapping[str, str] = {}
    webhook_secret: str | None = None


class Provider(Protocol):
    """One billing provider. An instance holds no account and no state.

    `reads_per_second` is the default read budget; it is shared by everything behind one limit of the provider, which is
    `budget_scope`: an account, an API key, or the address of the machine. `options` are the settings beyond the common ones
    that an account takes (`LEMONSQUEEZY_STORE_ID` is `store_id`), `scope_option` the one that limits it to the events of one
    `Envelope.scope`.

    `log_memory_days` is how long the provider's own event log remembers; None where it has none. `gives_up_after_seconds`
    is how long it goes on trying to deliver an event: the shortest outage that loses one. None: it never stops.
    """

    name: str
    ordering: Ordering
    listings: tuple[Listing, ...]
    log_memory_days: int | None
    gives_up_after_seconds: float | None
    reads_per_second: float
    budget_scope: Literal["account", "key", "address"]
    options: tuple[str, ...]
    scope_option: str | None
    safety_lag_seconds: int
    api_version: str | None
    types: tuple[str, ...]

    def verify(self, *, headers: Headers, body: bytes, secrets: Sequence[str], now: float, tolerance: int) -> None:
        """Return if any secret signed these bytes in time; otherwise raise `Rejected` with its named cause. Pure."""
        ...

    def envelope(self, body: bytes) -> Envelope:
        """Read the envelope of verified bytes; raise `Rejected("bad_payload")` where it has none. Pure."""
        ...

    def map(self, payload: bytes) -> Mapped:
        """Translate one stored event; raise `MappingError` where its shape can't be. Pure."""
        ...

    def rank(self, source: str, content: Mapping[str, Any]) -> int | None:
        """Place of a content in the listed order of its source's statuses; None where no order is certain. Pure."""
        ...

    def mode(self, api_key: str | None) -> str | None:
        """`live` or `test` as the key's prefix says; None where it does not. Pure."""
        ...

    def dashboard_url(self, source: str, object_id: str, *, livemode: bool) -> str | None:
        """Where a person looks at the object at the provider. Pure."""
        ...

    def connect(self, connection: Connection) -> Reader:
        """A read side for one account."""
        ...


Headers: TypeAlias = Mapping[bytes, bytes]
Pages: TypeAlias = Iterator[Page]
