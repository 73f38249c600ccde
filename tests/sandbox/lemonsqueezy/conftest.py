"""One served stand-in for all tests of this folder: the socket stays, the account behind it is new for each test."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from service.sandbox.lemonsqueezy import LemonSqueezySandbox
from service.sandbox.server import serving
from tests.sandbox.lemonsqueezy.shop import Shop, headers


@dataclass
class Stage:
    """An ASGI application that hands every request to the sandbox of the running test."""

    sandbox: LemonSqueezySandbox
    url: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with the server's own `send`."""
        await self.sandbox.app(scope, receive, send)


@pytest.fixture(scope="session")
def lemon_stage() -> Iterator[Stage]:
    stage = Stage(LemonSqueezySandbox())
    with serving(stage) as url:
        stage.url = url
        yield stage


@pytest.fixture
def sandbox(lemon_stage: Stage) -> LemonSqueezySandbox:
    lemon_stage.sandbox = LemonSqueezySandbox(seed=7)
    return lemon_stage.sandbox


@pytest.fixture
def url(lemon_stage: Stage) -> str:
    return lemon_stage.url


@pytest.fixture
def client(sandbox: LemonSqueezySandbox, url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers=headers(sandbox.api_key)) as client:
        yield client


@pytest.fixture
def shop(sandbox: LemonSqueezySandbox) -> Shop:
    return Shop(sandbox)
