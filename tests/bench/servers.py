"""What the service is compared with: `python -m tests.bench.servers bare|plain PORT`."""

from __future__ import annotations

import os
import sys

import stripe
import uvicorn
from sqlalchemy import Engine, LargeBinary
from sqlmodel import Field, Session, SQLModel, create_engine
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.signing import SECRET


class PlainEvent(SQLModel, table=True):
    """The table of the plain handler."""

    __tablename__ = "plain_event"

    event_id: str = Field(primary_key=True)
    type: str
    payload: bytes = Field(sa_type=LargeBinary)


def bare() -> Starlette:
    """An endpoint that reads the body and answers: the most that this server can do."""

    async def answer(request: Request) -> Response:
        await request.body()
        return PlainTextResponse("ok")

    return Starlette(routes=[Route("/webhooks/stripe", answer, methods=["POST"])])


def plain(url: str) -> Starlette:
    """The handler that everybody writes first: the SDK checks, a model is inserted, each request commits."""
    engine = create_engine(url, connect_args={"timeout": 30} if url.startswith("sqlite") else {})
    SQLModel.metadata.create_all(engine)

    async def answer(request: Request) -> Response:
        body = await request.body()
        signature = request.headers.get("stripe-signature", "")
        return JSONResponse({"event_id": await run_in_threadpool(_store, engine, body, signature)})

    return Starlette(routes=[Route("/webhooks/stripe", answer, methods=["POST"])])


def _store(engine: Engine, body: bytes, signature: str) -> str:
    found = stripe.Webhook.construct_event(body, signature, SECRET)
    with Session(engine) as session:
        session.add(PlainEvent(event_id=found.id, type=found.type, payload=body))
        session.commit()
    return str(found.id)


def main() -> None:
    """Serve one of them until told to stop."""
    app = bare() if sys.argv[1] == "bare" else plain(os.environ["DATABASE_URL"])
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error", access_log=False)


if __name__ == "__main__":
    main()
