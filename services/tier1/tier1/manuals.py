"""The manuals of one member at one revision: what they hold for a question. In memory, and the same to whoever asks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tier1.articles import Article, group_of
from tier1.confidence import Marks, marks
from tier1.meaning import Numbers, alike, kept_meaning, meaning
from tier1.states import likely_the_states
from tierline.desk.language import is_spanish, understood
from tierline.desk.ranking import Text
from tierline.desk.shelf import SHARED
from tierline.desk.shelf_ranking import Standing
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
        return self._once(found, is_spanish(f"{subject}\n{text}"))[:count]

    def match(self, subject: str, text: str, component: Component, role: Role) -> Match:
        """What there is for a question of this role about this component."""
        if not self._standing.meant_for(self._member, group_of(1, component, role)):
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
            article = self._translated(one.article) if spanish else one.article
            once.setdefault(article.original, replace(one, article=article))
        return list(once.values())

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


def asked_meaning(subject: str, text: str) -> Numbers:
    """What a question means."""
    return meaning(understood(f"{subject}. {text}" if subject else text))


def article_meaning(article: Article) -> Numbers:
    """What an article means; found once, and kept."""
    return kept_meaning(f"{article.title}\n{article.body}")


def _weighed(found: Found, asked: Numbers, most: float) -> Found:
    """The same, its score out of the words (1 for the best that there is) and the meaning."""
    close = alike(asked, article_meaning(found.article))
    return replace(found, score=found.score / most + MEANT * close, alike=close)
