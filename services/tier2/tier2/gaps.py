"""The next gap in the manuals: what Tier 2 kept resolving, by component and similar words. Pure, and without a name.

A word that could name a person never gets as far as a gap: what is redacted, what the reporter is called, what is
written like a name, and what fewer than three issues share unless a method says it too.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tierline.desk.language import words
from tierline.domain.case import Reporter
from tierline.domain.privacy import redact
from tierline.domain.words import Component

ALIKE = 0.3
SHARED_BY = 3
MOST_WORDS, SHOWN = 60, 8
CAPITALISED = re.compile(r"\b[^\W\d_a-z][\w'’-]*", re.ASCII)
FREQUENT = frozenset(
    words(
        "a about after again all already also always am an and another any anyone anything are as at back be because "
        "been before being but by can cannot could day did do does doing done down each even every few for from get "
        "gets getting go goes going got had has have he hello help her here hi his how i if in into is it its just "
        "know last let like look made make many may me more most much my need never new next no nobody none not "
        "nothing now of off on once one only or other our out over please same say see seem she should since so "
        "some someone something still such than thank that the their them then there these they thing think this "
        "those though to today too tried try two up us use used using very want was way we well were what when "
        "where which while who why will with work works working would yes yet you your"
    )
)


class Kept(Protocol):
    """What a gap is found in."""

    @property
    def component(self) -> Component: ...
    @property
    def at(self) -> datetime: ...
    @property
    def method(self) -> str | None: ...
    @property
    def unanswered(self) -> bool: ...
    @property
    def words(self) -> tuple[str, ...]: ...


@dataclass(slots=True)
class Gap:
    """Resolved issues that are alike: one manual article could have answered them."""

    component: Component
    issues: list[Kept] = field(default_factory=list)
    weights: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    square: float = 0.0

    def take(self, issue: Kept, rarity: Mapping[str, float]) -> None:
        """Put one more issue to it, and keep the square of its length, which every comparison needs."""
        self.issues.append(issue)
        for word in _marks(issue):
            before = self.weights[word]
            self.weights[word] = before + rarity[word]
            self.square += self.weights[word] ** 2 - before**2

    def shown_words(self, known: Set[str]) -> list[str]:
        """What the issues have in common, the most telling first; words of the library, or of three issues and more."""
        shares = Counter(word for issue in self.issues for word in issue.words)
        fit = [word for word in shares if shares[word] >= (2 if word in known else SHARED_BY)]
        return sorted(fit, key=lambda word: (-self.weights[word], word))[:SHOWN]


def telling_words(text: str, reporter: Reporter, known: Set[str]) -> tuple[str, ...]:
    """The words of an issue that say what it is about, in the order in which they came; none that may name a person."""
    plain, _ = redact(text)
    plain = plain.replace("[student data removed]", " ")
    personal = set(words(f"{reporter.name} {reporter.email} {reporter.organization}"))
    names = {word for found in CAPITALISED.findall(plain) for word in words(found)} - known
    kept = dict.fromkeys(
        word
        for word in words(plain)
        if len(word) > 2
        and word not in FREQUENT
        and word not in names
        and (word not in personal or word in known)
        and sum(letter.isdigit() for letter in word) < 3
    )
    return tuple(kept)[:MOST_WORDS]


def find(issues: Sequence[Kept], at_least: int) -> list[Gap]:
    """The gaps with at least so many issues, the largest first. Issues go, newest first, to the gap they are most like."""
    spread = Counter(word for issue in issues for word in _marks(issue))
    rarity = {word: math.log(1 + len(issues) / count) for word, count in spread.items()}
    gaps: list[Gap] = []
    by_word: dict[tuple[Component, str], list[int]] = {}
    for issue in sorted(issues, key=lambda kept: kept.at, reverse=True):
        number = _most_alike(issue, gaps, by_word, rarity)
        if number is None:
            number = len(gaps)
            gaps.append(Gap(issue.component))
        gap = gaps[number]
        for word in _marks(issue):
            if word not in gap.weights:
                by_word.setdefault((issue.component, word), []).append(number)
        gap.take(issue, rarity)
    large = [gap for gap in gaps if len(gap.issues) >= at_least]
    return sorted(large, key=lambda gap: (-len(gap.issues), -max(i.at for i in gap.issues).timestamp()))


def _marks(issue: Kept) -> tuple[str, ...]:
    """What an issue is compared by: its words, and the method that ended it, which counts as one more."""
    return (*issue.words, f"by {issue.method}") if issue.method else issue.words


def _most_alike(
    issue: Kept, gaps: list[Gap], by_word: dict[tuple[Component, str], list[int]], rarity: dict[str, float]
) -> int | None:
    """The gap whose words point the same way (cosine), where one is alike enough."""
    marks = _marks(issue)
    dots: defaultdict[int, float] = defaultdict(float)
    for word in marks:
        for number in by_word.get((issue.component, word), []):
            dots[number] += rarity[word] * gaps[number].weights[word]
    own = math.sqrt(sum(rarity[word] ** 2 for word in marks)) or 1.0
    best: tuple[float, int] | None = None
    for number, dot in dots.items():
        best = max(best or (0.0, 0), (dot / (own * math.sqrt(gaps[number].square)), -number))
    return -best[1] if best and best[0] >= ALIKE else None
