"""For any interleaving, repetition and delay: one desk holds a ticket until it ends, all readers agree, its end is told."""

from hypothesis import given, settings
from hypothesis import strategies as some
from world import UPDATES, WISHES, World

from notifier.policy import notices_of
from tierline.desk.moves import MOVES
from tierline.domain.words import ENDED, Component, Desk, Status

DELIVER = some.tuples(some.just("deliver"), some.integers(0, 30))
ORDER = some.tuples(some.just("order"), some.sampled_from(Desk), some.sampled_from(sorted(MOVES)))
WISH = some.tuples(some.just("wish"), some.sampled_from(sorted(WISHES)))
VENDOR = some.tuples(some.just("vendor"), some.integers(1, 4), some.sampled_from(UPDATES))
REPEAT = some.tuples(some.just("repeat"), some.integers(0, 30))
FIRE = some.tuples(some.just("fire"), some.integers(0, 10))
STORY = some.lists(DELIVER | DELIVER | DELIVER | ORDER | ORDER | WISH | VENDOR | FIRE | REPEAT, max_size=80)
COMPONENTS = some.sampled_from([Component.SINGLE_SIGN_ON, Component.PAPER_PENCIL_SUMMATIVE])


@settings(max_examples=400, deadline=None)
@given(story=STORY, member=some.sampled_from(["alder", "cedar"]), component=COMPONENTS)
def test_any_story_ends_well(story: list[tuple[object, ...]], member: str, component: Component) -> None:
    world = World(member, component)
    replies: list[str] = []
    for what, *how in story:
        if what == "deliver":
            pairs = world.unread()
            if pairs:
                world.deliver(*pairs[int(str(how[0])) % len(pairs)])
        elif what == "wish":
            written = world.wish(str(how[0]))
            replies += [written] if written else []
        else:
            getattr(world, str(what))(*how)
        assert len(world.holders()) <= 1, world.holders()
    world.drain()
    _all_agree(world)
    _nothing_said_is_lost(world, replies)
    _the_end_is_told(world)


def _all_agree(world: World) -> None:
    steps = world.steps()
    assert [step.version for step in steps] == list(range(1, len(steps) + 1))
    ticket, telling, last = world.tickets.state, world.notifier.state, steps[-1]
    assert (ticket.version, ticket.status, ticket.desk) == (last.version, last.status, last.desk)
    assert (telling.version, telling.status) == (last.version, last.status)
    assert world.holders() == ([] if last.status in ENDED else [last.desk])


def _nothing_said_is_lost(world: World, replies: list[str]) -> None:
    ticket = world.tickets.state
    if ticket.status in ENDED:
        assert ticket.unanswered == () or ticket.status is Status.WITHDRAWN
    else:
        case = world.desks[world.holders()[0]].state
        assert all(case.file.knows(reply) for reply in replies)


def _the_end_is_told(world: World) -> None:
    telling = world.notifier.state
    ids = [call.id for call in world.notifier.calls]
    assert len(ids) == len(set(ids))
    due = [(step.version, notice) for step in world.steps() for notice in notices_of(step)]
    assert {f"t-1-{version}-{notice.removeprefix('ticket.')}-mail" for version, notice in due} == set(ids)
    if telling.status in ENDED:
        version, _, notice = telling.ended_notice.partition(".")
        expected = f"t-1-{version}-{notice.removeprefix('ticket.')}-mail"
        assert ids.count(expected) == 1
