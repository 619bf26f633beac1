"""What only the event log in PostgreSQL must prove: commit order, its tables, purging and restoring."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from rigs import PostgresRig
from stage import Reader, Stage, ids, until

from tierline.kit.bus_postgres import PostgresBus
from tierline.kit.errors import BusUnavailable

NOW = timedelta(seconds=-1)
"""Older than this is everything."""


@pytest.fixture
async def stage(postgres: PostgresRig) -> AsyncIterator[Stage]:
    """A stage over PostgreSQL alone."""
    async with AsyncExitStack() as ending:
        yield Stage(postgres, ending)


@pytest.fixture
async def apart(postgres: PostgresRig) -> AsyncIterator[PostgresRig]:
    """A database of this test's own on the same server."""
    name = f"apart_{uuid.uuid4().hex}"
    async with postgres.connection() as connection:
        await connection.execute(f"CREATE DATABASE {name}")
        yield PostgresRig(f"{postgres.address.rpartition('/')[0]}/{name}")
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_late_commit_is_not_missed_though_its_number_was_passed(stage: Stage, postgres: PostgresRig) -> None:
    bus, reader = await stage.bus(), Reader()
    late, early = stage.event("late", 1), stage.event("early", 1)
    insert = "INSERT INTO event_log (topic, key, headers) VALUES ($1, $2, json_object($3)) RETURNING pos"
    naive = "SELECT pos FROM event_log WHERE topic = $1 AND pos > $2 ORDER BY pos"
    async with postgres.connection() as writer, postgres.connection() as onlooker:
        open_ = writer.transaction()
        await open_.start()
        headers = [text for name, raw in late.headers().items() for text in (name, raw.decode())]
        passed = await writer.fetchval(insert, stage.topic, b"late", headers)
        await bus.publish([early])
        seen = [row["pos"] for row in await onlooker.fetch(naive, stage.topic, 0)]
        async with stage.reading(bus, reader):
            await asyncio.sleep(0.5)
            assert reader.records == [], "it read past a transaction that may still add something before"
            await open_.commit()
            await until(lambda: len(reader.records) >= 2)
        assert reader.ids == [late.id, early.id]
        afterwards = [row["pos"] for row in await onlooker.fetch(naive, stage.topic, seen[-1])]
    assert passed < seen[-1], "the story needs the late one to have the smaller number"
    assert passed not in seen + afterwards, "a cursor on the number alone would have lost nothing"


async def test_a_batch_longer_than_one_reading_is_read_in_its_order_across_topics(stage: Stage) -> None:
    bus, reader = await stage.bus(), Reader()
    events = stage.events(1700, keys=3)
    await bus.publish(events)
    async with stage.reading(bus, reader):
        await until(lambda: len(reader.records) >= 1700)
    assert reader.ids == ids(events)


async def test_a_reader_hears_of_news_without_waiting_for_its_next_look(postgres: PostgresRig) -> None:
    async with AsyncExitStack() as ending:
        stage, reader = Stage(postgres, ending), Reader()
        patient = PostgresBus(postgres.address, poll=30)
        bus = await stage.bus()
        async with stage.reading(patient, reader):
            await asyncio.sleep(0.5)
            await bus.publish([stage.event("key", 1)])
            await until(lambda: len(reader.records) == 1, within=3)


async def test_a_member_that_lost_its_connection_does_not_move_the_groups_position(
    stage: Stage, postgres: PostgresRig
) -> None:
    bus, other, reader, second = await stage.bus(), await stage.bus(), Reader(), Reader()
    at_work, go_on = asyncio.Event(), asyncio.Event()

    async def slow(records: object) -> None:
        at_work.set()
        await go_on.wait()

    event = stage.event("key", 1)
    await bus.publish([event])
    async with stage.reading(bus, slow), postgres.connection() as killer:
        await at_work.wait()
        holders = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        await killer.execute(holders)
        async with stage.reading(other, second):
            await until(lambda: second.ids == [event.id], within=5)
            go_on.set()
            await asyncio.sleep(0.3)
    async with stage.reading(other, reader):
        await bus.publish([stage.event("key", 2)])
        await until(lambda: bool(reader.records))
    assert len(reader.records) == 1


async def test_only_what_every_group_has_read_is_purged(stage: Stage) -> None:
    bus, fast, slow = await stage.bus(), Reader(), Reader(failures=1000)
    assert isinstance(bus, PostgresBus)
    events = stage.events(20)
    await bus.publish(events)
    await bus.purge(NOW)
    async with stage.reading(bus, fast, "fast" + stage.group), stage.reading(bus, slow, "slow" + stage.group):
        await until(lambda: len(fast.records) == 20 and bool(slow.batches))
        await asyncio.sleep(0.3)
        assert await bus.purge(NOW) == 0, "one group has yet to read them"
        slow.failures = 0
        await until(lambda: slow.ids == ids(events))
        await asyncio.sleep(0.3)
    assert await bus.purge(timedelta(days=1)) == 0
    assert await bus.purge(NOW) == 20
    latecomer = Reader()
    async with stage.reading(bus, latecomer):
        await bus.publish([stage.event("key-0", 21)])
        await until(lambda: bool(latecomer.records))


async def test_many_may_start_on_an_empty_database_at_once(apart: PostgresRig) -> None:
    buses = [apart.bus() for _ in range(8)]
    await asyncio.gather(*(bus.start(["things"]) for bus in buses))
    await asyncio.gather(*(bus.ping() for bus in buses))
    await asyncio.gather(*(bus.stop() for bus in buses))


async def test_a_role_that_may_make_nothing_works_where_the_tables_are_and_is_told_where_not(
    apart: PostgresRig,
) -> None:
    role, owner = f"guest_{uuid.uuid4().hex}", apart.bus()
    async with apart.connection() as connection:
        await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'guest'")
        host = apart.address.rpartition("@")[2]
        guest = PostgresBus(f"postgresql://{role}:guest@{host}")
        with pytest.raises(BusUnavailable, match=r"run bus_postgres\.sql"):
            await guest.start(["things"])
        await owner.start(["things"])
        tables = "event_log, group_position"
        await connection.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO {role}")
        await guest.start(["things"])
        await guest.ping()
        await guest.stop()
        await owner.stop()
        await connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


async def test_a_log_restored_on_another_server_loses_nothing(apart: PostgresRig) -> None:
    async with AsyncExitStack() as ending, apart.connection() as connection:
        stage, reader, again = Stage(apart, ending), Reader(), Reader()
        bus = await stage.bus()
        old, new = stage.events(20, keys=2), stage.events(4, keys=2, first=11)
        await bus.publish(old[:10])
        async with stage.reading(bus, reader):
            await until(lambda: len(reader.records) == 10)
            await asyncio.sleep(0.3)
        await bus.publish(old[10:])
        # What a backup of a server with a longer life brings: numbers that this one has not reached.
        for table in ("event_log", "group_position"):
            await connection.execute(f"UPDATE {table} SET xid = (xid::text::bigint + 1000000000)::text::xid8")
        fresh = await stage.bus()
        await fresh.publish(new)
        async with stage.reading(fresh, again):
            await until(lambda: len(again.records) >= 14)
    assert again.ids == ids(old[10:] + new)
