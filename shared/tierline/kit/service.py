"""From a `Service` to an app that uvicorn serves: its routes, and the four pages that operators know every service by."""

import contextlib
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from uvicorn import Server

from tierline.kit import calls, letters_api, log, outbox, parking, problems
from tierline.kit.bus import EventBus
from tierline.kit.buses import open_bus
from tierline.kit.calling import Caller, Running, caller
from tierline.kit.errors import Misconfigured
from tierline.kit.http import Door
from tierline.kit.runtime import Runtime, Service
from tierline.kit.settings import Settings, read_settings
from tierline.kit.tracing import Tracing

__all__ = ["Caller", "Running", "caller", "create_app"]

CONFIGURATION = 78  # EX_CONFIG of sysexits.h
OVERDUE = "SELECT count(*) FROM timers WHERE due_at < $1"


def create_app(
    service: Service,
    settings: Settings | None = None,
    *,
    bus: EventBus | None = None,
    clock: Callable[[], datetime] | None = None,
) -> FastAPI:
    """The service as an ASGI app. Without `settings` they are read from the environment when it starts."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with _one_line_on_refusal(standalone=settings is None):
            given = settings or read_settings(service.settings)
            if settings is None:
                log.configure(given.log_level)
            runtime = Runtime(service, given, bus or open_bus(given.bus, service.name), clock)
            app.state.runtime = runtime
            runtime.start()
        _end_streams_on_signal(runtime)
        # What was loaded at the start stays: the collector need not look at it again after every few requests.
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)
        try:
            yield
        finally:
            await runtime.stop()

    app = FastAPI(
        title=f"Tierline: {service.title}",
        version="1",
        lifespan=lifespan,
        responses=dict(problems.RESPONSES),
        redoc_url=None,
    )
    problems.install(app)
    for router in service.routers:
        app.include_router(router)
    _operator_pages(app)
    app.include_router(letters_api.router)
    metrics_of = _Late(app)
    app.add_middleware(Door, metrics=metrics_of, limit=metrics_of.limit, tracing=metrics_of.tracing)  # type: ignore[arg-type]
    return app


class _Late:
    """The metrics, traces and limits of a runtime that exists only once the app has started."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._app.state.runtime.metrics.request(method, route, status, seconds)

    def tracing(self) -> Tracing:
        found: Tracing = self._app.state.runtime.tracing
        return found

    def limit(self, path: str) -> int:
        settings: Settings = self._app.state.runtime.settings
        return settings.max_import if path.endswith(":import") else settings.max_body


def _operator_pages(app: FastAPI) -> None:
    @app.get("/livez", tags=["operation"])
    async def livez(running: Running) -> JSONResponse:
        """Whether this process works at all. It never looks at a database or a broker."""
        alive = running.alive()
        return JSONResponse({"alive": alive}, 200 if alive else 503)

    @app.get("/readyz", tags=["operation"])
    async def readyz(running: Running) -> Any:
        """Whether it can serve: what it waits for, one line each, where it cannot."""
        missing = await running.readiness()
        if missing:
            title = "Not ready"
            return problems.problem(503, "not-ready", title, "; ".join(missing), {"Retry-After": "2"})
        return {"ready": True}

    @app.get("/metrics", tags=["operation"], response_class=PlainTextResponse)
    async def metrics(running: Running) -> PlainTextResponse:
        """Prometheus' page."""
        async with running.database.connection() as held:
            for name, query in (("outbox", outbox.BACKLOG), ("calls", calls.BACKLOG)):
                count, age = await held.fetchrow(query) or (0, 0.0)
                running.metrics.set("outbox_unpublished" if name == "outbox" else "calls_pending", count)
                running.metrics.set(f"{name}_oldest_seconds", age)
            refused = await held.fetchval(outbox.REFUSALS)
            waiting, dead = await held.fetchrow(parking.DEPTH) or (0, 0)
            overdue = await held.fetchval(OVERDUE, running.now())
        running.metrics.set("outbox_limit", running.backlog.limit)
        running.metrics.set("outbox_full", float(running.backlog.full))
        running.metrics.set("outbox_refused", refused)
        running.metrics.set("parked", waiting)
        running.metrics.set("dead_letters", dead)
        running.metrics.set("timers_overdue", overdue)
        idle = (running.now() - running.consumer.heard_at).total_seconds()
        running.metrics.set("consumer_idle_seconds", max(0.0, idle))
        return PlainTextResponse(generate_latest(running.metrics.registry), media_type=CONTENT_TYPE_LATEST)


@contextlib.contextmanager
def _one_line_on_refusal(*, standalone: bool) -> Any:
    """A set-up that cannot work is said in one line; the server around us would print a page of its own."""
    try:
        yield
    except Misconfigured as error:
        if not standalone:
            raise
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
        os._exit(CONFIGURATION)


def _end_streams_on_signal(running: Runtime) -> None:
    """A server waits for open streams before it stops; so they must end when the signal comes, not after.

    uvicorn, once it has stopped in order, lets a signal that it caught kill it after all. Who asked for an end in order
    should read that it was one: so the first signal asks the server itself, and it ends with 0.
    """
    for name in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(name)
        if not callable(before):
            continue

        def handler(number: int, frame: Any, before: Any = before) -> None:
            first = not running.stopping.is_set()
            running.stopping.set()
            running.signals.after_commit()
            server = getattr(before, "__self__", None)
            if first and isinstance(server, Server):
                server.should_exit = True
            else:
                before(number, frame)

        with contextlib.suppress(ValueError):  # not the main thread: a test, or a server that handles signals itself
            signal.signal(name, handler)
