"""The table decides every cell, and an illegal move changes nothing."""

import itertools

import pytest

from tierline.domain.events import EVENTS, event_type
from tierline.domain.lifecycle import FACT, FRONT_DOOR, NOT_AT, TABLE, IllegalMove, Move, allowed, next_state
from tierline.domain.words import ENDED, HELD, Desk, Status


@pytest.mark.parametrize(("status", "move"), list(itertools.product(Status, Move)))
def test_every_cell_is_decided(status: Status, move: Move) -> None:
    if move in TABLE[status]:
        assert next_state(status, move) is TABLE[status][move]
    else:
        with pytest.raises(IllegalMove) as refused:
            next_state(status, move)
        assert refused.value.allowed == allowed(status)


def test_only_the_front_door_moves_what_has_ended() -> None:
    for status in ENDED:
        assert set(TABLE[status]) <= FRONT_DOOR
    for status in HELD:
        assert not set(TABLE[status]) & FRONT_DOOR


def test_a_held_ticket_can_always_end_and_an_ended_one_always_come_back() -> None:
    for status in HELD:
        assert {Move.RESOLVE, Move.ESCALATE, Move.WITHDRAW} <= set(TABLE[status])
    for status in ENDED:
        assert Move.REOPEN in TABLE[status]


def test_no_desk_makes_a_move_that_is_not_its_own() -> None:
    for desk, status in itertools.product(Desk, HELD):
        assert not set(allowed(status, desk)) & (NOT_AT[desk] | FRONT_DOOR)


def test_each_move_is_told_by_one_fact_that_raises_the_version() -> None:
    by_name = {fact.name: fact for fact in EVENTS.values()}
    assert len(set(FACT.values())) == len(Move)
    assert all(by_name[name].raises for name in FACT.values())
    assert all(type_ == event_type(fact) for type_, fact in EVENTS.items())
