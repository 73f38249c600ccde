"""The control plane, `/_sandbox/`: what a test does with the object, for a process that has only the URL."""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from service.sandbox.delivery import Deliveries
from service.sandbox.faults import Faults

Json = dict[str, Any]
Command = Callable[[Json], Any]


class Controlled(Protocol):
    """A stand-in as the control plane sees it; beyond this, each provider names commands of its own."""

    @property
    def faults(self) -> Faults:
        """What goes wrong next."""

    @property
    def deliveries(self) -> Deliveries:
        """Webhooks that wait."""

    def advance(self, seconds: int) -> None:
        """Move virtual time."""

    def reset(self, *, seed: int | None = None) -> None:
        """Begin again."""

    def state(self) -> Json:
        """Time and counts."""

    def commands(self) -> dict[str, Command]:
        """The provider's own commands by name, each called with the request's JSON object."""


def control_routes(sandbox: Controlled) -> list[BaseRoute]:
    """The routes under `/_sandbox/`. Bodies and answers are JSON; a command that is refused is 400 with `error`."""
    commands = _shared(sandbox) | sandbox.commands()
    posts = [Route(f"/_sandbox/{name}", _command(run), methods=["POST"]) for name, run in commands.items()]
    gets = [
        Route("/_sandbox/state", _read(lambda: sandbox.state()), methods=["GET"]),
        Route("/_sandbox/deliveries", _read(lambda: _waiting(sandbox)), methods=["GET"]),
    ]
    return [*posts, *gets]


def _shared(sandbox: Controlled) -> dict[str, Command]:
    def advance(sent: Json) -> Json:
        sandbox.advance(int(sent["seconds"]))
        return sandbox.state()

    def faults(sent: Json) -> Json:
        sandbox.faults.change(sent)
        return sandbox.faults.shown()

    def reset(sent: Json) -> Json:
        sandbox.reset(seed=sent.get("seed"))
        return sandbox.state()

    def pump(_sent: Json) -> Json:
        return {"attempts": sandbox.deliveries.pump()}

    return {"advance": advance, "faults": faults, "reset": reset, "pump": pump}


def _waiting(sandbox: Controlled) -> Json:
    shown = [
        {"event_id": each.event_id, "url": each.endpoint_url, "due": each.due, "attempts": each.attempts}
        for each in sandbox.deliveries.pending()
    ]
    return {"deliveries": shown}


def _command(run: Command) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            body = await request.body()
            sent = msgspec.json.decode(body or b"{}", type=dict[str, Any])
            # A pump calls the receiver, which may call the stand-in back: the loop must stay free.
            return _json(200, await run_in_threadpool(run, sent))
        except (ValueError, LookupError, TypeError) as error:
            return _json(400, {"error": str(error)})
        except Exception as error:
            body_of_error = getattr(error, "body", None)
            if body_of_error is None:
                raise
            return _json(400, body_of_error)

    return endpoint


def _read(read: Callable[[], Json]) -> Callable[[Request], Any]:
    async def endpoint(_request: Request) -> Response:
        return _json(200, read())

    return endpoint


def _json(status: int, body: Any) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")
