"""The whole machine: PostgreSQL, the mailbox, the sample vendor, the five services; started in order, stopped in reverse."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from embedded import databases
from embedded.install import SERVICES, Install
from embedded.mailbox import Mailbox
from embedded.postgres import EmbeddedPostgres
from embedded.sample_vendor import SampleVendor
from embedded.server import HOUSE, one_app, settings_of
from embedded.stocking import stock_manuals, stock_methods
from tierline.desk.policies import load_policies
from tierline.kit import log
from tierline.kit.connections import Bounded
from tierline.kit.errors import Misconfigured
from tierline.kit.migrate import migrate

POLICIES = Path(__file__).parents[2] / "policies"
READY_WITHIN = 60


@dataclass
class Machine:
    """A running install: where it answers, what it made, where its mail lies."""

    url: str
    install: Install
    mailbox: Mailbox | None
    server: uvicorn.Server
    vendor: SampleVendor

    def client(self) -> httpx.AsyncClient:
        """An HTTP client for this machine."""
        return httpx.AsyncClient(base_url=self.url, timeout=30, trust_env=False)


class _Server(uvicorn.Server):
    """uvicorn, stopped by whoever started it: signals are the terminal's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Leave the signals alone."""
        yield


@contextlib.asynccontextmanager
async def running(
    folder: Path,
    *,
    port: int = 8080,
    kafka: str | None = None,
    vendor_url: str | None = None,
    quiet: bool = True,
    manuals: bool = True,
) -> AsyncIterator[Machine]:
    """Start everything, and hand it over once all five services are ready. Raises `Misconfigured` with the remedy.

    Without `manuals` Tier 1 answers nothing by itself: every ticket waits for its agents.
    """
    async with contextlib.AsyncExitStack() as stack:
        listener = stack.enter_context(_listen(port))
        port = listener.getsockname()[1]
        log.configure("ERROR" if quiet else os.environ.get("TIERLINE_LOG_LEVEL", "INFO"))
        policies = Path(os.environ.get("TIERLINE_POLICIES", POLICIES))
        install = Install(folder, load_policies(policies))
        install.prepare(vendor_url or f"http://127.0.0.1:{port}/sample-vendor/{{vendor}}")
        admin = os.environ.get("TIERLINE_DATABASE_URL") or await _own_postgres(folder, stack)
        addresses = await databases.ensure(admin, SERVICES, install.state["passwords"])
        await migrate(*((addresses[service.name], service.migrations) for service in HOUSE))
        mailbox = None
        if "TIERLINE_SMTP_HOST" not in os.environ:
            mailbox = Mailbox(folder / "mail")
            mailbox.start()
            stack.callback(mailbox.stop)
        smtp = {"host": "127.0.0.1", "port": mailbox.port} if mailbox else {}
        settings = {s.name: settings_of(s, install, addresses, policies, port, kafka, smtp) for s in HOUSE}
        secrets = {slug: known["secret"] for slug, known in install.credentials["vendors"].items()}
        vendor = SampleVendor(f"http://127.0.0.1:{port}", secrets)
        whole = one_app(settings, Mount("/sample-vendor", vendor.app))
        config = uvicorn.Config(
            whole,
            log_level="error",
            access_log=False,
            timeout_graceful_shutdown=8,
            lifespan="on",
            loop="uvloop",
            http=Bounded,
        )
        server = _Server(config)
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        stack.push_async_callback(_stop, server, serving, whole)
        machine = Machine(f"http://127.0.0.1:{port}", install, mailbox, server, vendor)
        await _until_ready(machine, serving)
        await _register_vendors(machine)
        async with machine.client() as client:
            await stock_methods(client, install.credentials["operator"])
            if manuals:
                await stock_manuals(client, install.credentials["operator"])
        yield machine


async def _own_postgres(folder: Path, stack: contextlib.AsyncExitStack) -> str:
    postgres = EmbeddedPostgres(folder / "postgres")
    await asyncio.to_thread(postgres.start)
    stack.push_async_callback(asyncio.to_thread, postgres.stop)
    return postgres.dsn()


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise Misconfigured(
            f"port {port} cannot be used ({error.strerror}); stop what holds it, or set TIERLINE_PORT"
        ) from None
    return listener


async def _until_ready(machine: Machine, serving: "asyncio.Task[None]") -> None:
    waiting: Any = {}
    async with machine.client() as client:
        for _ in range(READY_WITHIN * 20):
            if serving.done():
                await serving
                raise Misconfigured("the services ended while they started")
            with contextlib.suppress(httpx.HTTPError):
                answer = await client.get("/readyz")
                waiting = answer.json()["waiting"]
                if answer.status_code == 200:
                    return
            await asyncio.sleep(0.05)
    reasons = "; ".join(f"{name}: {' '.join(why)}" for name, why in waiting.items()) or "no answer"
    raise Misconfigured(f"not ready within {READY_WITHIN} s: {reasons}")


async def _register_vendors(machine: Machine) -> None:
    head = {"Authorization": f"Bearer {machine.install.credentials['liaison']}"}
    async with machine.client() as client:
        for vendor, known in machine.install.credentials["vendors"].items():
            answer = await client.put(
                f"/tier3/v1/vendors/{vendor}",
                json={"url": known["url"], "secret": known["secret"]},
                headers=head,
            )
            answer.raise_for_status()


async def _stop(server: uvicorn.Server, serving: "asyncio.Task[None]", whole: Starlette) -> None:
    for app in whole.state.apps.values():
        app.state.runtime.stopping.set()  # open streams end now; the server waits for them
    server.should_exit = True
    with contextlib.suppress(asyncio.CancelledError):
        await serving
