"""A ticket's history cannot be altered unseen: whatever single byte is changed, taken out or put in, it is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tierline.domain.chain import Altered, digest, export, verify

TEXTS = some.text(max_size=20)
SAYINGS = some.lists(
    some.fixed_dictionaries({"fact": TEXTS, "text": some.none() | TEXTS, "version": some.integers(1, 99)}), max_size=4
)


def history(sayings: list[dict[str, object]]) -> bytes:
    """An export of facts that say this."""
    facts: list[dict[str, object]] = []
    for number, said in enumerate(sayings, 1):
        before = facts[-1]["hash"] if facts else ""
        fact = {**said, "ticket_id": "t-1", "number": number, "before": before}
        facts.append({**fact, "hash": digest(fact)})
    return export("t-1", facts).encode()


THREE = history([{"fact": f"case.{name}", "text": "Grüße", "version": 1} for name in "abc"])


@given(SAYINGS)
def test_what_was_exported_is_found_sound(sayings: list[dict[str, object]]) -> None:
    assert verify(history(sayings))["facts"] == len(sayings)


@given(SAYINGS, some.data())
def test_any_one_byte_that_is_changed_is_found_and_its_place_is_named(
    sayings: list[dict[str, object]], data: some.DataObject
) -> None:
    sound = history(sayings)
    at = data.draw(some.integers(0, len(sound) - 1))
    other = data.draw(some.integers(0, 255).filter(lambda byte: byte != sound[at]))
    with pytest.raises(Altered, match=r"^line \d+"):
        verify(sound[:at] + bytes([other]) + sound[at + 1 :])


def test_every_single_byte_of_an_export_counts() -> None:
    for at in range(len(THREE)):
        for instead in (bytes([THREE[at] ^ 1]), b"", b" " + THREE[at : at + 1]):
            with pytest.raises(Altered):
                verify(THREE[:at] + instead + THREE[at + 1 :])


def test_the_place_that_is_named_is_the_one_that_was_changed() -> None:
    first, a, b, c = THREE.splitlines(keepends=True)
    with pytest.raises(Altered, match=r"line 3 \(case\.b\): what it says"):
        verify(first + a + b.replace("ü".encode(), b"u") + c)
    with pytest.raises(Altered, match=r"line 3 .*number 2 was expected"):
        verify(first + a + c)
    with pytest.raises(Altered, match="line 1"):
        verify(first + a + b)


def test_what_is_no_export_at_all_is_said_so() -> None:
    for strange in (b"", b"\n", b"{}\n", b"[]\n", b"null\n", b"\xff\n", b"[" * 100_000 + b"\n"):
        with pytest.raises(Altered):
            verify(strange)
