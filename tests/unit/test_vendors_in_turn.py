"""A vendor's updates have one effect each, and a vendor who comes after another is given the case."""

from dataclasses import replace

import pytest

from simulation import five_rooms
from simulation.five_rooms import FiveRooms
from tierline.domain.lifecycle import Move
from tierline.domain.policy import Policies
from tierline.domain.words import Component, Desk, Impact


def at_tier_three() -> FiveRooms:
    """A ticket that has climbed to Tier 3."""
    world = FiveRooms("alder", Component.INTERIM_SYSTEM, Impact.QUESTION, "It stops", ordered=True)
    world.drain()
    for desk in (Desk.TIER1, Desk.TIER2):
        assert world.order(desk, Move.ESCALATE)
        world.drain()
    return world


def test_two_updates_with_one_number_are_one_update() -> None:
    world = at_tier_three()
    world.update("progress", 2)
    world.update("acknowledged", 2)
    world.update("progress", 1)
    told = [one.fact.why for one in world.log if one.fact.name == "vendor.updated"]
    assert told == ["progress", "progress"]


def test_a_new_vendor_is_given_a_case_that_another_had_before(monkeypatch: pytest.MonkeyPatch) -> None:
    world = at_tier_three()
    assert world.order(Desk.TIER3, Move.RETURN)
    world.drain()
    alder = five_rooms.MEMBERS["alder"]
    liaison = replace(alder.liaisons[Component.INTERIM_SYSTEM], vendor="another-vendor")
    changed = replace(alder, liaisons={**alder.liaisons, Component.INTERIM_SYSTEM: liaison})
    monkeypatch.setattr(five_rooms, "MEMBERS", Policies({**five_rooms.MEMBERS, "alder": changed}))
    assert world.order(Desk.TIER2, Move.ESCALATE)
    world.drain()
    calls = world.rooms["tier3"].calls
    assert [(call.target, call.about["type"]) for call in calls] == [
        ("summit-delivery", "case.assigned"),
        ("summit-delivery", "case.withdrawn"),
        ("another-vendor", "case.assigned"),
    ]
    assert len({call.id for call in calls}) == 3
