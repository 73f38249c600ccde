"""One served stand-in for all tests: the socket stays, the account behind it is new for each test."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import stripe
from starlette.types import Receive, Scope, Send

from service.sandbox.server import serving
from service.sandbox.stripe import StripeSandbox
from tests.sandbox.shop import Shop


@dataclass
class Stage:
    """An ASGI application that hands every request to the sandbox of the running test."""

    sandbox: StripeSandbox
    url: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with the server's own `send`."""
        await self.sandbox.app(scope, receive, send)


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    stage = Stage(StripeSandbox())
    with serving(stage) as url:
        stage.url = url
        yield stage


@pytest.fixture
def url(stage: Stage) -> str:
    return stage.url


@pytest.fixture
def sandbox(stage: Stage) -> StripeSandbox:
    stage.sandbox = StripeSandbox(seed=7)
    return stage.sandbox


@pytest.fixture
def client(sandbox: StripeSandbox, url: str) -> stripe.StripeClient:
    return stripe.StripeClient(sandbox.api_key, base_addresses={"api": url}, max_network_retries=0)


@pytest.fixture
def shop(sandbox: StripeSandbox) -> Shop:
    return Shop(sandbox)
