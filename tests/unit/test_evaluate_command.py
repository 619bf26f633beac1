"""`tierline evaluate` as it is typed."""

import json
from pathlib import Path

from typer.testing import CliRunner

from embedded.cli import app

ARTICLE = "---\nid: a\ntitle: Forgotten password\ncomponent: single-sign-on\ntier: 1\n---\nChoose Forgot password."
QUESTION = {
    "component": "single-sign-on",
    "reporter_role": "school",
    "subject": "Password",
    "body": "I forgot my password",
    "expected": {"destination": "tier1", "article": "a", "student_pii": False},
}
FIGURES = {
    "sent_precision",
    "sent_share_of_tier1",
    "recall_at_1",
    "recall_at_3",
    "state_precision",
    "state_recall",
    "pii_precision",
    "pii_recall",
    "method_recall_at_3",
}


def test_it_prints_one_flat_object(tmp_path: Path):
    (tmp_path / "a.md").write_text(ARTICLE)
    (tmp_path / "q.jsonl").write_text(json.dumps(QUESTION))
    said = CliRunner().invoke(
        app,
        [
            "evaluate",
            str(tmp_path / "q.jsonl"),
            "--manuals",
            str(tmp_path),
            "--picture",
            str(tmp_path / "c.svg"),
            "--json",
        ],
    )
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    assert found.keys() == FIGURES
    assert found["recall_at_1"] == 1.0
    assert (tmp_path / "c.svg").read_text().startswith("<svg")


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path):
    said = CliRunner().invoke(app, ["evaluate", str(tmp_path / "none"), "--manuals", str(tmp_path)])
    assert said.exit_code == 2
    assert said.stderr.count("\n") == 1
    assert "none" in said.stderr
