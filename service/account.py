"""An account: a name, its adapter, its secrets, its mode and its read budget."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from service.errors import ConfigError, NotSupported
from service.provider import Budget, Connection, Envelope, Headers, Provider, Reader
from service.settings import AccountSettings
from service.usage_port import Metered, UsageWriter
from service.write_port import Writer, Writes

Guard: TypeAlias = Callable[["Account", Reader], None]
"""Raises `OtherAccount` where a read side does not show the account that the rows came from."""


class Account:
    """One configured account. Safe to share between threads; the read side is connected, and `guard` asked, on first use."""

    def __init__(
        self, settings: AccountSettings, provider: Provider, budget: Budget, guard: Guard | None = None
    ) -> None:
        self.settings = settings
        self.provider = provider
        self.name = settings.name
        self.mode = settings.mode or provider.mode(settings.api_key)
        self.budget = budget
        self._guard = guard
        self._lock = threading.Lock()
        self._reader: Reader | None = None
        self._writer: Writer | None = None
        self._meter: UsageWriter | None = None

    def verify(self, headers: Headers, body: bytes, now: float) -> None:
        """Return if one of the account's secrets signed these bytes in time; otherwise raise `Rejected`."""
        self.provider.verify(
            headers=headers,
            body=body,
            secrets=self.settings.webhook_secrets,
            now=now,
            tolerance=self.settings.tolerance,
        )

    def foreign(self, envelope: Envelope) -> str | None:
        """Why an event is not this account's: it is of the other mode (test and live never mix), or of another store."""
        livemode, scope = envelope.livemode, envelope.scope
        if livemode is not None and self.mode is not None and livemode != (self.mode == "live"):
            return "other_mode"
        own = self.settings.extra.get(self.provider.scope_option or "")
        return "other_scope" if scope is not None and own is not None and scope != own else None

    @property
    def livemode(self) -> bool:
        """True unless the account is known to be a test account."""
        return self.mode != "test"

    @property
    def readable(self) -> bool:
        """True where an API key is configured."""
        return bool(self.settings.api_key)

    def reader(self) -> Reader:
        """The read side.

        Raises:
            ConfigError: no API key is configured.
            ProviderError: the key is another account's, or whose it is could not be asked.
        """
        api_key = self._key("read from the provider")
        with self._lock:
            if self._reader is None:
                self._reader = self._guarded(self.provider.connect(self._connection(api_key)))
            return self._reader

    def require_key(self) -> None:
        """Raise `ConfigError` unless an API key is configured."""
        self._key("read from the provider")

    def writer(self) -> Writer:
        """The write side. Raises as `reader` does, and `NotSupported` where the adapter has none."""
        if not isinstance(self.provider, Writes):
            raise NotSupported(f"{self.provider.name} has no write side here", "make the change at the provider itself")
        api_key = self._key("write to the provider")
        self.reader()  # ids of two accounts may be the same numbers: whose key it is must be known before anything is changed
        with self._lock:
            if self._writer is None:
                self._writer = self.provider.write(self._connection(api_key))
            return self._writer

    def meter(self) -> UsageWriter:
        """The usage side. Raises as `reader` does, and `NotSupported` where the adapter has none."""
        if not isinstance(self.provider, Metered):
            raise NotSupported(f"{self.provider.name} takes no usage", "bill usage by other means")
        api_key = self._key("tell usage to the provider")
        self.reader()  # as for `writer`
        with self._lock:
            if self._meter is None:
                self._meter = self.provider.meter(self._connection(api_key))
            return self._meter

    def close(self) -> None:
        """Give back the connections."""
        with self._lock:
            for side in (self._reader, self._writer, self._meter):
                if side is not None:
                    side.close()
            self._reader = self._writer = self._meter = None

    def _guarded(self, reader: Reader) -> Reader:
        try:
            if self._guard is not None:
                self._guard(self, reader)
        except BaseException:
            reader.close()
            raise
        return reader

    def _key(self, purpose: str) -> str:
        if self.settings.api_key:
            return self.settings.api_key
        prefix = self.settings.provider.upper()
        raise ConfigError(f"account {self.name!r} has no API key; set {prefix}_API_KEY to {purpose}")

    def _connection(self, api_key: str) -> Connection:
        base = self.settings.api_base
        secret = next(iter(self.settings.webhook_secrets), None)
        return Connection(
            api_key=api_key, api_base=base, budget=self.budget, extra=self.settings.extra, webhook_secret=secret
        )


class Accounts(msgspec.Struct, frozen=True):
    """All configured accounts by name."""

    by_name: dict[str, Account]

    def require_secrets(self) -> None:
        """Raise `ConfigError` unless every account can verify its deliveries: nothing is accepted unsigned."""
        for account in self.by_name.values():
            if not account.settings.webhook_secrets:
                prefix = account.settings.provider.upper()
                raise ConfigError(
                    f"account {account.name!r} has no webhook secret, so its deliveries can't be verified;"
                    f" set {prefix}_WEBHOOK_SECRET (or webhook_secrets in TALLYHOOK_CONFIG)"
                )
