"""A policy, or an article's front matter, written to do harm: one line says where and what to do, soon and in little memory."""

import os
import tracemalloc
from contextlib import nullcontext
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tierline.desk.plain_yaml import NotPlain, read_plain
from tierline.desk.policies import LARGEST, load_policies
from tierline.desk.shelf_reading import front_matter
from tierline.kit.errors import Invalid, Misconfigured

GOOD = (Path(__file__).parents[2] / "deploy" / "policies" / "alder.yaml").read_bytes()
LAUGHS = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in b"bcdefghi"
)
MUCH = LARGEST - 100
HOSTILE: dict[str, tuple[bytes, str]] = {
    "a billion laughs": (LAUGHS, "write the value out"),
    "a hundred megabytes": (b"# " + b"x" * 100_000_000, "a policy is a page or two"),
    "deep lists": (b"member: " + b"[" * MUCH, "write it flatter"),
    "deep mappings": (b"{a: " * (MUCH // 4), "write it flatter"),
    "deep dashes": (b"- " * (MUCH // 2), "write it flatter"),
    "deep lines": (b"".join(b" " * depth + b"a:\n" for depth in range(450)), "write it flatter"),
    "questions without end": (b"? " * (MUCH // 2), "write it flatter"),
    "a name twice": (b"member: a\nmember: b\n", ":2: member stands twice; keep one"),
    "a name twice, deep": (b"calendar: {hours: {mon: [], mon: []}}\n", "mon stands twice; keep one"),
    "a list for a name": (b"? [a, b]\n: c\n", "write a name"),
    "a mapping for a name": (b"? {a: b}\n: c\n", "write a name"),
    "tabs": (b"member: alder\n\tname: x\n", ":2: is not YAML"),
    "another encoding": (GOOD.decode().encode("utf-16"), "make it a readable UTF-8 text"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "make it a readable UTF-8 text"),
    "a NUL": (b"member: a\x00b\n", "correct this line"),
    "a program": (b"member: !!python/object/apply:os.system [ls]\n", "write the value alone"),
    "a day that is none": (b"member: !!timestamp x\n", "write the value alone"),
    "a month that is none": (b"member: 2026-13-45\n", "correct this line"),
    "a switch that is none": (b"member: !!bool x\n", "write the value alone"),
    "an empty number": (b"member: !!int ''\n", "write the value alone"),
    "a long number": (b"member: " + b"9" * MUCH, "correct this line"),
    "two documents": (b"a: b\n---\nc: d\n", ":2: is not YAML"),
    "nothing": (b"", "the file"),
    "many names": (b"".join(b"k%d: v\n" % n for n in range(3_000)), "mend these first"),
    "many names in one line": (b"{" + b",".join(b"k%d" % n for n in range(3_000)) + b"}", "mend these first"),
}

HARMLESS = {"many names", "a long number", "two documents"}
"""What is no harm where only the first lines of it are written."""


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_written_to_do_harm_is_named_with_what_to_do(tmp_path: Path, name: str) -> None:
    content, said = HOSTILE[name]
    (tmp_path / "alder.yaml").write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(Misconfigured) as refused:
            load_policies(tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    lines = str(refused.value).splitlines()
    assert said in lines[-1]
    assert all(line.startswith(f"{tmp_path}/alder.yaml:") and len(line) < 1_000 for line in lines)
    assert len(lines) <= 51
    assert peak < 150_000_000


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"calendar": {"zone": "UTC", "hours": {"mon": ["07:00-10:00", "09:00-12:00"]}}},
            "two frames of one day overlap",
        ),
        ({"calendar": {"zone": "UTC", "hours": {"mon": ["07:00-07:01"]}}}, "takes more than ten years"),
        ({"calendar": {"zone": "../../../etc/passwd", "always": True}}, "is no IANA time zone"),
        (
            {"calendar": {"zone": "UTC", "hours": {"mon": ["07:00-10:00"]}, "holidays": {"country": "../x"}}},
            "country or subdivision",
        ),
        ({"reply_allowed": "999999h"}, "takes more than ten years"),
        ({"close_after": "999999d"}, "takes more than ten years"),
        ({"reopen_within": "999999d"}, "takes more than ten years"),
    ],
)
def test_what_no_calendar_can_keep_is_named(tmp_path: Path, change: dict[str, object], said: str) -> None:
    (tmp_path / "alder.yaml").write_text(yaml.safe_dump(yaml.safe_load(GOOD) | change))
    with pytest.raises(Misconfigured, match=said):
        load_policies(tmp_path)


def test_what_only_looks_like_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "alder.yaml")
    (tmp_path / "birch.yaml").symlink_to("/dev/zero")
    (tmp_path / "cedar.yaml").mkdir()
    with pytest.raises(Misconfigured) as refused:
        load_policies(tmp_path)
    assert str(refused.value).count("is not a file") == 3


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "alder.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD)
    assert load_policies(tmp_path)["alder"].member == "alder"


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", HOSTILE)
def test_front_matter_is_no_better_way_in(name: str) -> None:
    text = HOSTILE[name][0][:2_000].decode("utf-8", "replace")
    with pytest.raises(Invalid, match="the front matter ") if name not in HARMLESS else nullcontext():
        front_matter(f"---\n{text}\n---\nAn article.")


@given(st.text(st.sampled_from("ab:,-?!&*[]{}|>'\"%@`#\\ \n\t0x1.e_~<=\ufeff\u2028"), max_size=200))
@settings(max_examples=400, deadline=None)
def test_whatever_is_written_it_is_read_or_its_line_is_named(text: str) -> None:
    lines = range(1, text.count("\n") + text.count("\u2028") + 3)
    try:
        read_plain(text)
    except NotPlain as refused:
        assert refused.line in lines  # noqa: PT017 - either is right, and only this can be wrong
