"""A dead letter holds no student data, and is otherwise the record as it came."""

import json

from hypothesis import given
from hypothesis import strategies as some

from tierline.desk.scrubbing import scrubbed

TEXT = "Broken.\nSSID 9876543210, Pupil Ana Diaz (SSN 123-45-6789)"


def test_every_text_at_every_depth_is_cleaned() -> None:
    letter = scrubbed(json.dumps({"case": {"said": [{"text": TEXT}], "version": 3}}).encode())
    assert not any(word in letter for word in (b"9876543210", b"Diaz", b"6789"))
    assert json.loads(letter)["case"]["version"] == 3


def test_what_is_no_json_is_cleaned_as_it_stands() -> None:
    assert b"9876543210" not in scrubbed(b"\xff{" + TEXT.encode())


@given(some.binary(max_size=200))
def test_no_bytes_make_it_fail(value: bytes) -> None:
    assert isinstance(scrubbed(value), bytes)


@given(some.recursive(some.none() | some.booleans() | some.text("abc ", max_size=9), some.lists, max_leaves=9))
def test_what_holds_nothing_stays_the_same_to_a_byte(read: object) -> None:
    value = json.dumps(read, indent=2).encode()
    assert scrubbed(value) == value
