"""Composition: settings in, plans, a database and accounts out. The only place that finds adapters."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache

from service import plans, providers
from service.account import Account, Accounts
from service.budget import SharedBudget
from service.errors import ConfigError
from service.provider import Provider
from service.settings import AccountSettings, Settings, load
from service.store.engine import Database


class System:
    """One process's plans, database and accounts. Close it when done."""

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime] | None = None) -> None:
        self.settings = settings
        self.plans = plans.load(settings.document, (entry.name for entry in settings.accounts))
        self.database = Database(settings.database_url, clock=clock)
        self.accounts = Accounts({entry.name: self._account(entry) for entry in settings.accounts})

    def account(self, name: str) -> Account:
        """The account of this name. Raises `ConfigError` that lists the known ones."""
        try:
            return self.accounts.by_name[name]
        except KeyError:
            known = ", ".join(self.accounts.by_name) or "none is configured; set for instance STRIPE_WEBHOOK_SECRET"
            raise ConfigError(f"there is no account {name!r}; known: {known}") from None

    def close(self) -> None:
        """Give back every connection."""
        for account in self.accounts.by_name.values():
            account.close()
        self.database.close()

    def _account(self, entry: AccountSettings) -> Account:
        provider = discover().get(entry.provider)
        if provider is None:
            raise ConfigError(f"account {entry.name!r}: unknown provider {entry.provider!r}")
        rate = entry.reads_per_second or provider.reads_per_second
        return Account(entry, provider, SharedBudget(self.database, _bucket(entry, provider), rate))


def _bucket(entry: AccountSettings, provider: Provider) -> str:
    """The bucket of everything that shares one limit at the provider.

    All machines of one database count as one address: behind one gateway they are one, and elsewhere they read less
    than they might.
    """
    if provider.budget_scope == "address":
        return f"{provider.name}:address"
    if provider.budget_scope == "key" and entry.api_key:
        return f"{provider.name}:key:{hashlib.blake2b(entry.api_key.encode(), digest_size=8).hexdigest()}"
    return f"{provider.name}:{entry.name}"


def start(environ: Mapping[str, str] | None = None) -> System:
    """The system that the environment describes. Raises `ConfigError`."""
    return System(load(environ, options()))


def options() -> dict[str, tuple[str, ...]]:
    """The known providers, and which settings beyond the common ones each takes."""
    return {name: provider.options for name, provider in discover().items()}


@cache
def discover() -> dict[str, Provider]:
    """Every adapter under `service.providers`, by name: a new folder is enough."""
    found: dict[str, Provider] = {}
    for module in sorted(pkgutil.iter_modules(providers.__path__), key=lambda module: module.name):
        provider: Provider = importlib.import_module(f"{providers.__name__}.{module.name}").provider
        found[provider.name] = provider
    return found
