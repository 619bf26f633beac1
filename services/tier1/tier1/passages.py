"""The place in an article that answers: its section to cite, and the sentence or two to show. Pure."""

import re
from dataclasses import dataclass

from tierline.desk.language import stems

HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
MARKS = re.compile(r"[*_`]{1,3}|^ {0,3}(?:[-*+]|\d{1,3}[.)]|>)[ \t]+", re.MULTILINE)
SHOWN = 280
MOST_LOOKED_AT = 400


@dataclass(frozen=True, slots=True)
class Passage:
    """`section` is the heading above it, empty where there is none; `text` is its Markdown, `snippet` what to show of it."""

    section: str
    text: str
    snippet: str


def passage(title: str, body: str, question: str) -> Passage:
    """The passage that shares the most words with a question, the rarer in the article the more; the first where none does."""
    asked = set(stems(question))
    parts = [(section, text) for section, text in _paragraphs(title, body)][:MOST_LOOKED_AT]
    if not parts:
        return Passage("", body, _short(body, asked))
    bags = [set(stems(text)) for _, text in parts]
    spread: dict[str, int] = {}
    for bag in bags:
        for word in bag & asked:
            spread[word] = spread.get(word, 0) + 1
    weights = [sum(1 / spread[word] for word in bag & asked) for bag in bags]
    section, text = parts[max(range(len(parts)), key=lambda place: (weights[place], -place))]
    return Passage(section, text, _short(text, asked))


def section_of(body: str, name: str) -> str:
    """The text below a heading, without those of the other sections; all of it where there is no such heading."""
    places = list(HEADING.finditer(body))
    for place, heading in enumerate(places):
        if heading[1] == name:
            end = places[place + 1].start() if place + 1 < len(places) else len(body)
            return body[heading.end() : end].strip()
    return body


def plain(text: str) -> str:
    """Markdown as a person reads it aloud: without its marks."""
    return re.sub(r"[ \t]+", " ", MARKS.sub("", HEADING.sub(r"\1", text))).strip()


def _paragraphs(title: str, body: str) -> list[tuple[str, str]]:
    found, section, start = [], "", 0
    for heading in [*HEADING.finditer(body), None]:
        block = body[start : heading.start() if heading else len(body)]
        found += [
            (section, part.strip())
            for part in re.split(r"\n[ \t]*\n|\n(?=\s*(?:[-*+]|\d{1,3}[.)])\s)", block)
            if part.strip()
        ]
        if heading:
            section = "" if heading[1].casefold() == title.casefold() else heading[1]
            start = heading.end()
    return found


def _short(text: str, asked: set[str]) -> str:
    """At most so many characters, around the first word that was asked for."""
    said = " ".join(plain(text).split())
    if len(said) <= SHOWN:
        return said
    first = next((match.start() for match in re.finditer(r"\w+", said) if asked & set(stems(match[0]))), 0)
    start = max(0, min(first - SHOWN // 3, len(said) - SHOWN))
    start = said.rfind(" ", 0, start) + 1 if start else 0
    piece = said[start : start + SHOWN]
    end = "" if start + SHOWN >= len(said) else "..."
    return ("..." if start else "") + (piece.rpartition(" ")[0] if end else piece) + end
