"""A service at work: what it holds, how it starts, and how it stops without dropping anything."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from fastapi import APIRouter

from tierline.kit import aside, inbox, outbox
from tierline.kit.auth import KeyRing, StatusTokens
from tierline.kit.backlog import Backlog
from tierline.kit.bus import EventBus
from tierline.kit.consumer import Consumer
from tierline.kit.courier import Channel, Courier
from tierline.kit.database import Database
from tierline.kit.egress import Egress
from tierline.kit.errors import Misconfigured, OutboxFull, Unavailable
from tierline.kit.leader import lead
from tierline.kit.migrate import migrate
from tierline.kit.parking import Scrub
from tierline.kit.room import Room
from tierline.kit.settings import Settings
from tierline.kit.signals import Signals
from tierline.kit.sweeper import sweep
from tierline.kit.telemetry import Metrics
from tierline.kit.tracing import Tracing, open_tracing

log = structlog.get_logger()

HOUSEKEEPING = 3600.0


@dataclass(frozen=True, slots=True)
class Service:
    """A service, as a list that can be read aloud."""

    name: str
    title: str
    topic: str
    reads: Sequence[str]
    known: frozenset[str]
    rooms: Sequence[Room]  # type: ignore[type-arg]
    routers: Sequence[APIRouter]
    book: Callable[[Settings], Any]
    migrations: Path
    settings: type[Settings] = Settings
    scrub: Scrub = bytes
    channels: Callable[["Runtime"], Mapping[str, Channel]] | None = None
    duties: Sequence[Callable[["Runtime"], Coroutine[Any, Any, None]]] = ()
    """What the one leading process does besides, for as long as it leads."""

    def address(self, settings: Settings) -> str:
        """Where readers reach this service: under its name on one machine, at its own address when run apart."""
        return settings.public_url.rstrip("/") + (f"/{self.name}" if settings.mounted else "")

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic that the service reads or writes, with those for dead letters."""
        plain = dict.fromkeys([*self.reads, self.topic])
        return (*plain, *(f"{topic}.dead" for topic in plain))


class Runtime:
    """One running process of a service; what its endpoints, rules and loops reach for."""

    def __init__(
        self, service: Service, settings: Settings, bus: EventBus, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.service, self.settings, self.bus = service, settings, bus
        self._clock = clock
        self.name, self.topic, self.source = service.name, service.topic, f"/tierline/{service.name}"
        self.database = Database(settings.database_url, name=service.name, size=settings.pool_size)
        self.signals, self.metrics, self.tracing = Signals(), Metrics(service.name), Tracing()
        self.backlog = Backlog(settings.max_outbox)
        self.keys = KeyRing(settings.keys)
        self.tokens = StatusTokens(settings.secret.get_secret_value())
        self.egress = Egress(allow_private=settings.allow_private_targets)
        self.address = service.address(settings)
        self.book: Any = None
        self.rooms = {room.name: room for room in service.rooms}
        self.consumer = Consumer(self, service.rooms, service.known, self.metrics, service.scrub)
        self.stopping = asyncio.Event()
        self.opened = asyncio.Event()
        self.waits_for = "the database"
        self._reading: asyncio.Task[None] | None = None
        self._leading: asyncio.Task[None] | None = None
        self._opening: asyncio.Task[None] | None = None
        self._measuring: asyncio.Task[None] | None = None
        self._courier: Courier | None = None

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return self._clock() if self._clock else datetime.now(UTC)

    def start(self) -> None:
        """Read what the operator set (raises `Misconfigured`), then connect in the background, however long that takes."""
        self.keys.load()
        self.book = self.service.book(self.settings)
        self.tracing = open_tracing(self.name, self.settings.bus, self.settings.otlp_endpoint)
        self._opening = asyncio.ensure_future(self._open())

    async def stop(self) -> None:
        """Take in nothing more, end the calls under way, tell what is decided, let go."""
        self.stopping.set()
        if self._courier:
            self._courier.close()
        for task in (self._opening, self._reading):
            await _end(task)
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(self.settings.drain_seconds):
                while self._leading and (self._calling() or await self._untold()):
                    self.signals.outbox.set()
                    await asyncio.sleep(0.02)
        for task in (self._leading, self._measuring):
            await _end(task)
        await self.egress.close()
        await self.bus.stop()
        await self.database.stop()
        await self.tracing.close()

    async def readiness(self) -> list[str]:
        """What is missing before this process can serve; empty when it is ready."""
        if self.stopping.is_set():
            return ["the service is stopping"]
        if not self.opened.is_set():
            return [f"still waiting for {self.waits_for}"]
        missing = []
        for what in (self.database, self.bus):
            try:
                async with asyncio.timeout(3):
                    await what.ping()
            except (Unavailable, TimeoutError) as error:
                missing.append(str(error) or "no answer within 3 seconds")
        with contextlib.suppress(OutboxFull):
            self.backlog.check()
            return missing
        return [*missing, f"the outbox is full: {self.backlog.waiting} events wait, {self.backlog.limit} may"]

    def alive(self) -> bool:
        """Whether the loops that must run are running."""
        loops = (self._reading, self._leading, self._measuring)
        return all(task is None or not task.done() for task in loops)

    async def _open(self) -> None:
        await self._until_there("the database", self._open_database)
        self._measuring = _loop("measuring", self.backlog.watch(self.database))
        await self._until_there("the event bus", lambda: self.bus.start(self.service.topics))
        self._reading = _loop("reading", self.bus.consume(self.name, self.service.reads, self.consumer.handle))
        self._leading = _loop("leading", lead(self.settings.database_url, self.name, self._lead))
        self.opened.set()
        log.info("service_ready", action="service_ready", service=self.name)

    async def _open_database(self) -> None:
        await migrate((self.settings.database_url, self.service.migrations))
        await self.database.start()

    async def _until_there(self, what: str, attempt: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.waits_for, pause = what, 0.5
        while True:
            try:
                await attempt()
            except Exception as error:  # a service that cannot start yet says why, and tries on
                ours = isinstance(error, Unavailable | Misconfigured)
                reason = str(error).splitlines()[0] if ours else type(error).__name__
                self.waits_for = f"{what}: {reason}"
                log.error("start_waits", action="start_waits", service=self.name, reason=self.waits_for)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 10.0)
            else:
                return

    async def _lead(self) -> None:
        channels = self.service.channels(self) if self.service.channels else {}
        async with asyncio.TaskGroup() as group:
            group.create_task(outbox.relay(self.database, self.bus, self.source, self.signals.outbox, self.tracing))
            group.create_task(sweep(self, tuple(self.service.rooms), self.consumer))
            group.create_task(self._housekeeping())
            for duty in self.service.duties:
                group.create_task(duty(self))
            if channels:
                self._courier = Courier(self, self.service.rooms, channels)
                group.create_task(self._courier.run())

    async def _housekeeping(self) -> None:
        while True:
            with contextlib.suppress(Unavailable):
                for purge in (outbox.purge, inbox.purge, aside.purge):
                    await purge(self.database, self.now())
            await asyncio.sleep(HOUSEKEEPING)

    def _calling(self) -> bool:
        return self._courier is not None and self._courier.busy

    async def _untold(self) -> bool:
        async with self.database.connection() as held:
            return bool(await held.fetchval(outbox.UNTOLD))


def _loop(name: str, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    """A task that ends only with the service; if it ends by itself, /livez says so and the log says why."""

    def ended(task: "asyncio.Task[None]") -> None:
        if not task.cancelled():
            log.error("loop_ended", action="loop_ended", name=name, exc_info=task.exception())

    task = asyncio.ensure_future(work)
    task.add_done_callback(ended)
    return task


async def _end(task: "asyncio.Task[None] | None") -> None:
    if task is not None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task
