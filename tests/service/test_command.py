"""`tierline` at a running install, as people type it: an answer, or one line with the remedy; never a traceback."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from house import House

TIERLINE = str(Path(sys.executable).with_name("tierline"))


async def _typed(*words: str, patience: float = 60, **settings: str) -> tuple[int, str, str]:
    """What the command answers: its code, what it says, what it complains of."""
    process = await asyncio.create_subprocess_exec(
        TIERLINE, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, "COLUMNS": "200", **settings}
    )  # fmt: skip
    async with asyncio.timeout(patience):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


def _where(house: House) -> list[str]:
    return ["--folder", str(house.machine.install.folder), "--port", house.machine.url.rpartition(":")[2]]


async def test_an_issue_is_submitted_and_shown_for_people_and_for_programs(house: House) -> None:
    code, out, _ = await _typed("submit", "interim-system", "It stops", "Since today", *_where(house), "--json")
    assert code == 0
    ticket = json.loads(out)["id"]
    await house.case("tier1", ticket)
    code, out, _ = await _typed("show", ticket, *_where(house))
    assert code == 0
    assert "ticket.submitted" in out
    code, out, _ = await _typed("show", ticket, *_where(house), "--json")
    assert [fact["fact"] for fact in json.loads(out)["timeline"]][:1] == ["ticket.submitted"]


async def test_facts_are_watched_as_they_happen(house: House) -> None:
    ticket = await house.submit()
    watching = await asyncio.create_subprocess_exec(
        TIERLINE, "watch", ticket, *_where(house), "--json", stdout=asyncio.subprocess.PIPE
    )
    assert watching.stdout is not None
    try:
        async with asyncio.timeout(30):
            first = json.loads(await watching.stdout.readline())
            assert (first["fact"], first["ticket_id"]) == ("ticket.submitted", ticket)
            await house.move("tier1", ticket, "claim")
            while json.loads(await watching.stdout.readline())["fact"] != "case.claimed":
                pass
    finally:
        watching.terminate()
        await watching.wait()


async def test_the_doctor_finds_a_healthy_house_healthy_and_an_empty_one_not(house: House, tmp_path: Path) -> None:
    code, out, _ = await _typed("doctor", *_where(house), "--json")
    assert (code, {finding["ok"] for finding in json.loads(out)}) == (0, {True})
    code, out, _ = await _typed("doctor", "--folder", str(tmp_path), "--port", "9")
    assert code == 1
    assert "start them with" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "no-such-ticket"], "no such ticket"),
        (["submit", "coffee", "s", "d"], "component"),
        (["submit", "interim-system", "s", "d", "--member", "atlantis"], "no member is called atlantis"),
        (["submit", "interim-system", "s", "d", "--impact", "huge"], "impact"),
        (["watch", "no-such-ticket"], "no such ticket"),
        (["export", "no-such-ticket"], "no such ticket"),
    ],
)
async def test_what_the_install_refuses_is_one_line(house: House, words: list[str], said: str) -> None:
    code, out, err = await _typed(*words, *_where(house))
    assert code == 2
    assert err.count("\n") == 1
    assert said in err
    assert "Traceback" not in out + err


async def test_without_an_install_the_remedy_is_said(house: House, tmp_path: Path) -> None:
    folder = str(house.machine.install.folder)
    for words, said in (
        (["show", "x", "--folder", str(tmp_path)], "start the install with `tierline up`"),
        (["show", "x", "--folder", folder, "--port", "9"], "nothing answers on port 9"),
        (["show", "x", "--folder", folder, "--port", "70000"], "65535"),
    ):
        code, out, err = await _typed(*words)
        assert code == 2
        assert said in err
        assert "Traceback" not in out + err


async def test_a_used_port_and_a_folder_that_is_none_are_named(house: House, tmp_path: Path) -> None:
    port = house.machine.url.rpartition(":")[2]
    code, _, err = await _typed("up", "--folder", str(tmp_path / "new"), "--port", port)
    assert (code, f"port {port} cannot be used" in err, err.count("\n")) == (2, True, 1)
    (tmp_path / "file").write_text("not a folder")
    code, out, err = await _typed("up", "--folder", str(tmp_path / "file"), "--port", "0")
    assert (code, err.count("\n")) == (2, 1)
    assert "Traceback" not in out + err


async def test_policies_that_cannot_be_read_are_named_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("member: [\n")
    code, _, err = await _typed("up", "--folder", str(tmp_path / "new"), "--port", "0", TIERLINE_POLICIES=str(tmp_path))
    assert code == 2
    assert "bad.yaml:2" in err or "bad.yaml:1" in err
