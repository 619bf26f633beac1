"""Whatever the order in which everything happens: one holder at a time, no gap, no lost word, no lost outcome."""

from collections.abc import Iterator

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from simulation.five_rooms import MEMBERS, FiveRooms
from simulation.promises import at_every_moment, raised, when_all_is_read
from tierline.domain import events
from tierline.domain.words import ENDED, Component, Impact

ROOMS = some.builds(
    FiveRooms,
    member=some.sampled_from(sorted(MEMBERS)),
    component=some.sampled_from([Component.INTERIM_SYSTEM] * 4 + [Component.PAPER_PENCIL_SUMMATIVE]),
    impact=some.sampled_from(Impact),
    subject=some.sampled_from(["The screen stays white"] * 5 + ["A testing irregularity"]),
    ordered=some.booleans(),
)
KINDS = (*["deliver"] * 8, *["order"] * 4, "wish", "deadline", *["update"] * 2)
PICK = some.tuples(some.sampled_from(KINDS), some.integers(0, 99))
# Lists of a length that is drawn first: left to themselves they hold five picks on average, too few for a life.
PICKS = some.integers(0, 100).flatmap(lambda size: some.lists(PICK, min_size=size, max_size=size))
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@settings(SLOW, max_examples=300)
@given(world=ROOMS, picks=PICKS)
def test_nothing_is_lost_and_no_two_desks_hold_it(world: FiveRooms, picks: list[tuple[str, int]]) -> None:
    for _ in play(world, picks):
        at_every_moment(world)
    world.drain()
    at_every_moment(world)
    when_all_is_read(world)


@settings(SLOW, max_examples=100)
@given(world=ROOMS, picks=PICKS)
def test_what_everyone_forgets_ends_or_lies_overdue_at_the_last_desk(
    world: FiveRooms, picks: list[tuple[str, int]]
) -> None:
    assert list(play(world, picks)) is not None
    for _ in range(12):
        world.drain()
        for name, room in world.rooms.items():
            for timer in list(room.timers):
                world.fire(name, timer)
    world.drain()
    when_all_is_read(world)
    last = raised(world)[-1]
    assert last.status in ENDED or isinstance(last, events.CaseOverdue)


def play(world: FiveRooms, picks: list[tuple[str, int]]) -> Iterator[str]:
    """Let what is picked happen; a kind of which nothing can happen now is passed over."""
    for kind, number in picks:
        steps = world.possible().get(kind)
        if steps:
            steps[number % len(steps)]()
            yield kind
