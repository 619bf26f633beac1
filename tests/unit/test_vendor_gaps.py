"""Any order and repetition of a vendor's updates ends in the same case; what stays away is asked for, once."""

from hypothesis import given, settings
from hypothesis import strategies as some
from test_vendors_in_turn import at_tier_three

from simulation.five_rooms import FiveRooms
from tierline.kit.corridor import Call

KINDS = ("acknowledged", "progress", "question", "resolved", "not_a_bug", "cannot_fix")


@some.composite
def stories(draw: some.DrawFn) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Some updates in the vendor's order, and the same in another, with repetitions."""
    told = list(enumerate(draw(some.lists(some.sampled_from(KINDS), min_size=1, max_size=7)), start=1))
    again = draw(some.lists(some.sampled_from(told), max_size=5))
    return told, draw(some.permutations([*told, *again]))


def _heard(updates: list[tuple[int, str]], *, asking: bool) -> FiveRooms:
    world = at_tier_three()
    for sequence, kind in updates:
        world.update(kind, sequence)
        if asking and "missing" in world.rooms["tier3"].timers:
            world.fire("tier3", "missing")
    return world


@settings(deadline=None, max_examples=60)
@given(stories(), some.booleans())
def test_any_order_and_repetition_ends_in_the_same_case(
    story: tuple[list[tuple[int, str]], list[tuple[int, str]]], asking: bool
) -> None:
    told, mixed = story
    plain, other = _heard(told, asking=False), _heard(mixed, asking=asking)
    apart = {"asked", "file", "due_at", "accepted_at"}
    one, same = plain.rooms["tier3"].state, other.rooms["tier3"].state
    assert one.model_dump(exclude=apart) == same.model_dump(exclude=apart)
    assert [m.text for m in one.file.conversation] == [m.text for m in same.file.conversation]
    assert (same.heard, same.early) == (len(told), ())
    assert "missing" not in other.rooms["tier3"].timers
    asked = [number for call in missing_calls(other) for number in call.body["missing"]]
    assert len(set(asked)) == len(asked)


def missing_calls(world: FiveRooms) -> list[Call]:
    return [call for call in world.rooms["tier3"].calls if call.about["type"] == "case.missing"]


def test_a_gap_is_asked_for_after_a_moment_and_once() -> None:
    world = at_tier_three()
    world.update("progress", 4)
    world.update("progress", 2)
    world.fire("tier3", "missing")
    world.update("progress", 6)
    world.fire("tier3", "missing")
    assert [(call.target, call.body["missing"], call.body["heard"]) for call in missing_calls(world)] == [
        ("summit-delivery", [1, 3], 0),
        ("summit-delivery", [5], 0),
    ]
    assert len({call.id for call in world.rooms["tier3"].calls}) == 3


def test_what_comes_within_the_moment_is_not_asked_for() -> None:
    world = at_tier_three()
    world.update("progress", 2)
    assert "missing" in world.rooms["tier3"].timers
    world.update("acknowledged", 1)
    assert "missing" not in world.rooms["tier3"].timers


def test_a_number_far_away_asks_for_a_bounded_list() -> None:
    world = at_tier_three()
    world.update("progress", 1_000_000)
    world.fire("tier3", "missing")
    (call,) = missing_calls(world)
    assert call.body["missing"] == list(range(1, 101))
