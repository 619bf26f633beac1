"""What people have becomes articles: Markdown, plain or with front matter, web pages, PDFs; what cannot be read is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.labelled import read_articles
from embedded.stocking import MANUALS
from paper import pdf
from tier1 import pdf as reader
from tier1.reading import read_html, read_markdown, read_pages, slug
from tierline.domain.words import Component
from tierline.kit.errors import Invalid


def test_every_shipped_article_can_be_read() -> None:
    articles = read_articles(MANUALS)
    assert len({article.id for article in articles}) == len(articles) > 70
    assert {article.tier for article in articles} == {1, 2}
    assert {component for article in articles for component in article.components} == set(Component)


def test_plain_markdown_needs_only_a_title() -> None:
    article_id, form = read_markdown("# Start a session\r\n\r\nOpen it.", {"component": "interim-system"})
    assert (article_id, form.title, form.components) == (
        "start-a-session",
        "Start a session",
        (Component.INTERIM_SYSTEM,),
    )
    assert read_markdown("Words", {"id": "an-id", "title": "T"})[0] == "an-id"


def test_front_matter_goes_before_what_is_said_beside_it() -> None:
    text = "---\nid: own\ntitle: Own\ncomponent: single-sign-on\nunknown: 1\n---\nText"
    article_id, form = read_markdown(text, {"id": "other", "component": "interim-system"})
    assert (article_id, form.components, form.body) == ("own", (Component.SINGLE_SIGN_ON,), "Text")


def test_scripts_fall_out_wherever_they_stand() -> None:
    page = "<html><head><title>Head</title><script>alert(1)</script></head><body><nav>Menu</nav><h1>Print  it</h1><p onclick='x()'>Use <b>this</b><script>alert(2)</script>.</p><iframe src=x></iframe></body></html>"
    article_id, form = read_html(page)
    assert (article_id, form.title) == ("print-it", "Print it")
    assert "Use **this**." in form.body
    assert "alert" not in form.body
    assert "Menu" not in form.body
    _, form = read_markdown("# T\n\nBefore <script>alert(1)</script><!-- hidden --> after `msiexec /i <file>`.")
    assert form.body.splitlines()[-1] == "Before  after `msiexec /i <file>`."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "title"),
        ("Words without a title", "`id` or a `title`"),
        ("---\nid: [\n---\nx", "not YAML"),
        ("---\nid: a-b\ntitle: T\ncomponent: tea\n---\nx", "components/0"),
        ("# T\n" + "x" * 60_001, "body"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_markdown(text)
    assert said in refused.value.detail


def test_a_page_nested_without_end_is_refused_not_died_of() -> None:
    with pytest.raises(Invalid):
        read_html("<div>" * 50_000 + "x")


async def test_a_pdf_becomes_an_article_for_each_few_pages() -> None:
    parts = await reader.read_pdf(pdf([f"Page {number} says something" for number in range(1, 8)]))
    read = read_pages(parts, {"id": "guide", "title": "Guide", "component": "interim-system"})
    assert [article_id for article_id, _ in read] == ["guide-0001", "guide-0002", "guide-0003"]
    assert [form.title for _, form in read] == ["Guide - pages 1 to 3", "Guide - pages 4 to 6", "Guide - page 7"]
    assert "Page 2 says something" in read[0][1].body


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4 broken", pdf(["x"])[:300], b"\x00" * 5000, pdf([" "])])
async def test_a_broken_pdf_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        await reader.read_pdf(content)
    assert "PDF" in refused.value.detail


@given(st.text(max_size=300))
def test_no_text_breaks_a_reader(text: str) -> None:
    for read in (read_markdown, read_html):
        try:
            article_id, form = read(text, {"title": "T"})
        except Invalid:
            continue
        assert article_id
        assert form.body.strip()
    assert len(slug(text)) <= 80
