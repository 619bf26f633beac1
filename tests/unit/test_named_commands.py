"""Whatever the papers say to type exists: every target of make, every command of tierline, every option."""

import re
from pathlib import Path

import pytest
import typer

from embedded.cli import app

ROOT = Path(__file__).parents[2]
PAPERS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "CHANGELOG.md"]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
COMMAND = typer.main.get_command(app)
SPAN = re.compile(r"`([^`\n]+)`|^ {4}(.+)$|^((?:make|\.venv/bin/tierline) .+)$", re.MULTILINE)


def _said(paper: Path) -> list[str]:
    return [next(filter(None, found)) for found in SPAN.findall(paper.read_text("utf-8"))]


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.name)
def test_every_target_of_make_exists(paper: Path) -> None:
    named = {target for said in _said(paper) for target in re.findall(r"(?:^|&& )make ([a-z]+)", said)}
    assert named - TARGETS == set()


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.name)
def test_every_command_and_option_exists(paper: Path) -> None:
    for said in _said(paper):
        for words in re.findall(r"(?:^|&& |/)tierline ((?:[\w./<>=:-]+ ?)+)", said):
            command, known = COMMAND, {"--json", "--help"}
            for word in words.split():
                if hasattr(command, "commands") and not word.startswith("-"):
                    assert word in command.commands, f"{paper.name}: {said}"
                    command = command.commands[word]
                    known |= {option for parameter in command.params for option in parameter.opts}
                elif word.startswith("--"):
                    assert word.partition("=")[0] in known, f"{paper.name}: {said}"


def test_there_is_something_to_look_at() -> None:
    assert {"run", "test", "install", "kafka"} <= TARGETS
    assert sum("tierline " in said for paper in PAPERS for said in _said(paper)) > 5
