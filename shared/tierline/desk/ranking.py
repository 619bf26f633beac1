"""Which texts fit a question best: BM25 (tantivy) over words, and over pieces of words, so that a typing error still finds."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tantivy import Document, Index, Occur, Query, SchemaBuilder, TextAnalyzerBuilder, Tokenizer

from tierline.desk.language import stems, understood

HEAD_WEIGHT = 3
PIECE, PIECES_COUNT = 4, 0.2
MOST_WORDS = 300
WRITER_MEMORY = 15_000_000  # bytes; the least that the engine works with
FOR_ALL = "*"


@dataclass(frozen=True, slots=True)
class Text:
    """What is ranked: its `head` (title, tags) weighs more than its body. `groups` are what it is for; none: for all."""

    head: str
    body: str
    groups: tuple[str, ...] = ()


class Ranking:
    """Texts, numbered as they were given; in memory, made once for a state of a library."""

    def __init__(self, texts: Sequence[Text]) -> None:
        builder = SchemaBuilder().add_unsigned_field("number", stored=True)
        for name in ("words", "pieces", "groups"):
            builder = builder.add_text_field(name, tokenizer_name="spaces", index_option="freq")
        self._schema = builder.build()
        self._index = Index(self._schema)
        self._index.register_tokenizer("spaces", TextAnalyzerBuilder(Tokenizer.whitespace()).build())
        writer = self._index.writer(WRITER_MEMORY, 1)
        for number, text in enumerate(texts):
            found = stems(" ".join([text.head] * HEAD_WEIGHT + [text.body]))
            document = Document()
            document.add_unsigned("number", number)
            document.add_text("words", " ".join(found))
            document.add_text("pieces", " ".join(_pieces(found)))
            document.add_text("groups", " ".join(text.groups or (FOR_ALL,)))
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._scale = math.log(2 + len(texts))

    def best(self, subject: str, text: str, count: int, group: str | None = None) -> list[tuple[int, float]]:
        """The best `count` texts for a question, the best first, each with a score above nought.

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
        query = Query.boolean_query(terms)
        if group is not None:
            meant = [(Occur.Should, self._term("groups", name)) for name in (group, FOR_ALL)]
            only = Query.const_score_query(Query.boolean_query(meant), 0.0)
            query = Query.boolean_query([(Occur.Must, query), (Occur.Must, only)])
        searcher = self._index.searcher()
        hits = searcher.search(query, count).hits
        return [(searcher.doc(place)["number"][0], float(score) / self._scale) for score, place in hits]

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


def _pieces(found: Iterable[str]) -> list[str]:
    return [
        around[start : start + PIECE]
        for around in (f"_{word}_" for word in found)
        for start in range(max(1, len(around) - PIECE + 1))
    ]
