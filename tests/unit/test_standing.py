"""A shelf in memory: whatever was changed, each member finds what it would find had everything been read anew."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tierline.desk import ranking
from tierline.desk.ranking import Text
from tierline.desk.shelf import Kept
from tierline.desk.shelf_ranking import AtWork, Standing
from tierline.kit.documents import Documents

OWNERS, IDS, MEMBERS = ("", "alder", "birch"), ("aa", "bb", "cc", "dd"), ("", "alder", "birch", "cedar")
AT = datetime(2026, 11, 25, tzinfo=UTC)


class Leaf(Kept):
    """The least that can stand on a shelf: its words, and whether it may be found."""

    says: str
    draft: bool = False


def told(leaf: Leaf) -> Text | None:
    return None if leaf.draft else Text(leaf.says, f"both {leaf.says}", ("green",) if leaf.version % 2 else ())


def leaf(owner: str, kept_id: str, version: int, draft: bool, deleted: bool) -> Leaf:
    says = f"{owner or 'shared'}{kept_id}{version}"
    return Leaf(
        id=kept_id, owner=owner, version=version, updated_at=AT, updated_by="x", says=says, draft=draft, deleted=deleted
    )


def expected(leaves: list[Leaf], member: str) -> set[str]:
    """The plain reading: its own, and what is shared unless its own hides it."""
    there = {(one.owner, one.id): one for one in leaves}
    usable = [
        there[place]
        for place in there
        if not there[place].deleted
        and (
            place[0] == member
            or (place[0] == "" and ((member, place[1]) not in there or there[member, place[1]].deleted))
        )
    ]
    return {one.key for one in usable if not one.draft}


CHANGES = some.lists(
    some.builds(
        leaf,
        some.sampled_from(OWNERS),
        some.sampled_from(IDS),
        some.integers(1, 6),
        some.booleans(),
        some.booleans(),
    ),
    max_size=5,
)


@pytest.mark.parametrize("loose", [0, ranking.LOOSE], ids=["always applied", "made anew when loose"])
@settings(deadline=None, max_examples=60)
@given(first=CHANGES, later=some.lists(CHANGES, max_size=4))
def test_after_any_changes_each_member_finds_what_is_its_own_to_find(
    loose: int, first: list[Leaf], later: list[list[Leaf]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "LOOSE", loose)
        standing, leaves = Standing(told, first), list(first)
        earlier = standing, {one.key for one, _ in standing.best("", "both", "", 50)}
        for revision, batch in enumerate(later, 1):
            standing = standing.changed(batch, revision)
            leaves += batch
        for member in MEMBERS:
            found = [one for one, _ in standing.best(member, "both", "", 50)]
            assert {one.key for one in found} == expected(leaves, member)
            assert len(found) == len({one.key for one in found})
            for one in found:
                assert standing.best(member, one.says, "", 1)[0][0] == one
            assert {one.key for one in standing.meant_for(member, "green", 50)} == {one.key for one in found}
            for_all = {one.key for one in found if one.version % 2 == 0}
            assert {one.key for one in standing.meant_for(member, "blue", 50)} == for_all
        assert {one.key for one, _ in earlier[0].best("", "both", "", 50)} == earlier[1]


def test_what_is_new_is_applied_to_the_index_and_many_changes_make_it_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    first = ranking.Ranking({f"/k{number}": Text(f"word{number}", "") for number in range(50)})
    whole = ranking.Ranking.__init__
    monkeypatch.setattr(
        ranking.Ranking, "__init__", lambda self, texts: (made.append(len(texts)), whole(self, texts))[1]
    )
    after = first.changed({"/k1": Text("fresh", "")}).changed({"/k2": None})
    assert made == []
    assert after.best("fresh", "", 1)[0][0] == "/k1"
    assert "/k2" not in [key for key, _ in after.best("word2", "", 50)]
    more = after.changed({f"/n{number}": Text("many", "") for number in range(90)})
    assert (made, len(more.best("many", "", 100))) == ([], 90)
    more.changed({f"/k{number}": Text("other", "") for number in range(10, 25)})
    assert made == [139]


class Library:
    """A running service's database, as far as a shelf asks it; it counts how often all that changed was read."""

    def __init__(self) -> None:
        self.database, self.revision, self.leaves, self.reads = self, 1, [leaf("", "aa", 1, False, False)], 0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Library"]:
        yield self

    async def fetchval(self, _: str) -> int:
        return self.revision

    async def fetch(self, _: str, since: int) -> list[dict[str, str]]:
        self.reads += 1
        return [{"doc": one.model_dump_json()} for one in self.leaves if one.version > since]


async def test_who_gives_up_waiting_stops_nothing_and_all_wait_for_one_reading() -> None:
    held, at_work, library = threading.Event(), threading.Event(), Library()

    def slowly(one: Leaf) -> Text | None:
        at_work.set()
        assert held.wait(20)
        return told(one)

    shelf = AtWork(Documents("leaves", Leaf, {}), slowly)
    running: Any = library
    impatient = asyncio.ensure_future(shelf.now(running))
    await asyncio.to_thread(at_work.wait, 20)
    impatient.cancel()
    others = [asyncio.ensure_future(shelf.now(running)) for _ in range(5)]
    await asyncio.sleep(0)
    held.set()
    assert len({id(one) for one in await asyncio.gather(*others)}) == library.reads == 1
    library.revision, library.leaves = 2, [leaf("", "bb", 2, False, False)]
    assert {one.id for one, _ in (await shelf.now(running)).best("", "both", "", 9)} == {"aa", "bb"}
    assert library.reads == 2
    library.revision, library.leaves = 1, [leaf("", "cc", 1, False, False)]
    assert {one.id for one, _ in (await shelf.now(running)).best("", "both", "", 9)} == {"cc"}
