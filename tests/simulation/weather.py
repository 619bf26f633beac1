"""Bad weather, from a seed: what a bus, a database, a mail server and a clock may do to the five rooms.

The rooms commit as the kit does: state, inbox and outbox at once, or not at all. Around that everything may go wrong.
A relay publishes and dies before it marks; a bus takes half of a batch; a reader gets the same again, late, by topic
in any order, or dies before its commit or before its acknowledgement; an old member of the group wakes up and hands
in what it fetched long ago; a courier dies between the other side's acceptance and the mark; the clock steps.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from simulation.five_rooms import KEY, MEMBERS, FiveRooms, Told
from simulation.promises import at_every_moment, when_all_is_read
from tierline.domain import events
from tierline.domain.words import Component, Impact
from tierline.kit.corridor import Call

STEPS = 120
COMPONENTS = (*[Component.INTERIM_SYSTEM] * 4, Component.PAPER_PENCIL_SUMMATIVE)
SUBJECTS = (*["The screen stays white"] * 5, "A testing irregularity")
READS = dict.fromkeys(("tier1", "tier2", "tier3", "notifier"), ("intake", "tier1", "tier2", "tier3")) | {
    "intake": ("intake", "tier1", "tier2", "tier3", "notifier")
}
HAPPENINGS = (*["publish"] * 8, *["read"] * 12, *["people"] * 6, *["call"] * 4, "straggler", "clock")
PEOPLE = (*["order"] * 4, "wish", "deadline", *["update"] * 2)
WRITERS = ("intake", "tier1", "tier2", "tier3", "notifier")


@dataclass(slots=True)
class Weather:
    """One world under one seed. `inbox=False` and `ordered_relay=False` take a safeguard away: the checks must see it."""

    seed: int
    inbox: bool = True
    ordered_relay: bool = True
    dice: Random = field(init=False)
    world: FiveRooms = field(init=False)
    topics: dict[str, list[Told]] = field(default_factory=lambda: defaultdict(list))
    marked: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    places: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    stragglers: list[tuple[str, list[Told]]] = field(default_factory=list)
    arrived: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))
    over: set[str] = field(default_factory=set)
    attempts: int = 0

    def __post_init__(self) -> None:
        self.dice = Random(self.seed)
        self.world = FiveRooms(
            self.dice.choice(sorted(MEMBERS)),
            self.dice.choice(COMPONENTS),
            self.dice.choice(list(Impact)),
            self.dice.choice(SUBJECTS),
            ordered=True,
        )

    def live(self) -> None:
        """Let it storm, let it clear up, and hold the end to every promise. Raises `AssertionError`."""
        for _ in range(self.dice.randrange(STEPS)):
            getattr(self, f"_{self.dice.choice(HAPPENINGS)}")()
            at_every_moment(self.world)
        self._clear_up()
        at_every_moment(self.world)
        when_all_is_read(self.world)
        self._each_topic_tells_in_order()
        self._each_event_had_one_effect()
        self._each_call_arrived_in_order()

    def _publish(self) -> None:
        """A relay's round: all that is not marked, in order; it may get half through, or die before the mark."""
        writer = self.dice.choice(WRITERS)
        batch = self._unmarked(writer)
        if not self.ordered_relay:
            self.dice.shuffle(batch)
        taken = batch[: self.dice.randint(0, len(batch))] if self._bad_luck() else batch
        self.topics[writer] += taken
        if len(taken) == len(batch) and not self._bad_luck():
            self.marked[writer] |= {told.id for told in taken}
        elif taken:
            self._note(f"{writer}'s relay: {len(taken)} of {len(batch)} published, none marked")

    def _unmarked(self, writer: str) -> list[Told]:
        topic = events.TOPIC[writer]
        return [told for told in self.world.log if told.topic == topic and told.id not in self.marked[writer]]

    def _read(self) -> None:
        """A reader's round: some of each topic, the topics in any order; its acknowledgement may be lost."""
        reader = self.dice.choice(sorted(READS))
        batch, ends = [], {}
        for topic in self.dice.sample(READS[reader], len(READS[reader])):
            place = self.places[reader, topic]
            some = self.topics[topic][place : place + self.dice.randint(0, 4)]
            ends[reader, topic] = place + len(some)
            batch += some
        if not batch:
            return
        if self._bad_luck():
            self.stragglers.append((reader, batch))
        if self._bad_luck():
            with self.world.undo():
                self._deliver(reader, batch)
            return
        self._deliver(reader, batch)
        if self._bad_luck():
            self._note(f"{reader}: the acknowledgement is lost")
        else:
            self.places |= ends

    def _straggler(self) -> None:
        """A member that stood still since it fetched hands its batch in now."""
        if self.stragglers:
            reader, batch = self.stragglers.pop(self.dice.randrange(len(self.stragglers)))
            self._deliver(reader, batch)

    def _deliver(self, reader: str, batch: list[Told]) -> None:
        if not self.inbox:
            self.world.seen[reader].clear()
        self.world.deliver(reader, batch)

    def _people(self) -> None:
        """An agent, the reporter, a deadline or the vendor; the service may die before the commit."""
        steps = self.world.possible().get(self.dice.choice(PEOPLE))
        if not steps:
            return
        step = self.dice.choice(steps)
        if self._bad_luck():
            with self.world.undo():
                step()
            return
        step()

    def _call(self) -> None:
        """A courier's round: the first waiting call of a lane; the other side may be away, or the courier die."""
        waiting = self._waiting_calls()
        if not waiting:
            return
        room, call = self.dice.choice(waiting)
        if self._bad_luck():
            self._note(f"{room}: {call.id} finds nobody")
            return
        self.arrived[call.id].append(call)
        if self._bad_luck():
            self._note(f"{room}: {call.id} arrived, and is not marked")
            return
        self._finish(room, call)

    def _waiting_calls(self) -> list[tuple[str, Call]]:
        first: dict[tuple[str, str], Call] = {}
        for name, room in self.world.rooms.items():
            for call in room.calls:
                if call.id not in self.over:
                    first.setdefault((name, call.lane), call)
        return [(name, call) for (name, _), call in first.items()]

    def _finish(self, room: str, call: Call) -> None:
        self.attempts += 1
        data = {"id": call.id, "lane": call.lane, "target": call.target, "note": "arrived", **call.about}
        self.world.through(room, [self.world.fact("call.delivered", data)])
        self.over.add(call.id)

    def _clock(self) -> None:
        """The clock is set, forwards or backwards."""
        self.world.now += timedelta(seconds=self.dice.randint(-3600, 7200))
        self._note("the clock is set")

    def _clear_up(self) -> None:
        """Nothing fails any more: all is published, read and delivered, the stragglers' batches too."""
        while self.stragglers:
            self._straggler()
        moved = True
        while moved:
            moved = False
            for writer in WRITERS:
                batch = self._unmarked(writer)
                self.topics[writer] += batch
                self.marked[writer] |= {told.id for told in batch}
            for reader, topics in READS.items():
                for topic in topics:
                    rest = self.topics[topic][self.places[reader, topic] :]
                    self.places[reader, topic] += len(rest)
                    if rest:
                        self._deliver(reader, rest)
                        moved = True
            for room, call in self._waiting_calls():
                self.arrived[call.id].append(call)
                self._finish(room, call)
                moved = True

    def _each_topic_tells_in_order(self) -> None:
        """What others may read too, first appearances in the order of the telling, whatever was repeated between."""
        for writer in WRITERS:
            told = [told.id for told in self.world.log if told.topic == events.TOPIC[writer]]
            assert list(dict.fromkeys(event.id for event in self.topics[writer])) == told, writer

    def _each_event_had_one_effect(self) -> None:
        for reader, topics in READS.items():
            names = {events.TOPIC[topic] for topic in topics}
            assert {told.id for told in self.world.log if told.topic in names} == self.world.seen[reader], reader

    def _each_call_arrived_in_order(self) -> None:
        """Every notice and every vendor's call arrived; repeats are the same to a letter; none overtook another."""
        lanes: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name, room in self.world.rooms.items():
            for call in room.calls:
                lanes[name, call.lane].append(call.id)
        first = list(self.arrived)
        for lane, ids in lanes.items():
            assert [arrival for arrival in first if arrival in set(ids)] == ids, lane
        for call_id, arrivals in self.arrived.items():
            assert all(again == arrivals[0] for again in arrivals), call_id
        telling = self.world.rooms["notifier"].state
        assert not telling.untold, f"{KEY} ended, and its reporter was not told"

    def _bad_luck(self) -> bool:
        return self.dice.random() < 0.2

    def _note(self, text: str) -> None:
        self.world.story.append(f"    {text}")


def weather(seed: int) -> str | None:
    """Live through one seed: nothing, or the whole story with the promise that was broken."""
    made = Weather(seed)
    try:
        made.live()
    except AssertionError as broken:
        cause = f" because of {broken.__cause__!r}" if broken.__cause__ else ""
        return f"{made.world!r}\n\nseed {seed} broke a promise: {broken}{cause}\nrepeat it with: make sim SEED={seed}"
    return None
