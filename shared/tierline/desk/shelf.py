"""A shelf: a library that people keep, such as Tier 1's manual articles and Tier 2's resolution methods.

What stands on it belongs to a member, or to none: then it is shared by all. A member's own goes before a shared one of
the same id. To take something away keeps its row, so that what was done by it still has a name, and an import does not
bring it back. Whoever changes a library does it alone, and each change raises its revision, which readers look at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel

from tierline.domain.case import Frozen
from tierline.kit.auth import Principal
from tierline.kit.database import Tx
from tierline.kit.documents import Documents
from tierline.kit.errors import ConditionRequired, Conflict, Missing, Stale
from tierline.kit.http import expected_version
from tierline.kit.runtime import Runtime

SHARED = ""
ID = r"^[a-z0-9][a-z0-9-]{1,79}$"
RESERVED = frozenset({"search"})
CHANGE = "UPDATE library SET revision = revision + 1"
REVISION = "SELECT revision FROM library"
TABLE = """
-- One row: raised in the transaction of every change, so that changes come one after the other and readers see them.
CREATE TABLE library (revision bigint NOT NULL);
INSERT INTO library VALUES (0);
"""


def revised(table: str) -> tuple[str, ...]:
    """The statements by which each row of a library's table says at which revision it changed, whichever release writes it."""
    return (
        f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS revision bigint NOT NULL DEFAULT 0",
        f"CREATE OR REPLACE FUNCTION {table}_revise() RETURNS trigger LANGUAGE plpgsql AS $$ "  # noqa: S608 - our own name
        "BEGIN NEW.revision := (SELECT revision FROM library); RETURN NEW; END $$",
        f"CREATE OR REPLACE TRIGGER {table}_revise BEFORE INSERT OR UPDATE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_revise()",
    )


class Kept(Frozen):
    """What stands on a shelf. `owner` is a member, or empty where it is shared; each change raises `version`."""

    id: str
    owner: str
    version: int
    updated_at: datetime
    updated_by: str
    deleted: bool = False

    @property
    def key(self) -> str:
        """Its place in the table."""
        return key_of(self.owner, self.id)

    def says_the_same(self, form: BaseModel) -> bool:
        """Whether saving this form would change nothing."""
        kind = type(form)
        return not self.deleted and kind(**self.model_dump(include=set(kind.model_fields))) == form

    def changed(self, form: BaseModel, by: str, now: datetime) -> Self:
        """The next version, saying what the form says."""
        news = {"version": self.version + 1, "updated_at": now, "updated_by": by, "deleted": False}
        return self.model_copy(update={**dict(form), **news})


K = TypeVar("K", bound=Kept)


def key_of(owner: str, kept_id: str) -> str:
    """The key of what an owner keeps under an id: no member and no id holds a slash."""
    return f"{owner}/{kept_id}"


@dataclass(frozen=True)
class Shelf(Generic[K]):
    """`one` is what stands on it, in words; `most` is how many an owner may keep."""

    documents: Documents[K]
    one: str
    most: int

    def first(self, owner: str, kept_id: str, form: BaseModel, by: str, now: datetime, **more: Any) -> K:
        """A new one, at its first version."""
        values = {"id": kept_id, "owner": owner, "version": 1, "updated_at": now, "updated_by": by, **more}
        return self.documents.model(**values, **form.model_dump())

    async def find(self, tx: Tx, member: str | None, kept_id: str) -> K | None:
        """What this id means to a member: its own, or the shared one; what was taken away too."""
        keys = [key_of(owner, kept_id) for owner in dict.fromkeys((member or SHARED, SHARED))]
        found = await self.documents.load(tx, keys, lock=False)
        there = [found[key] for key in keys if key in found]
        return next((kept for kept in there if not kept.deleted), there[0] if there else None)

    async def add(self, tx: Tx, new: K) -> None:
        """Put up a new one; the caller changes the library alone. Raises `Conflict` where its owner has too many."""
        if await self._size(tx, new.owner) >= self.most:
            raise Conflict(self._full)
        await self.documents.insert(tx, {new.key: new})

    async def put(self, running: Runtime, who: Principal, kept_id: str, form: BaseModel, if_match: str | None) -> bool:
        """Make or change the caller's own, in a transaction of its own; whether it is new.

        Raises:
            ConditionRequired, Stale: it exists, and the caller has not read it as it is.
            Conflict: the library is full.
        """
        owner, by, now = who.member or SHARED, f"{running.name}:{who.id}", running.now()
        key = key_of(owner, kept_id)
        async with running.database.transaction() as tx:
            await tx.execute(CHANGE)
            known = (await self.documents.load(tx, [key], lock=True)).get(key)
            shared = await self.find(tx, None, kept_id) if known is None or known.deleted else None
            seen = known if known and not known.deleted else shared if shared and not shared.deleted else None
            _guard(self.one, seen.version if seen else None, if_match)
            if known is None:
                await self.add(tx, self.first(owner, kept_id, form, by, now))
            else:
                await self.documents.update(tx, {key: known.changed(form, by, now)})
        return known is None or known.deleted

    async def take_away(self, running: Runtime, who: Principal, kept_id: str, if_match: str | None) -> None:
        """Take the caller's own away. Raises `Missing`, `ConditionRequired` or `Stale`."""
        key = key_of(who.member or SHARED, kept_id)
        async with running.database.transaction() as tx:
            await tx.execute(CHANGE)
            known = (await self.documents.load(tx, [key], lock=True)).get(key)
            if known is None or known.deleted:
                raise Missing(f"no such {self.one} of your own")
            if expected_version(if_match) != known.version:
                raise Stale(f"the {self.one} has changed since you read it; read it again", version=known.version)
            by, now = f"{running.name}:{who.id}", running.now()
            news = {"deleted": True, "version": known.version + 1, "updated_at": now, "updated_by": by}
            await self.documents.update(tx, {key: known.model_copy(update=news)})

    async def save(
        self, tx: Tx, who: Principal, by: str, forms: Mapping[int, tuple[str, BaseModel]], *, keep: bool, now: datetime
    ) -> list[dict[str, Any]]:
        """Put up what an import read, by its line; `keep` leaves alone what is or was there. What became of each."""
        await tx.execute(CHANGE)
        owner = who.member or SHARED
        keys = [key_of(owner, kept_id) for kept_id, _ in forms.values()]
        before = await self.documents.load(tx, keys, lock=True)
        room = self.most - await self._size(tx, owner)
        now_there, results = dict(before), list[dict[str, Any]]()
        for (line, (kept_id, form)), key in zip(forms.items(), keys, strict=True):
            known = now_there.get(key)
            result: dict[str, Any] = {"line": line, "id": kept_id}
            if known is not None and (keep or known.says_the_same(form)):
                results.append({**result, "version": known.version, "result": "kept"})
                continue
            if known is None and room <= 0:
                results.append({**result, "error": self._full})
                continue
            room -= known is None
            after = known.changed(form, by, now) if known else self.first(owner, kept_id, form, by, now)
            now_there[key] = after
            results.append({**result, "version": after.version, "result": "changed" if known else "new"})
        await self.documents.save(tx, {k: v for k, v in now_there.items() if v is not before.get(k)}, before)
        return results

    async def _size(self, tx: Tx, owner: str) -> int:
        count = f"SELECT count(*) FROM {self.documents.table} WHERE owner = $1 AND NOT deleted"  # noqa: S608
        return int(await tx.fetchval(count, owner))

    @property
    def _full(self) -> str:
        return f"a library holds at most {self.most} {self.one}s; take one out first"


def _guard(one: str, version: int | None, if_match: str | None) -> None:
    if version is None:
        if if_match is not None:
            raise Stale(f"there is no such {one}; send it without If-Match to make it")
        return
    if if_match is None:
        raise ConditionRequired(f"this {one} exists; send If-Match with the ETag that you read")
    if expected_version(if_match) != version:
        raise Stale(f"the {one} has changed since you read it; read it again", version=version)
