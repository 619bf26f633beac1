"""What must hold in the world of five rooms: at every moment, and once everything has been read."""

from itertools import count

from simulation.five_rooms import KEY, FiveRooms
from tierline.desk.steps import ALLOWED, REPLY
from tierline.domain import events
from tierline.domain.case import CaseFile
from tierline.domain.words import ENDED, Desk


def raised(world: FiveRooms) -> list[events.Fact]:
    """The steps of the ticket's life, in the order of their versions."""
    return sorted((told.fact for told in world.log if told.fact.raises), key=lambda fact: fact.version)


def at_every_moment(world: FiveRooms) -> None:
    """What holds whatever is still on its way."""
    steps = raised(world)
    assert [fact.version for fact in steps] == list(range(1, len(steps) + 1))
    last, holders = steps[-1], world.holders()
    if holders:
        assert holders == [last.desk]
        assert world.rooms[holders[0].value].state.version == last.version
    else:
        assert last.status in ENDED or isinstance(last, events.HandOff)
    for desk in Desk:
        # Whoever holds it has exactly one clock running; whoever does not has none.
        clocks = {ALLOWED, REPLY} & set(world.rooms[desk.value].timers)
        assert len(clocks) == (desk in holders), desk
    for room in world.rooms.values():
        ids = [call.id for call in room.calls]
        assert len(set(ids)) == len(ids), ids


def when_all_is_read(world: FiveRooms) -> None:
    """What holds once every reader has read everything."""
    steps = raised(world)
    last, ticket, telling = steps[-1], world.rooms["tickets"].state, world.rooms["notifier"].state
    assert (ticket.version, ticket.status, ticket.desk) == (last.version, last.status, last.desk)
    assert (telling.version, telling.status) == (last.version, last.status)
    assert not world.rooms["tickets"].aside
    assert not world.rooms["notifier"].aside
    holders = world.holders()
    assert holders == ([] if last.status in ENDED else [last.desk])
    files = [ticket.file, *(world.rooms[desk.value].state.file for desk in holders)]
    for file in files:
        known = [message.id for message in file.conversation]
        assert set(world.said) <= set(known)
        assert len(set(known)) == len(known)
    if holders:
        # The reporter's copy and the holder's are one, apart from the place of a reply among what was said meanwhile.
        assert in_one_order(files[0]) == in_one_order(files[1])
    assert not (world.taken_back and holders), "the reporter took it back, and nobody let it go"
    assert last.status in ENDED or not ticket.unanswered
    the_vendor_was_heard(world)
    every_end_was_told_once(world, steps)


def in_one_order(file: CaseFile) -> CaseFile:
    """The same case with its conversation by the messages' ids."""
    said = sorted(file.conversation, key=lambda message: message.id)
    return file.model_copy(update={"conversation": tuple(said)})


def the_vendor_was_heard(world: FiveRooms) -> None:
    """Every update up to the first gap had its effect, and each had one; an answer to it is the holder's."""
    case = world.rooms["tier3"].state
    if case is not None:
        assert case.heard == next(number for number in count(1) if number not in world.heard) - 1
        said = [told.fact for told in world.log if told.fact.by.startswith("vendor:")]
        assert sum(not isinstance(fact, events.CaseAnswered) for fact in said) == case.heard


def every_end_was_told_once(world: FiveRooms, steps: list[events.Fact]) -> None:
    """Each end has one notice on each channel, and the last one is what the promise is kept by."""
    for fact in steps:
        if fact.status in ENDED:
            ids = [c.id for c in world.rooms["notifier"].calls if c.about["version"] == str(fact.version)]
            assert len(ids) == 2, fact
            assert {name.rpartition("-")[2] for name in ids} == {"mail", "webhook"}
            assert all(name.startswith(f"{KEY}-{fact.version}-") for name in ids)
    telling, last = world.rooms["notifier"].state, steps[-1]
    assert (telling.ended_notice or "").startswith(f"{last.version}.") == (last.status in ENDED)
