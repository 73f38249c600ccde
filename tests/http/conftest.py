"""A real server on a real socket, in this process, over either database."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from service.app import build
from service.sandbox.server import serving
from service.settings import AccountSettings, Settings
from service.system import System
from tests.signing import SECRET


@pytest.fixture
def system(database_url: str) -> Iterator[System]:
    """One Stripe test account with two secrets, no API key."""
    account = AccountSettings(
        name="stripe", provider="stripe", mode="test", webhook_secrets=(SECRET, "whsec_test_old_fedcba9876543210")
    )
    made = System(Settings(database_url=database_url, accounts=(account,), max_body=65_536))
    yield made
    made.close()


@pytest.fixture
def client(system: System) -> Iterator[httpx.Client]:
    """A client of the served application, without a worker."""
    with serving(build(system)) as url, httpx.Client(base_url=url, timeout=20) as client:
        yield client
