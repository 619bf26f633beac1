"""Labelled questions and manuals, read from files: whatever cannot be read is named, with its file and line."""

from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from tier1.articles import Article
from tier1.reading import read_markdown
from tierline.desk.shelf import SHARED
from tierline.domain.words import Component, Role
from tierline.kit.errors import Invalid


class Unreadable(Exception):
    """What was given cannot be read; the text says what and where."""


class Expected(BaseModel):
    """How a question should end."""

    destination: str
    article: str | None = None
    student_pii: bool = False


class Labelled(BaseModel):
    """One question with its label."""

    component: Component
    reporter_role: Role
    subject: str
    body: str
    expected: Expected


def read_questions(path: Path) -> list[Labelled]:
    """The questions of a file, one JSON object a line. Raises `Unreadable`, naming the line."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path}: {_short(error)}") from None
    found = []
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                found.append(Labelled.model_validate_json(line))
        except ValidationError as error:
            raise Unreadable(f"{path}, line {number}: {_short(error)}") from None
    return found


def read_articles(folder: Path) -> list[Article]:
    """Every Markdown article below a folder. Raises `Unreadable`, naming the file."""
    files = sorted(file for file in folder.rglob("*.md") if file.stem != "README")
    if not files:
        raise Unreadable(f"{folder} holds no *.md")
    return [_article(path) for path in files]


def _article(path: Path) -> Article:
    try:
        article_id, form = read_markdown(path.read_text("utf-8"))
    except Invalid as error:
        raise Unreadable(f"{path}: {error.detail}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path}: {_short(error)}") from None
    at = datetime.fromtimestamp(0, UTC)
    return Article(id=article_id, owner=SHARED, version=1, updated_at=at, updated_by="file", **form.model_dump())


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
