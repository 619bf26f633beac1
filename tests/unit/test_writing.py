"""Several writes are one statement: every argument keeps its place, and nothing is written twice or left out."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tierline.kit.writing import Write, together


class _Heard:
    """A connection that listens."""

    def __init__(self) -> None:
        self.said: list[tuple[str, tuple[Any, ...]]] = []

    async def execute(self, sql: str, *arguments: Any) -> None:
        self.said.append((sql, arguments))


async def test_nothing_to_write_is_no_trip() -> None:
    heard = _Heard()
    await together(heard, [])
    assert heard.said == []


async def test_one_write_goes_as_it_stands() -> None:
    heard = _Heard()
    await together(heard, [Write("DELETE FROM a WHERE b = $1", [7])])
    assert heard.said == [("DELETE FROM a WHERE b = $1", (7,))]


@given(st.lists(st.integers(0, 12), min_size=2, max_size=6))
async def test_each_place_is_counted_on_by_what_stands_before_it(sizes: list[int]) -> None:
    heard = _Heard()
    writes = [
        Write(
            f"T{number} " + " ".join(f"${place}" for place in range(1, size + 1)),
            [(number, place) for place in range(size)],
        )
        for number, size in enumerate(sizes)
    ]
    await together(heard, writes)
    [(sql, arguments)] = heard.said
    places = [int(word.strip("$)")) for word in sql.replace(",", " ").split() if word.startswith("$")]
    assert places == list(range(1, sum(sizes) + 1))
    assert arguments == tuple(argument for write in writes for argument in write.arguments)
    assert sql.startswith("WITH w0 AS (T0")
