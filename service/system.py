"""Composition: settings in, plans, a database and accounts out. The only place that finds adapters."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from importlib.metadata import entry_points
from typing import Final

from service import meter_file, plans, providers
from service.account import Account, Accounts
from service.billing import Billing
from service.budget import SharedBudget
from service.entitlements import Entitled
from service.errors import ConfigError, OtherAccount
from service.provider import Provider, Reader
from service.settings import AccountSettings, Settings, load
from service.store import runs
from service.store.engine import Database
from service.usage import Usage
from service.usage_bill import Bills

GROUP: Final = "tallyhook.providers"
"""The group of entry points under which an installed distribution offers an adapter."""
_NAME: Final = re.compile("[a-z][a-z0-9]*")


class System:
    """One process's plans, meters, database and accounts. Close it when done."""

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime] | None = None) -> None:
        self.settings = settings
        self.plans = plans.load(settings.document, (entry.name for entry in settings.accounts))
        self.database = Database(settings.database_url, clock=clock)
        self.accounts = Accounts({entry.name: self._account(entry) for entry in settings.accounts})
        self.meters = meter_file.load(settings.document, self.accounts.by_name)
        self.entitlements = Entitled(self.database, self.accounts, self.plans)
        self.usage = Usage(self.database, self.meters, self.accounts.by_name)
        self.bills = Bills(self.database, self.accounts.by_name, self.meters)

    def account(self, name: str) -> Account:
        """The account of this name. Raises `ConfigError` that lists the known ones."""
        try:
            return self.accounts.by_name[name]
        except KeyError:
            known = ", ".join(self.accounts.by_name) or f"none is configured; set {variables('WEBHOOK_SECRET')}"
            raise ConfigError(f"there is no account {name!r}; known: {known}") from None

    def billing(self, name: str) -> Billing:
        """The write side of an account, as an application uses it. Raises `ConfigError`."""
        return Billing(self.database, self.account(name), self.plans, self.usage)

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
        return Account(entry, provider, SharedBudget(self.database, _bucket(entry, provider), rate), self._require_own)

    def _require_own(self, account: Account, reader: Reader) -> None:
        """Raise `OtherAccount` where the key shows another mode or provider account than the rows here came from.

        Only a reconcile run records whose the rows are: a key that is tried out leaves no trace.
        """
        shown = account.provider.mode(account.settings.api_key)
        if shown not in (None, account.mode):
            raise OtherAccount(
                f"the key of {account.name!r} is a {shown} key, but the account is set to {account.mode}"
            )
        identity = reader.identity()
        if identity is not None:
            with self.database.read() as connection:
                runs.require_identity(connection, account.name, account.provider.name, identity)


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


def variables(setting: str) -> str:
    """The variables of the environment that give any provider this setting, for messages that say what to do."""
    return " or ".join(f"{name.upper()}_{setting}" for name in discover())


@cache
def discover() -> dict[str, Provider]:
    """Every adapter, by name: a new folder under `service.providers` is enough.

    An adapter of somebody else's is found too, where an installed distribution names its provider object as an entry point of
    the group `tallyhook.providers`.

    Raises:
        ConfigError: an installed adapter can't be loaded, its name can't begin a variable, or two have one name.
    """
    found: dict[str, Provider] = {}
    for origin, provider in (*_own(), *_installed()):
        if not _NAME.fullmatch(provider.name) or provider.name in found:
            raise ConfigError(
                f"{origin}: an adapter can't be called {provider.name!r}; a name is of small letters and digits, and its own"
            )
        found[provider.name] = provider
    return dict(sorted(found.items()))


def _own() -> Iterator[tuple[str, Provider]]:
    for module in pkgutil.iter_modules(providers.__path__):
        name = f"{providers.__name__}.{module.name}"
        yield name, importlib.import_module(name).provider


def _installed() -> Iterator[tuple[str, Provider]]:
    for entry in entry_points(group=GROUP):
        origin = f"the entry point {entry.name} of the group {GROUP}"
        try:
            provider: Provider = entry.load()
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"{origin} can't be loaded: {error}; install its package again or remove it") from error
        yield origin, provider
