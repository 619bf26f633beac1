"""The papers say what the code does: every problem has its line, every setting its row, every path is there."""

import re
from pathlib import Path

import pytest

from notifier.settings import NotifierSettings
from tierline.kit.bus_kafka_access import KafkaAccess
from tierline.kit.errors import Refused
from tierline.kit.mail import MailSettings
from tierline.kit.problems import _KNOWN
from tierline.kit.settings import Settings

ROOT = Path(__file__).parents[2]
CODE = [path for folder in ("shared", "services", "deploy") for path in sorted((ROOT / folder).rglob("*.py"))]


def _slugs() -> set[str]:
    said = {slug for path in CODE for slug in re.findall(r'problem\(\d{3}, "([a-z-]+)"', path.read_text())}
    pending, kinds = [Refused], {Refused.slug}
    while pending:
        found = pending.pop().__subclasses__()
        kinds |= {kind.slug for kind in found}
        pending += found
    return said | kinds | set(_KNOWN.values())


def test_every_problem_is_explained_and_no_other():
    explained = re.findall(r"^\| `([a-z-]+)` \|", (ROOT / "docs/problems.md").read_text(), re.MULTILINE)
    assert set(explained) == _slugs()
    assert len(explained) == len(set(explained))


def test_every_setting_has_its_row_with_its_default():
    page = (ROOT / "docs/operating.md").read_text()
    for name, field in NotifierSettings.model_fields.items():
        default = "must be set" if field.is_required() else f"`{field.default}`"
        mail = name in MailSettings.model_fields
        who = "" if name in Settings.model_fields else " (notifier, tier3)" if mail else " (notifier)"
        assert f"| `TIERLINE_{name.upper()}` | {default} | {field.description}{who} |" in page
    for name, field in KafkaAccess.model_fields.items():
        assert f"| `TIERLINE_KAFKA_{name.upper()}` | `{field.default}` | {field.description} |" in page


@pytest.mark.parametrize("paper", ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
def test_every_path_that_a_paper_names_is_there(paper: str):
    text = (ROOT / paper).read_text()
    named = re.findall(r"`((?:shared|services|deploy|docs|tests|examples)/[\w./-]+)`", text)
    assert [path for path in named if not (ROOT / path).exists()] == []
