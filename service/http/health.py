"""`/livez` (the process answers), `/readyz` (a delivery would be stored), `/metrics`."""

from __future__ import annotations

import asyncio
import time

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from service import metrics
from service.errors import SchemaError
from service.http.problem import MEDIA_TYPE, TITLES
from service.store import gauges, schema
from service.store.engine import Database

_GAUGE_SECONDS = 10.0


class Health:
    """Answers about this process's health. Gauges are read at most every ten seconds, from partial indexes only."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read_at = 0.0

    async def livez(self, _request: Request) -> Response:
        """200 while the event loop runs."""
        return JSONResponse({"status": "ok"})

    async def readyz(self, _request: Request) -> Response:
        """200 when the database answers and its schema is not behind, else 503 with the reason."""
        reason = await asyncio.to_thread(self._unready)
        if reason is None:
            return JSONResponse({"status": "ok"})
        body = {
            "type": "about:blank",
            "title": TITLES[503],
            "status": 503,
            "cause": "not_durable",
            "detail": reason,
        }
        return JSONResponse(body, 503, {"Retry-After": "5"}, MEDIA_TYPE)

    async def metrics(self, _request: Request) -> Response:
        """Prometheus' text format."""
        if time.monotonic() - self._read_at > _GAUGE_SECONDS:
            self._read_at = time.monotonic()
            await asyncio.to_thread(self._read_gauges)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    def _unready(self) -> str | None:
        try:
            schema.check(self._database)
        except SchemaError as error:
            return str(error)
        except SQLAlchemyError:
            return "the database does not answer"
        return None

    def _read_gauges(self) -> None:
        try:
            with self._database.read() as connection:
                age, dead = gauges.backlog(connection, self._database.now())
        except SQLAlchemyError:
            return  # /readyz says so
        metrics.WAITING_AGE.set(age)
        metrics.DEAD.set(dead)
