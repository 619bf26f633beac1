"""Who hears of a closed endpoint: everyone whom it concerns, each once, and each with what is theirs."""

import re
from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as some

from embedded.machine import POLICIES
from tier3_liaison.closing import Place, mails, places
from tier3_liaison.liaisons import Named
from tier3_liaison.registry import GONE, Endpoint
from tierline.desk.policies import load_policies
from tierline.kit.testing import MONDAY_MORNING as NOW

BOOK = load_policies(POLICIES)
EVERYWHERE = places(BOOK)
VENDOR = "summit-delivery"
CLOSED = Endpoint(slug=VENDOR, url="https://v.example", secrets=("s",), disabled_at=NOW, disabled_why=GONE)


def put_in_place(place: Place, address: str, vendor: str | None) -> Named:
    return Named(
        id=place.component,
        owner=place.member,
        version=1,
        updated_at=NOW,
        updated_by="someone",
        name="Someone",
        email=address,
        vendor=vendor,
    )


def concerned(named: dict[str, Named], waiting: dict[Place, int]) -> dict[str, set[Place]]:
    """The plain reading: for each place its liaison, where the vendor stands behind them or a call waits."""
    found: dict[str, set[Place]] = {}
    for place in EVERYWHERE:
        own = named.get(place.key) or BOOK[place.member].liaison(place.component)
        if own is not None and (own.vendor == VENDOR or place in waiting):
            found.setdefault(own.email.lower(), set()).add(place)
    return found


@given(
    some.dictionaries(
        some.sampled_from(EVERYWHERE),
        some.tuples(
            some.sampled_from(["A@x.example", "a@x.example", "b@x.example"]), some.sampled_from([VENDOR, None])
        ),
    ),
    some.dictionaries(some.sampled_from(EVERYWHERE), some.integers(1, 9)),
)
def test_everyone_concerned_is_told_once_and_of_what_is_theirs(
    replaced: dict[Place, tuple[str, str | None]], waiting: dict[Place, int]
) -> None:
    named = {place.key: put_in_place(place, *who) for place, who in replaced.items()}
    told = mails(CLOSED, "vendor.closed", BOOK, named, waiting)
    expected = concerned(named, waiting)
    assert Counter(call.target.lower() for _, call in told) == Counter(expected.keys())
    for key, call in told:
        theirs = expected[call.target.lower()]
        assert len(call.body["places"]) == len(theirs)
        assert call.body["waiting"] == sum(waiting.get(place, 0) for place in theirs)
        assert re.fullmatch(r"[0-9a-zA-Z._-]{1,160}", call.id)
        assert key.startswith(f"{VENDOR}/")
    assert len({key for key, _ in told}) == len({call.id for _, call in told}) == len(told)


def test_the_same_closing_has_the_same_identity_and_the_next_one_another() -> None:
    def ids(endpoint: Endpoint, news: str = "vendor.closed") -> set[str]:
        return {call.id for _, call in mails(endpoint, news, BOOK, {}, {})}  # type: ignore[arg-type]

    later = CLOSED.model_copy(update={"disabled_at": datetime(2026, 11, 25, 9, 0, 0, 1, UTC)})
    assert ids(CLOSED) == ids(CLOSED) != set()
    assert not ids(CLOSED) & (ids(later) | ids(CLOSED, "vendor.opened"))
