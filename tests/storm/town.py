"""Everything that a storm happens to: the grounds, five services as processes, a bad wire between each two, and the sinks."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from email import message_from_bytes
from pathlib import Path
from typing import Any

from callbacks import Callbacks
from embedded.mailbox import Mailbox
from nursery.clock import Clock
from nursery.lives import Lives
from nursery.nursery import nursery
from stand import Stand, stand
from storm.crowd import Crowd
from storm.grounds import Kafka, Postgres, client_of, through, user_of
from storm.ledger import Ledger
from storm.netproxy import Proxy
from storm.plan import SERVICES, Blow
from tierline.kit.webhooks import new_secret

ON_KAFKA = "session_timeout=4&send_timeout=5&stall=10"
"""A killed member's partitions wait this long for it; a storm has no time for the ordinary."""


class Reader(Mailbox):
    """A mailbox whose mails are read at once and thrown away."""

    def __init__(self, folder: Path, crowd: list[Crowd]) -> None:
        super().__init__(folder)
        self._crowd, self._loop = crowd, asyncio.get_running_loop()

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:
        """Take it, and only then accept it."""
        identity = str(message_from_bytes(envelope.content)["Message-ID"]).strip()[1:].partition("@")[0]
        for crowd in self._crowd:
            self._loop.call_soon_threadsafe(crowd.told, "mail", identity)
        return "250 read"


class Listener(Callbacks):
    """A place for webhooks that passes on what came before it accepts it."""

    def __init__(self, heard: Any) -> None:
        super().__init__()
        self._heard = heard

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One webhook on one connection; whoever goes away in the middle is no concern of ours."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await super().serve(reader, writer)
        while self.came:
            headers, raw = self.came.pop()
            self._heard(headers["webhook-id"], raw)


class Town:
    """Built by `town`; `strike` lets a blow fall on it."""

    def __init__(self, made: Stand, folder: Path) -> None:
        self.made, self.folder = made, folder
        self.clock = Clock(folder / "clock")
        self.postgres, self.kafka = Postgres(made.postgres), None
        self.wires: dict[str, Proxy] = {}
        self.lives: dict[str, Lives] = {}
        self.done: Counter[str] = Counter()
        self.ledger = Ledger()
        self._grounds = {"postgres": asyncio.Lock(), "kafka": asyncio.Lock()}

    @property
    def bus(self) -> str:
        """The bus as the audit reads it, by no bad wire."""
        addresses = self.made.addresses
        return f"kafka://127.0.0.1:{self.kafka.port()}" if self.kafka else self.at_present(addresses["intake:events"])

    @property
    def databases(self) -> dict[str, str]:
        """Each service's database, by no bad wire."""
        return {service: self.at_present(self.made.addresses[service]) for service in SERVICES}

    def at_present(self, dsn: str) -> str:
        """PostgreSQL comes back on another port each time."""
        return through(dsn, self.postgres.port())

    async def strike(self, blow: Blow) -> None:
        """Let it happen, for as long as it lasts."""
        match blow.what:
            case "kill":
                self.lives[blow.whom].kill(blow.how)
            case "kafka" | "postgres":
                await self._shake(blow)
            case "wire":
                place, _, who = blow.whom.partition(":")
                fault, _, then = blow.how.partition(":")
                wire = self.wires.get(f"{place}:{who}") or self.wires[place]
                await wire.go_wrong(who, fault, blow.seconds, then_cut=then == "cut")
            case "guest":
                await self.lives[blow.whom].guest(blow.seconds, blow.how)
            case "clock":
                self.clock.step(blow.seconds)
        self.done[f"{blow.what} {blow.how.partition(':')[0]}" if blow.what == "wire" else blow.what] += 1

    async def _shake(self, blow: Blow) -> None:
        ground = self.postgres if blow.what == "postgres" else self.kafka
        assert ground is not None
        async with self._grounds[blow.what]:
            await ground.away(blow.how)
            await asyncio.sleep(blow.seconds)
            await ground.back()

    def environment(self, service: str) -> Mapping[str, str]:
        """The settings of a service whose every wire goes through a proxy."""
        addresses, wall = self.made.addresses, self.wires["postgres"].port
        bus = (
            f"kafka://127.0.0.1:{self.wires['bus'].port}?{ON_KAFKA}"
            if self.kafka
            else through(addresses[f"{service}:events"], wall)
        )
        given = self.made.environment(service)
        mine = {name: value for name, value in given.items() if name.startswith("TIERLINE_")}
        return mine | {
            "TIERLINE_DATABASE_URL": through(addresses[service], wall),
            "TIERLINE_BUS": bus,
            "TIERLINE_SMTP_HOST": "127.0.0.1",
            "TIERLINE_SMTP_PORT": str(self.wires["mail"].port),
            "TIERLINE_DRAIN_SECONDS": "3",
        }


@contextlib.asynccontextmanager
async def town(*, kafka: bool, seed: int) -> AsyncIterator[tuple[Town, Crowd]]:
    """A town with its crowd, all at work, for as long as the block lasts."""
    async with AsyncExitStack() as held:
        made = await held.enter_async_context(stand())
        built, crowd = Town(made, made.folder), list[Crowd]()
        reader = Reader(made.folder / "mail", crowd)
        reader.start()
        held.callback(reader.stop)
        vendor, callback = (
            await held.enter_async_context(_listening(lambda *came: [one.assigned(*came) for one in crowd])),
            await held.enter_async_context(_listening(lambda name, _: [one.told("webhook", name) for one in crowd])),
        )
        await _wire(built, held, mail=reader.port, vendor=vendor, callback=callback, kafka=kafka)
        births = await held.enter_async_context(nursery(made.folder))
        for service in SERVICES:
            lives = built.lives[service] = Lives(births, service, built.environment(service))
            built.wires[f"door:{service}"].target = lambda lives=lives: lives.port
        people = Crowd(
            {service: built.wires[f"door:{service}"].port for service in SERVICES},
            made.install.credentials,
            built.clock,
            built.ledger,
            seed=seed,
            callback=f"http://127.0.0.1:{built.wires['callback'].port}/told",
            secret=new_secret(),
        )
        crowd.append(people)
        held.push_async_callback(people.end)
        async with asyncio.TaskGroup() as group:
            for lives in built.lives.values():
                group.create_task(lives.live())
            try:
                await people.register_vendor(f"http://127.0.0.1:{built.wires['vendor'].port}/cases")
                yield built, people
            finally:
                await people.end()
                await asyncio.gather(*(lives.end() for lives in built.lives.values()))


async def _wire(built: Town, held: AsyncExitStack, *, mail: int, vendor: int, callback: int, kafka: bool) -> None:
    def straight(port: int, who: str) -> Proxy:
        return Proxy(lambda: port, lambda _: who)

    built.wires = {
        "postgres": Proxy(built.postgres.port, user_of),
        "mail": straight(mail, "notifier"),
        "vendor": straight(vendor, "tier3"),
        "callback": straight(callback, "notifier"),
        **{f"door:{service}": straight(0, service) for service in SERVICES},
    }
    if kafka:
        # The broker must know the port of its proxy before either runs.
        wire = built.wires["bus"] = Proxy(lambda: 0, client_of)
        await wire.start()
        broker = built.kafka = Kafka(built.folder, wire.port)
        wire.target = broker.port
        await broker.back()
        held.push_async_callback(broker.away, "stop")
    for name, wire in built.wires.items():
        if name != "bus":
            await wire.start()
        held.push_async_callback(wire.stop)


@contextlib.asynccontextmanager
async def _listening(heard: Any) -> AsyncIterator[int]:
    server = await asyncio.start_server(Listener(heard).serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
