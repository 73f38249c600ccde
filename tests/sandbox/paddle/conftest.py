"""One served stand-in for all tests: the socket stays, the account behind it is new for each test."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from service.sandbox.paddle import PaddleSandbox
from service.sandbox.server import serving
from tests.sandbox.paddle.shop import Shop


@dataclass
class PaddleStage:
    """An ASGI application that hands every request to the sandbox of the running test."""

    sandbox: PaddleSandbox
    url: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with the server's own `send`."""
        await self.sandbox.app(scope, receive, send)


@pytest.fixture(scope="session")
def paddle_stage() -> Iterator[PaddleStage]:
    stage = PaddleStage(PaddleSandbox())
    with serving(stage) as url:
        stage.url = url
        yield stage


@pytest.fixture
def sandbox(paddle_stage: PaddleStage) -> PaddleSandbox:
    paddle_stage.sandbox = PaddleSandbox(seed=7)
    return paddle_stage.sandbox


@pytest.fixture
def shop(sandbox: PaddleSandbox) -> Shop:
    return Shop(sandbox)


@pytest.fixture
def web(sandbox: PaddleSandbox, paddle_stage: PaddleStage) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {sandbox.api_key}", "Paddle-Version": "1"}
    with httpx.Client(base_url=paddle_stage.url, headers=headers) as client:
        yield client
