"""The promises of `kit/bus.py`, told as stories, once over each adapter."""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event, to_binary_event
from cloudevents.core.v1.event import CloudEvent
from rigs import Rig
from stage import MOMENT, Reader, Stage, ids, until

from tierline.kit import bus_delivery
from tierline.kit.bus import AROUND, LARGEST_EVENT, Record
from tierline.kit.errors import BusUnavailable, EventTooLarge, Undecodable

HERE = Path(__file__).parent


async def test_one_keys_records_arrive_in_the_order_of_publishing(stage: Stage) -> None:
    bus, reader = await stage.bus(), Reader()
    events = stage.events(300, keys=20)
    async with stage.reading(bus, reader):
        for start in range(0, 300, 50):
            await bus.publish(events[start : start + 50])
        await until(lambda: len(reader.records) >= 300)
    assert reader.sequences() == {f"key-{n}": list(range(1, 16)) for n in range(20)}


async def test_a_record_arrives_as_it_was_published(stage: Stage) -> None:
    bus, reader = await stage.bus(), Reader()
    event = stage.event("key", 7)
    await bus.publish([event])
    async with stage.reading(bus, reader):
        await until(lambda: bool(reader.records))
    [record] = reader.records
    assert record.envelope() == event
    assert dict(record.headers) == event.headers()


async def test_every_group_gets_every_record(stage: Stage) -> None:
    bus, one, other = await stage.bus(), Reader(), Reader()
    events = stage.events(50, keys=5)
    async with stage.reading(bus, one, "one" + stage.group), stage.reading(bus, other, "other" + stage.group):
        await bus.publish(events)
        await until(lambda: len(one.records) >= 50 and len(other.records) >= 50)
    assert sorted(one.ids) == sorted(other.ids) == sorted(ids(events))


async def test_a_new_group_begins_with_the_oldest_record_and_goes_on_where_it_left(stage: Stage) -> None:
    bus, first, second = await stage.bus(), Reader(), Reader()
    before, after = stage.events(30, keys=3), stage.events(30, keys=3, first=11)
    await bus.publish(before)
    async with stage.reading(bus, first):
        await until(lambda: len(first.records) >= 30)
        await asyncio.sleep(0.3)  # one that leaves before its position is kept reads again: allowed
    await bus.publish(after)
    async with stage.reading(bus, second):
        await until(lambda: len(second.records) >= 30)
    assert sorted(first.ids) == sorted(ids(before))
    assert sorted(second.ids) == sorted(ids(after))


async def test_a_failed_batch_comes_again_and_nothing_behind_it_is_lost_or_skipped(stage: Stage) -> None:
    bus = await stage.bus()
    events, more = stage.events(40, keys=4), stage.events(40, keys=4, first=11)
    reader = Reader(failures=3, poison=events[17].id)
    await bus.publish(events)
    async with stage.reading(bus, reader):
        await until(lambda: reader.failures < 3)
        await bus.publish(more)
        await until(lambda: len(set(reader.ids)) >= 80)
    assert sum(events[17].id in batch for batch in reader.batches) >= 4
    assert len(reader.ids) == 80, "what was handled came again"
    assert reader.sequences() == {f"key-{n}": list(range(1, 21)) for n in range(4)}


async def test_a_batch_that_never_ends_is_given_up_and_comes_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_delivery, "PATIENCE", 0.5)
    bus, reader, hangs = await stage.bus(), Reader(), 2
    events = stage.events(40, keys=4)

    async def handle(records: Sequence[Record]) -> None:
        nonlocal hangs
        if hangs:
            hangs -= 1
            await asyncio.Event().wait()
        await reader(records)

    await bus.publish(events)
    async with stage.reading(bus, handle):
        await until(lambda: len(reader.records) >= 40)
    assert sorted(reader.ids) == sorted(ids(events))
    assert reader.sequences() == {f"key-{n}": list(range(1, 11)) for n in range(4)}


async def test_the_pause_after_a_failure_grows(stage: Stage) -> None:
    bus, reader, times = await stage.bus(), Reader(failures=4), list[float]()

    async def watched(records: list[Record]) -> None:
        times.append(time.monotonic())
        await reader(records)

    await bus.publish([stage.event("key", 1)])
    async with stage.reading(bus, watched):
        await until(lambda: bool(reader.records))
    pauses = [late - early for early, late in pairwise(times)]
    assert pauses[0] >= 0.1
    assert pauses[3] >= 0.8


async def test_two_members_together_get_everything_and_nothing_twice(stage: Stage) -> None:
    bus, other_bus = await stage.bus(), await stage.bus()
    one, other = Reader(takes=0.2), Reader(takes=0.2)  # so that a change of members finds them at work
    events, keys = stage.events(400, keys=40), 40
    async with stage.reading(bus, one):
        await bus.publish(events[:keys])
        await until(lambda: len(one.records) >= keys)
        async with stage.reading(other_bus, other):
            for start in range(keys, 400, 20):  # the second joins while work goes on
                await bus.publish(events[start : start + 20])
                await asyncio.sleep(0.1)
            await until(lambda: len(one.records) + len(other.records) >= 400)
    assert sorted(one.ids + other.ids) == sorted(ids(events))


async def test_when_a_member_leaves_the_other_goes_on(stage: Stage) -> None:
    bus, other_bus, one, other = await stage.bus(), await stage.bus(), Reader(), Reader()
    events = stage.events(60, keys=6)
    async with stage.reading(other_bus, other):
        async with stage.reading(bus, one):
            await bus.publish(events[:30])
            await until(lambda: len(one.records) + len(other.records) >= 30)
        await bus.publish(events[30:])
        await until(lambda: len({*one.ids, *other.ids}) >= 60, within=10)
    assert {*one.ids, *other.ids} == set(ids(events))


async def test_when_a_members_process_is_killed_another_takes_over_within_seconds(stage: Stage) -> None:
    bus, reader = await stage.bus(), Reader()
    events = stage.events(60, keys=6)
    await bus.publish(events[:30])
    member = await _member(stage)
    assert member.stdout is not None
    did = set[str]()
    while len(did) < 30:
        word, *rest = (await member.stdout.readline()).decode().split()
        if word == "did":
            did.update(rest)
    await asyncio.sleep(0.5)
    member.kill()
    await member.communicate()
    async with stage.reading(bus, reader):
        await bus.publish(events[30:])
        await until(lambda: set(ids(events[30:])) <= set(reader.ids), within=15)
    assert did | set(reader.ids) == set(ids(events))


async def test_a_batch_that_was_under_way_when_its_process_was_killed_comes_again(stage: Stage) -> None:
    bus, reader = await stage.bus(), Reader()
    events = stage.events(10)
    await bus.publish(events)
    member = await _member(stage, "stuck")
    assert member.stdout is not None
    while (await member.stdout.readline()).strip() != b"began":
        pass
    await asyncio.sleep(0.5)
    member.kill()
    await member.communicate()
    async with stage.reading(bus, reader):
        await until(lambda: set(reader.ids) == set(ids(events)), within=20)


async def _member(stage: Stage, *more: str) -> asyncio.subprocess.Process:
    """A member of the stage's group in a process of its own."""
    command = [sys.executable, str(HERE / "member.py"), stage.rig.address, stage.group, stage.topic, *more]
    path = {"PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)])}
    return await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env={**os.environ, **path})


async def test_of_what_many_publish_at_once_a_reader_misses_nothing(stage: Stage) -> None:
    bus, reader, writers = await stage.bus(), Reader(), 16
    own = [await stage.bus() for _ in range(writers)]
    events = [[stage.event(f"key-{w}", n) for n in range(1, 126)] for w in range(writers)]

    async def write(writer: int) -> None:
        for start in range(0, 125, 5):
            await own[writer].publish(events[writer][start : start + 5])

    async with stage.reading(bus, reader):
        await asyncio.gather(*(write(writer) for writer in range(writers)))
        await until(lambda: len(reader.records) >= 2000)
    assert sorted(reader.ids) == sorted(id_ for batch in events for id_ in ids(batch))
    assert reader.sequences() == {f"key-{w}": list(range(1, 126)) for w in range(writers)}


async def test_others_read_our_records_as_cloudevents(stage: Stage) -> None:
    bus, reader = await stage.bus(), Reader()
    event = stage.event("key", 3)
    await bus.publish([event])
    async with stage.reading(bus, reader):
        await until(lambda: bool(reader.records))
    [record] = reader.records
    read = from_binary_event(KafkaMessage(dict(record.headers), record.key, record.value))
    assert (read.get_id(), read.get_type(), read.get_source()) == (event.id, event.type, event.source)
    assert (read.get_subject(), read.get_time()) == (event.key, event.time)
    assert read.get_extension("sequence") == "3"
    assert read.get_data() == {"what": "über"}


async def test_we_read_the_cloudevents_of_others(stage: Stage) -> None:
    bus, reader = await stage.bus(), Reader()
    attributes = {
        "id": "of-another-hand",
        "type": "thing.happened.v1",
        "source": "/another",
        "specversion": "1.0",
        "subject": "key",
        "time": MOMENT,
        "datacontenttype": "application/json",
        "sequence": "4",
    }
    message = to_binary_event(CloudEvent(attributes, {"n": 1}), key_mapper=lambda event: event.get_subject())
    assert isinstance(message.key, str)
    headers = {name: value.decode() for name, value in message.headers.items()}
    await stage.rig.write(stage.topic, message.key.encode(), headers, message.value)
    async with stage.reading(bus, reader):
        await until(lambda: bool(reader.records))
    read = reader.records[0].envelope()
    assert (read.id, read.key, read.sequence, read.time) == ("of-another-hand", "key", 4, MOMENT)
    assert read.data == message.value


@pytest.mark.parametrize(
    ("key", "headers", "value"),
    [
        (b"key", {}, b"no header at all"),
        (b"\xff\x00", {"ce_id": "x", "": "odd", "ce_specversion": "0.3"}, b"\xff\xfe"),
        (b"key", {"ce_id": "x"}, None),
        (None, {"ce_id": "x"}, b"no key"),
    ],
)
async def test_what_cannot_be_read_is_passed_on_and_blocks_nothing(
    stage: Stage, key: bytes | None, headers: dict[str, str], value: bytes | None
) -> None:
    bus, reader = await stage.bus(), Reader()
    await stage.rig.write(stage.topic, key, headers, value)
    event = stage.event("key", 1)
    await bus.publish([event])
    async with stage.reading(bus, reader):
        await until(lambda: len(reader.records) >= 2)
    [odd] = [record for record in reader.records if record.headers.get("ce_id", b"").decode() != event.id]
    assert (odd.key, odd.value) == (key, value)
    assert {name: text.decode() for name, text in odd.headers.items()} == headers
    with pytest.raises(Undecodable):
        odd.envelope()


async def test_while_the_broker_is_away_publish_says_so_in_time_and_afterwards_all_goes_on(
    stage: Stage,
) -> None:
    bus, leaver, reader = await stage.bus(send_timeout=2), await stage.bus(send_timeout=2), Reader()
    events = stage.events(30, keys=3)
    async with stage.reading(bus, reader):
        await bus.publish(events[:10])
        await leaver.publish(events[10:20])
        await until(lambda: len(reader.records) >= 20)
        async with stage.rig.away():
            for someone in (bus, bus, leaver):
                began = time.monotonic()
                with pytest.raises(BusUnavailable):
                    await someone.publish(events[20:])
                assert time.monotonic() - began < 4
            began = time.monotonic()
            await leaver.stop()
            assert time.monotonic() - began < 8
        await bus.publish(events[20:])
        await until(lambda: len(set(reader.ids)) >= 30, within=30)
    assert set(reader.ids) == set(ids(events))
    assert reader.sequences() == {f"key-{n}": list(range(1, 11)) for n in range(3)}


async def test_an_address_that_leads_nowhere_is_said_in_one_line_with_its_remedy(rig: Rig) -> None:
    bus = rig.nowhere()
    for attempt in (bus.start(["things"]), bus.ping()):
        with pytest.raises(BusUnavailable, match="correct TIERLINE_BUS") as said:
            await attempt
        assert "\n" not in str(said.value)
    await bus.publish([])  # nothing to publish needs nobody
    await bus.stop()


async def test_an_event_that_no_bus_takes_is_refused_and_the_others_are_not(stage: Stage) -> None:
    bus, reader = await stage.bus(), Reader()
    small, plain = stage.event("small", 1), stage.event("large", 1)
    largest = replace(plain, data=b"x" * (LARGEST_EVENT - AROUND - 4 * len(plain.key)))
    beyond = replace(largest, data=largest.data + b"x")
    with pytest.raises(EventTooLarge):
        await bus.publish([small, beyond])
    await bus.publish([small, largest])
    async with stage.reading(bus, reader):
        await until(lambda: len(reader.records) >= 2)
    assert {record.key: record.value for record in reader.records} == {b"small": small.data, b"large": largest.data}


async def test_ping_answers_and_starting_again_changes_nothing(stage: Stage) -> None:
    bus, again = await stage.bus(), await stage.bus()
    await bus.ping()
    await again.ping()
    await again.stop()
    await again.stop()
