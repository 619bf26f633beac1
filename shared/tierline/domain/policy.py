"""A member's policy: who staffs which desk of which component, what goes straight to the state, and how long each may take.

Facts in, decisions out: no clock, no file. What a policy file may say, and what is wrong with one that cannot work, is
`policy_file`'s business; what stands here has been checked: from every desk the climb ends at the state desk.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from tierline.domain.calendar import Calendar
from tierline.domain.likeness import alike, telling
from tierline.domain.wording import Vocabulary, close_by
from tierline.domain.words import TIERS, Component, Desk, Impact, Provider, Role


@dataclass(frozen=True, slots=True)
class Question:
    """What the direct-to-state rules look at."""

    component: Component
    role: Role
    impact: Impact
    subject: str
    description: str


@dataclass(frozen=True, slots=True)
class Route:
    """Where a ticket goes, which tiers that do not exist it passed over, and by which rule."""

    to: Desk
    skipped: tuple[Desk, ...]
    rule: str


@dataclass(frozen=True, slots=True)
class Liaison:
    """The named contact of a component's Tier 3, and the vendor behind it."""

    name: str
    email: str
    vendor: str | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """How sure of a manual's answer Tier 1 must be, from 0 to 1.

    From `send_above` on it is sent to the reporter, where the member lets it (`sending`); below `offer_above` no manual
    covers the question; in between it is offered to the agent. Where the chance that it is the state's to answer, by what it
    means, is above `state_above`, it goes there instead; at 1, only rules send it there.
    """

    sending: bool = True
    send_above: float = 0.7
    offer_above: float = 0.1
    state_above: float = 1.0


@dataclass(frozen=True, slots=True)
class StateRule:
    """A question that the state takes itself. Every list that is given must fit.

    What is said fits where any of `words` (in small letters) stands whole, where it is like one of `examples` (as
    telling words), or where one of each list of `together` stands close by each other. `unless` is what is said of
    questions that are not the state's, whatever else fits.
    """

    name: str
    why: str
    components: frozenset[Component] = frozenset()
    roles: frozenset[Role] = frozenset()
    impacts: frozenset[Impact] = frozenset()
    words: frozenset[str] = frozenset()
    examples: tuple[frozenset[str], ...] = ()
    together: tuple[frozenset[str], ...] = ()
    unless: frozenset[str] = frozenset()

    @property
    def looks_for(self) -> frozenset[str]:
        """Every word that it asks after."""
        return self.words.union(self.unless, *self.together)

    def fits(self, question: Question, text: str, standing: frozenset[str], asked: frozenset[str]) -> bool:
        """Whether the state takes this question.

        `text` is what it says in small letters, `standing` which words stand there, `asked` its telling words.
        """
        return (
            (not self.components or question.component in self.components)
            and (not self.roles or question.role in self.roles)
            and (not self.impacts or question.impact in self.impacts)
            and self._fits(text, standing, asked)
        )

    def _fits(self, text: str, standing: frozenset[str], asked: frozenset[str]) -> bool:
        if not self.unless.isdisjoint(standing):
            return False
        if not self.words and not self.examples and not self.together:
            return True
        if not self.words.isdisjoint(standing):
            return True
        return any(alike(example, asked) for example in self.examples) or close_by(self.together, standing, text)


@dataclass(frozen=True)
class Policy:
    """One member's policy; `version` names its content."""

    member: str
    name: str
    version: str
    matrix: Mapping[Component, Mapping[Desk, Provider]]
    state_rules: tuple[StateRule, ...]
    times: Mapping[Desk, Mapping[Impact, timedelta]]
    overrides: Mapping[tuple[Component, Desk, Impact], timedelta]
    liaisons: Mapping[Component, Liaison]
    calendar: Calendar
    reply_allowed: timedelta = timedelta(hours=40)
    close_after: timedelta = timedelta(days=7)
    reopen_within: timedelta = timedelta(days=30)
    return_limit: int = 3
    decline_reasons: Mapping[str, str] = field(default_factory=dict)
    answers: Answers = Answers()

    def provider(self, component: Component, desk: Desk) -> Provider:
        """Who staffs this desk for this component; the state desk is always the state's."""
        return Provider.STATE if desk is Desk.STATE else self.matrix[component][desk]

    def exists(self, component: Component, desk: Desk) -> bool:
        """Whether this component has this desk."""
        return self.provider(component, desk) is not Provider.NOT_APPLICABLE

    def first_desk(self, question: Question) -> Route:
        """Where a new ticket goes: to the state where a rule says so, else to the first tier that exists."""
        text = f"{question.subject}\n{question.description}".lower()
        examples = any(rule.examples for rule in self.state_rules)
        standing, asked = self._vocabulary.standing(text), telling(text) if examples else frozenset[str]()
        for rule in self.state_rules:
            if rule.fits(question, text, standing, asked):
                return Route(Desk.STATE, (), f"state_rules.{rule.name}")
        return self._climb(question.component, TIERS)

    def next_desk(self, component: Component, desk: Desk) -> Route | None:
        """Where an unresolved ticket goes on to; None from the state desk, which is the last."""
        if desk is Desk.STATE:
            return None
        return self._climb(component, TIERS[TIERS.index(desk) + 1 :])

    def returns_to(self, component: Component, desk: Desk, path: Sequence[Desk]) -> Desk | None:
        """The last desk below this one that had the ticket; None where none had. A return never climbs: that is to escalate."""
        climb = tuple(Desk)
        below = [had for had in path if climb.index(had) < climb.index(desk) and self.exists(component, had)]
        return below[-1] if below else None

    def time_allowed(self, desk: Desk, impact: Impact, component: Component) -> timedelta:
        """The business time that a desk may take before the ticket goes on by itself."""
        return self.overrides.get((component, desk, impact)) or self.times[desk][impact]

    def liaison(self, component: Component) -> Liaison | None:
        """The liaison of this component's Tier 3."""
        return self.liaisons.get(component)

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(word for rule in self.state_rules for word in rule.looks_for)

    def _climb(self, component: Component, above: Sequence[Desk]) -> Route:
        skipped: list[Desk] = []
        for desk in above:
            if self.exists(component, desk):
                return Route(desk, tuple(skipped), "matrix")
            skipped.append(desk)
        return Route(Desk.STATE, tuple(skipped), "matrix")


class Policies(Mapping[str, Policy]):
    """The policies of an install, by member."""

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        self._policies = dict(policies)

    def __getitem__(self, member: str) -> Policy:
        return self._policies[member]

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def __len__(self) -> int:
        return len(self._policies)
