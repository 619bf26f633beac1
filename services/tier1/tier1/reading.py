"""Manual articles out of what people have: Markdown with or without front matter, a web page, a PDF."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from bs4 import BeautifulSoup
from markdownify import MarkdownConverter

from tier1.articles import ArticleForm
from tierline.desk.shelf_reading import fitting, front_matter, plain_lines
from tierline.kit.errors import Invalid

KNOWN = frozenset({"id", "component", *ArticleForm.model_fields}) - {"body"}
HEADING = re.compile(r"^ {0,3}#[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
NOT_TEXT = [
    "script",
    "style",
    "iframe",
    "object",
    "embed",
    "form",
    "nav",
    "header",
    "footer",
    "noscript",
    "template",
    "svg",
]

Said = Mapping[str, Any]
Read = tuple[str, ArticleForm]


def read_markdown(text: str, said: Said | None = None) -> Read:
    """The id and the article of one file. `said` is what was said beside it; the front matter goes before.

    Raises:
        Invalid: with what is wrong and what to write.
    """
    text = plain_lines(text)
    front, body = front_matter(text) or ({}, text)
    known = {name: value for name, value in front.items() if name in KNOWN and value is not None}
    heading = HEADING.search(body)
    return article({"title": heading[1] if heading else "", **(said or {}), **known, "body": body})


def read_html(text: str, said: Said | None = None) -> Read:
    """The article of a web page: its text as Markdown, without scripts, navigation and forms. Raises `Invalid`."""
    try:
        page = BeautifulSoup(text, "html.parser")
        for part in page(NOT_TEXT):
            part.decompose()
        heading = page.h1 or page.title
        title = " ".join(heading.get_text(" ").split()) if heading else ""
        root = page.main or page.article or page.body or page
        body = MarkdownConverter(heading_style="ATX", strip=["a", "img"], bullets="-").convert_soup(root)
    except RecursionError:
        raise Invalid("the page is nested too deeply; save it again as plain HTML or Markdown") from None
    return article({"title": title[:200], **(said or {}), "body": re.sub(r"\n{3,}", "\n\n", body)})


def read_pages(pages: list[dict[str, str]], said: Said) -> list[Read]:
    """The articles of a PDF, one for each of its parts, named and numbered behind the manual. Raises `Invalid`."""
    manual = str(said.get("title") or "").strip()
    if not said.get("id"):
        raise Invalid("say under which id: add `?id=...` to the address")
    return [
        article(
            {
                **said,
                "id": f"{str(said['id'])[:74]}-{number:04}",
                "title": " - ".join(filter(None, [manual[:95], page["title"][:95]])),
                "body": page["text"],
            }
        )
        for number, page in enumerate(pages, 1)
        if page["text"].strip()
    ]


def article(said: Said) -> Read:
    """An id and a form out of what was said; without an id, the title makes one. Raises `Invalid`."""
    values = {name: value for name, value in said.items() if value not in (None, "", ())}
    given = values.pop("id", None)
    named = given if isinstance(given, str) else slug(str(values.get("title", "")))
    if not named:
        raise Invalid("the article needs an `id` or a `title`, such as `title: Start a test session`")
    return named, fitting(ArticleForm, values)


def slug(title: str) -> str:
    """An id that says what a title says."""
    return re.sub(r"[^a-z0-9]+", "-", title.casefold().encode("ascii", "ignore").decode()).strip("-")[:80].strip("-")


READERS: Mapping[str, Callable[[str, Said | None], Read]] = {"text/markdown": read_markdown, "text/html": read_html}
