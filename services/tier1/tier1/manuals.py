"""The manuals of one member at one revision: what they hold for a question. In memory, and the same to whoever asks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tier1.articles import Article, group_of
from tier1.confidence import Marks, marks
from tierline.desk.language import is_spanish
from tierline.desk.ranking import Ranking, Text
from tierline.desk.shelf import SHARED
from tierline.domain.words import Component, Role

LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class Found:
    """An article and how well it fits."""

    article: Article
    score: float


@dataclass(frozen=True, slots=True)
class Match:
    """What the manuals hold for one question, the best first. `covered`: whether they say anything about its component."""

    found: tuple[Found, ...]
    marks: Marks
    covered: bool


NOTHING = Match((), (0.0, 0.0, 0.0, 0.0, 0.0), covered=False)


class Manuals:
    """A member's own articles and the shared ones; a member's own hides the shared one of its id."""

    def __init__(self, revision: int, articles: Iterable[Article]) -> None:
        kept = list(articles)
        own = {article.id for article in kept if article.owner != SHARED}
        self.revision = revision
        self._articles = [article for article in kept if article.owner != SHARED or article.id not in own]
        self._ranking = Ranking([Text(_head(article), article.body, article.groups()) for article in self._articles])
        self._covered = {group for article in self._articles for group in article.groups()}
        self._spanish = {article.original: article for article in self._articles if article.language == "es"}

    def search(
        self, subject: str, text: str, count: int, component: Component | None = None, role: Role | None = None
    ) -> list[Found]:
        """The articles that Tier 1 may answer from, the best first; each once, in Spanish for who asks in Spanish."""
        found = self._best(subject, text, group_of(1, component, role))
        spanish = is_spanish(f"{subject}\n{text}")
        once: dict[str, Found] = {}
        for one in found:
            article = self._spanish.get(one.article.original, one.article) if spanish else one.article
            once.setdefault(article.original, Found(article, one.score))
        return list(once.values())[:count]

    def match(self, subject: str, text: str, component: Component, role: Role) -> Match:
        """What there is for a question of this role about this component."""
        if group_of(1, component, role) not in self._covered:
            return NOTHING
        found = self.search(subject, text, LOOKED_AT, component, role)
        technical = self.technical(subject, text, component)
        head = _head(found[0].article) if found else ""
        scores = [one.score for one in found]
        seen = marks(f"{subject} {text}", head, scores, technical[0].score if technical else None)
        return Match(tuple(found), seen, covered=True)

    def technical(self, subject: str, text: str, component: Component) -> Sequence[Found]:
        """The technicians' articles that fit best: where one leads, the question is not Tier 1's."""
        return self._best(subject, text, group_of(2, component))

    def _best(self, subject: str, text: str, group: str) -> Sequence[Found]:
        best = self._ranking.best(subject, text, LOOKED_AT, group)
        return [Found(self._articles[number], score) for number, score in best]


def _head(article: Article) -> str:
    return " ".join((article.title, *article.tags))
