"""Which texts fit a question best: BM25 (tantivy) over words, and over pieces of words, so that a typing error still finds."""

import math
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from threading import Thread

from tantivy import Document, Index, IndexWriter, Occur, Query, SchemaBuilder, TextAnalyzerBuilder, Tokenizer

from tierline.desk.language import stems, understood

HEAD_WEIGHT = 3
PIECE, PIECES_COUNT = 4, 0.2
MOST_WORDS = 300
WRITER_MEMORY = 15_000_000  # bytes; the least that the engine works with
EVERYONE = "*"
LOOSE = 10
"""One text in so many may have changed or gone since the index was made; then it is made anew: what is gone still counts."""


@dataclass(frozen=True, slots=True)
class Text:
    """What is ranked: its `head` (title, tags) weighs more than its body. `groups` are what it is for; none: for all.

    It is found by its `owner` alone, or by everyone where it has none, but not by those whom it is `hidden_from`.
    """

    head: str
    body: str
    groups: tuple[str, ...] = ()
    owner: str = ""
    hidden_from: tuple[str, ...] = ()


class Ranking:
    """Texts by their keys, in memory. A change makes another ranking of the same index; who searches in this one goes on."""

    def __init__(self, texts: Mapping[str, Text]) -> None:
        builder = SchemaBuilder().add_text_field("key", stored=True, tokenizer_name="raw", index_option="basic")
        for name in ("words", "pieces", "groups", "owner", "hidden_from"):
            builder = builder.add_text_field(name, tokenizer_name="spaces", index_option="freq")
        self._schema = builder.build()
        self._index = Index(self._schema)
        self._index.register_tokenizer("spaces", TextAnalyzerBuilder(Tokenizer.whitespace()).build())
        self._texts, self._loose, self._settling = dict(texts), 0, Thread()
        self._write(texts)

    def changed(self, changes: Mapping[str, Text | None]) -> "Ranking":
        """The ranking after these keys have these texts, or none."""
        texts = {key: text for key, text in {**self._texts, **changes}.items() if text is not None}
        loose = self._loose + sum(key in self._texts for key in changes)
        if loose * LOOSE > len(texts):
            return Ranking(texts)
        after = copy(self)
        after._texts, after._loose = texts, loose
        after._write(changes)
        return after

    def best(
        self, subject: str, text: str, count: int, group: str | None = None, member: str = ""
    ) -> list[tuple[str, float]]:
        """The keys of the best `count` texts for a question, the best first, each with a score above nought.

        The words of the subject count twice. `group` leaves out what is meant for other groups only. A score is
        measured in the rarest word that a library of this size can have, so that it keeps its meaning as it grows.
        A question of any length costs no more than its first few hundred words.
        """
        asked = stems(understood(f"{subject}\n{text}"))[:MOST_WORDS]
        twice = stems(understood(subject))[:MOST_WORDS]
        terms = [
            *self._terms("words", asked, twice, 1.0),
            *self._terms("pieces", _pieces(asked), _pieces(twice), PIECES_COUNT),
        ]
        if not terms:
            return []
        only = Query.const_score_query(self._for(group, member), 0.0)
        query = Query.boolean_query([(Occur.Must, Query.boolean_query(terms)), (Occur.Must, only)])
        hits = self._searcher.search(query, count).hits
        return [(self._searcher.doc(place)["key"][0], float(score) / self._scale) for score, place in hits]

    def meant_for(self, group: str, member: str = "", count: int = 1) -> list[str]:
        """The keys of some texts that are meant for this group, whatever they say."""
        hits = self._searcher.search(self._for(group, member), count).hits
        return [self._searcher.doc(place)["key"][0] for _, place in hits]

    def _write(self, changes: Mapping[str, Text | None]) -> None:
        if self._settling.ident is not None:
            self._settling.join()  # an index has one writer at a time
        writer = self._index.writer(WRITER_MEMORY, 1)
        for key, text in changes.items():
            writer.delete_documents_by_term("key", key)
            if text is not None:
                writer.add_document(_document(key, text))
        writer.commit()
        self._look()
        self._scale = math.log(2 + len(self._texts))
        self._settling = Thread(target=self._settle, args=(writer,), name="settling", daemon=True)
        self._settling.start()

    def _settle(self, writer: IndexWriter) -> None:
        """The engine puts its pieces together now and then; nobody waits for that but the next change."""
        writer.wait_merging_threads()
        self._look()

    def _look(self) -> None:
        self._index.reload()
        self._searcher = self._index.searcher()

    def _for(self, group: str | None, member: str) -> Query:
        """What is meant for this group and may be found by this member."""
        wanted = [("owner", owner) for owner in dict.fromkeys((EVERYONE, member or EVERYONE))]
        parts = [(Occur.Must, self._any(wanted))]
        if member:
            parts.append((Occur.MustNot, self._term("hidden_from", member)))
        if group is not None:
            parts.append((Occur.Must, self._any([("groups", group), ("groups", EVERYONE)])))
        return Query.boolean_query(parts)

    def _any(self, terms: Iterable[tuple[str, str]]) -> Query:
        return Query.boolean_query([(Occur.Should, self._term(field, term)) for field, term in terms])

    def _terms(
        self, field: str, asked: Sequence[str], twice: Iterable[str], weight: float
    ) -> list[tuple[Occur, Query]]:
        double = set(twice)
        return [
            (Occur.Should, Query.boost_query(self._term(field, term), weight * (2 if term in double else 1)))
            for term in dict.fromkeys(asked)
        ]

    def _term(self, field: str, term: str) -> Query:
        return Query.term_query(self._schema, field, term, index_option="freq")


def _document(key: str, text: Text) -> Document:
    found = stems(" ".join([text.head] * HEAD_WEIGHT + [text.body]))
    document = Document()
    document.add_text("key", key)
    document.add_text("words", " ".join(found))
    document.add_text("pieces", " ".join(_pieces(found)))
    document.add_text("groups", " ".join(text.groups or (EVERYONE,)))
    document.add_text("owner", text.owner or EVERYONE)
    document.add_text("hidden_from", " ".join(text.hidden_from))
    return document


def _pieces(found: Iterable[str]) -> list[str]:
    return [
        around[start : start + PIECE]
        for around in (f"_{word}_" for word in found)
        for start in range(max(1, len(around) - PIECE + 1))
    ]
