"""The manuals of one member at one revision: what they hold for a question. In memory, and the same to whoever asks."""

from collections.abc import Sequence
from dataclasses import dataclass

from tier1.articles import Article, group_of
from tier1.confidence import Marks, marks
from tierline.desk.language import is_spanish
from tierline.desk.ranking import Text
from tierline.desk.shelf import SHARED
from tierline.desk.shelf_ranking import Standing
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


def told(article: Article) -> Text:
    """What of an article is ranked."""
    spanish = (_in_spanish(article.original),) if article.language == "es" else ()
    return Text(_head(article), article.body, (*article.groups(), *spanish))


class Manuals:
    """The articles that one member's Tier 1 has: its own, and the shared ones."""

    def __init__(self, standing: Standing[Article], member: str = SHARED) -> None:
        self._standing, self._member = standing, member

    def search(
        self, subject: str, text: str, count: int, component: Component | None = None, role: Role | None = None
    ) -> list[Found]:
        """The articles that Tier 1 may answer from, the best first; each once, in Spanish for who asks in Spanish."""
        found = self._best(subject, text, group_of(1, component, role))
        spanish = is_spanish(f"{subject}\n{text}")
        once: dict[str, Found] = {}
        for one in found:
            article = self._translated(one.article) if spanish else one.article
            once.setdefault(article.original, Found(article, one.score))
        return list(once.values())[:count]

    def match(self, subject: str, text: str, component: Component, role: Role) -> Match:
        """What there is for a question of this role about this component."""
        if not self._standing.meant_for(self._member, group_of(1, component, role)):
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
        best = self._standing.best(self._member, subject, text, LOOKED_AT, group)
        return [Found(article, score) for article, score in best]

    def _translated(self, article: Article) -> Article:
        """The Spanish of an article where there is any, the member's own before the shared one."""
        spanish = self._standing.meant_for(self._member, _in_spanish(article.original), LOOKED_AT)
        return max(spanish, key=lambda one: one.key, default=article)


def _in_spanish(original: str) -> str:
    return f"es/{original}"


def _head(article: Article) -> str:
    return " ".join((article.title, *article.tags))
