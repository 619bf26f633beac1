"""The manuals of one member at one revision: what they hold for a question. In memory, and the same to whoever asks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tier1.articles import Article, group_of
from tier1.confidence import Marks, marks
from tier1.meaning import Numbers, alike, kept_meaning, meaning
from tier1.states import likely_the_states
from tierline.desk.language import is_spanish, understood
from tierline.desk.ranking import Ranking, Text
from tierline.desk.shelf import SHARED
from tierline.domain.words import Component, Role

LOOKED_AT = 20
MEANINGS, TECHNICAL_MEANINGS = 8, 4  # of so many articles, the best by their words, the meaning is looked at
MEANT = 2.0  # what likeness in meaning weighs, where the best likeness in words weighs 1


@dataclass(frozen=True, slots=True)
class Found:
    """An article and how well it fits; `alike` is how close it is in meaning, where that was looked at."""

    article: Article
    score: float
    alike: float = 0.0


@dataclass(frozen=True, slots=True)
class Match:
    """What the manuals hold for one question, the best first. `covered`: whether they say anything about its component.

    `states` is the chance that it is not theirs to answer but the state's.
    """

    found: tuple[Found, ...]
    marks: Marks
    covered: bool
    states: float = 0.0


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
        return self._once(found, is_spanish(f"{subject}\n{text}"))[:count]

    def match(self, subject: str, text: str, component: Component, role: Role) -> Match:
        """What there is for a question of this role about this component."""
        if group_of(1, component, role) not in self._covered:
            return NOTHING
        found = self._best(subject, text, group_of(1, component, role))[:MEANINGS]
        technical = self.technical(subject, text, component)[:TECHNICAL_MEANINGS]
        most = max((one.score for one in (*found, *technical)), default=1.0)
        asked = asked_meaning(subject, text)
        found, technical = (
            sorted((_weighed(one, asked, most) for one in group), key=lambda one: -one.score)
            for group in (found, technical)
        )
        best = self._once(found, is_spanish(f"{subject}\n{text}"))
        scores = [one.score for one in best]
        beside = technical[0].score if technical else None
        seen = marks(f"{subject} {text}", scores, beside, best[0].alike if best else 0.0)
        return Match(tuple(best), seen, covered=True, states=likely_the_states(asked, component))

    def technical(self, subject: str, text: str, component: Component) -> Sequence[Found]:
        """The technicians' articles that fit best: where one leads, the question is not Tier 1's."""
        return self._best(subject, text, group_of(2, component))

    def _once(self, found: Iterable[Found], spanish: bool) -> list[Found]:
        once: dict[str, Found] = {}
        for one in found:
            article = self._spanish.get(one.article.original, one.article) if spanish else one.article
            once.setdefault(article.original, replace(one, article=article))
        return list(once.values())

    def _best(self, subject: str, text: str, group: str) -> Sequence[Found]:
        best = self._ranking.best(subject, text, LOOKED_AT, group)
        return [Found(self._articles[number], score) for number, score in best]


def _head(article: Article) -> str:
    return " ".join((article.title, *article.tags))


def asked_meaning(subject: str, text: str) -> Numbers:
    """What a question means."""
    return meaning(understood(f"{subject}. {text}" if subject else text))


def _weighed(found: Found, asked: Numbers, most: float) -> Found:
    """The same, its score out of the words (1 for the best that there is) and the meaning."""
    close = alike(asked, kept_meaning(f"{found.article.title}\n{found.article.body}"))
    return replace(found, score=found.score / most + MEANT * close, alike=close)
