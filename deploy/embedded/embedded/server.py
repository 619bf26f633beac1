"""Five services in one process, behind one port: mounted side by side, each with its own database, role and loops."""

import contextlib
import html
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Mount, Route

from embedded.install import Install
from intake.main import SERVICE as INTAKE
from notifier.main import SERVICE as NOTIFIER
from tier1.main import SERVICE as TIER1
from tier2.main import SERVICE as TIER2
from tier3_liaison.main import SERVICE as TIER3
from tierline.kit import problems
from tierline.kit.mail import MailSettings
from tierline.kit.runtime import Service
from tierline.kit.service import create_app
from tierline.kit.settings import Settings, read_settings

HOUSE: tuple[Service, ...] = (INTAKE, TIER1, TIER2, TIER3, NOTIFIER)


def settings_of(
    service: Service,
    install: Install,
    addresses: Mapping[str, str],
    policies: Path,
    port: int,
    kafka: str | None,
    smtp: Mapping[str, Any],
) -> Settings:
    """One service's settings on this machine; what the operator set in the environment for mail goes first."""
    sends = issubclass(service.settings, MailSettings)
    own = {"smtp_host": smtp["host"], "smtp_port": smtp["port"]} if sends and smtp else {}
    more = {"intake_url": f"http://127.0.0.1:{port}/intake"} if service is NOTIFIER else {}
    return read_settings(
        service.settings,
        database_url=addresses[service.name],
        bus=f"kafka://{kafka}" if kafka else addresses[f"{service.name}:events"],
        policies=policies,
        keys=install.keys,
        secret=install.state["secret"],
        public_url=f"http://127.0.0.1:{port}",
        mounted=True,
        allow_private_targets=True,
        pool_size=4,
        **own,
        **more,
    )


def one_app(settings: Mapping[str, Settings], *beside: Mount) -> Starlette:
    """The five services as one ASGI app. They start together and stop together.

    `beside` is what else answers on the port.
    """
    apps = {service.name: create_app(service, settings[service.name]) for service in HOUSE}

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for app in apps.values():
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield

    async def start_page(_: Request) -> HTMLResponse:
        rows = "".join(
            f'<li><a href="/{service.name}/docs">{html.escape(service.title)}</a> '
            f'(<a href="/{service.name}/readyz">ready?</a>, <a href="/{service.name}/metrics">metrics</a>)</li>'
            for service in HOUSE
        )
        page = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tierline</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
            "<body><main><h1>Tierline</h1><p>One front door; every ticket ends told.</p>"
            f"<ul>{rows}</ul></main></body></html>"
        )
        return HTMLResponse(page)

    async def ready(_: Request) -> JSONResponse:
        missing = {name: await app.state.runtime.readiness() for name, app in apps.items()}
        waiting = {name: reasons for name, reasons in missing.items() if reasons}
        return JSONResponse({"ready": not waiting, "waiting": waiting}, 503 if waiting else 200)

    routes = [
        Route("/", start_page),
        Route("/readyz", ready),
        *(Mount(f"/{name}", app) for name, app in apps.items()),
        *beside,
    ]
    whole = Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: problems.http})  # type: ignore[dict-item]
    whole.state.apps = apps
    return whole
