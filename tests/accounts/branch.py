"""Branches: accounts of one provider whose objects and events have the same ids.

Each provider's tests open them: `tests/providers/<name>/branch.py` has `open_branch(number)`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from service.provider import Provider
from service.sandbox.server import serving
from service.settings import load
from service.system import System, options
from tests.contract.specimen import Specimen
from tests.reconcile.world import Unlimited

NAMES = ("north", "south", "west")


class Branch(Protocol):
    """One account at a provider's stand-in. `settings` are what the account's table in the TOML file says beside the rest."""

    key: str
    settings: Mapping[str, str]

    @property
    def app(self) -> Any:
        """The API."""

    def trade(self) -> None:
        """Some business: the same objects and ids in every branch, with other names and amounts."""

    def bodies(self) -> list[bytes]:
        """The event of each change so far, as it would be delivered."""

    def change(self) -> None:
        """Some of the first payment goes back; nobody delivers the event."""

    def lose(self) -> None:
        """One existing object is unknown from now on."""

    def later(self, seconds: int) -> None:
        """Time passes."""

    def now(self) -> datetime:
        """The branch's time."""


@dataclass
class Town:
    """Our side of several branches of one provider, each an account of its own."""

    provider: Provider
    specimen: Specimen
    branches: dict[str, Branch]
    urls: dict[str, str]
    file: Path
    database_url: str
    system: System

    def restart(self, **keys: str) -> None:
        """Start again, with other API keys for these accounts; whose key it is decides what the API shows."""
        self.system.close()
        write(self.file, self.provider.name, self.branches, self.urls, keys)
        self.system = opened(self.file, self.database_url, self.branches)


def secret(name: str) -> str:
    """The webhook secret of an account."""
    return f"secret-of-{name}"


@contextmanager
def town(provider: Provider, specimen: Specimen, folder: Path, database_url: str) -> Iterator[Town]:
    """Three branches that have traded alike, served, and configured in one file."""
    module = importlib.import_module(f"tests.providers.{provider.name}.branch")
    branches: dict[str, Branch] = {name: module.open_branch(number) for number, name in enumerate(NAMES)}
    for branch in branches.values():
        branch.trade()
    with ExitStack() as served:
        urls = {name: served.enter_context(serving(branch.app)) for name, branch in branches.items()}
        file = folder / "tallyhook.toml"
        write(file, provider.name, branches, urls, {})
        system = opened(file, database_url, branches)
        made = Town(provider, specimen, branches, urls, file, database_url, system)
        yield made
        made.system.close()


def write(
    file: Path, provider: str, branches: Mapping[str, Branch], urls: Mapping[str, str], keys: Mapping[str, str]
) -> None:
    """The account file. `keys` names accounts that got another branch's key, and so its API."""
    lines: list[str] = []
    for name, branch in branches.items():
        shown = keys.get(name, name)
        lines += [f"[accounts.{name}]", f'provider = "{provider}"', f'webhook_secret = "{secret(name)}"']
        lines += [f'api_key = "{branches[shown].key}"', f'api_base = "{urls[shown]}"']
        lines += [f'{key} = "{value}"' for key, value in branch.settings.items()]
    file.write_text("\n".join(lines))


def opened(file: Path, database_url: str, branches: Mapping[str, Branch]) -> System:
    """The service as this file sets it up, on a clock that follows the branches."""
    settings = load({"TALLYHOOK_CONFIG": str(file), "DATABASE_URL": database_url}, options())
    system = System(settings, clock=lambda: max(branch.now() for branch in branches.values()))
    for account in system.accounts.by_name.values():
        account.budget = Unlimited()
    return system
