"""A manual answers, an agent must look, or nothing covers it: decided as the ticket comes in, from what was found. Pure."""

from datetime import datetime

from tier1.answers import answered
from tier1.cases import ManualCase, Offer
from tier1.confidence import confidence
from tier1.manuals import Found, Match
from tier1.passages import passage, section_of
from tierline.desk.facts import accept
from tierline.desk.moves import pass_on
from tierline.desk.steps import STILL, said, step, tried
from tierline.domain import events
from tierline.domain.lifecycle import Move
from tierline.domain.policy import Policies
from tierline.domain.words import Desk, Reason
from tierline.kit.corridor import Decision, Incoming

OFFERED = 3
WHOLE = 6_000  # an article up to so many characters is sent whole, a longer one by its section
MOST = 12_000
STATES = "This is the state's to answer."
NOTHING_COVERS = "Nothing in the manuals covers this."
ACCEPT = accept(ManualCase, Desk.TIER1)


def accept_and_answer(
    case: ManualCase | None, fact: Incoming, policies: Policies, now: datetime
) -> Decision[ManualCase]:
    """Take a submission, and answer it where a manual surely does; where surely none does, pass it on to Tier 2 at once.

    What surely is the state's to answer goes there, where the member says from which chance on.

    Without manuals about its component it waits for an agent, like all that is in between.
    """
    decision = ACCEPT(case, fact, policies, now)
    match: Match | None = fact.found
    if decision.state is None or match is None or not match.covered:
        return decision
    taken, policy = decision.state, policies[decision.state.file.member]
    sure = confidence(match.marks) if match.found else 0.0
    floors = policy.answers
    question = f"{taken.file.subject}\n{taken.file.description}"
    if match.states > floors.state_above:
        why = f"answers.state_above, chance {match.states:.2f}"
        return _further(
            decision, pass_on(taken, policy, now, by="rule", reason=Reason.STATE_RULE, text=STATES, why=why)
        )
    if match.found and floors.sending and sure >= floors.send_above:
        return _send(decision, offer(match.found[0], question), fact, policies, now)
    onward = policy.next_desk(taken.file.component, taken.desk)
    if sure < floors.offer_above and onward is not None and onward.to is Desk.TIER2:
        why = f"answers.offer_above, confidence {sure:.2f}"
        gone = pass_on(taken, policy, now, by="rule", reason=Reason.NO_MANUAL, text=NOTHING_COVERS, why=why)
        return _further(decision, gone)
    drafts = tuple(offer(found, question) for found in match.found[:OFFERED])
    held = taken.model_copy(update={"offers": drafts, "confidence": round(sure, 3)})
    return Decision(held, decision.events, decision.timers)


def _further(taken: Decision[ManualCase], gone: Decision[ManualCase]) -> Decision[ManualCase]:
    return Decision(gone.state, (*taken.events, *gone.events), gone.timers)


def offer(found: Found, question: str) -> Offer:
    """An article as an answer to a question: its text, and what it cites."""
    article = found.article
    place = passage(article.title, article.body, question)
    body = article.body if len(article.body) <= WHOLE else section_of(article.body, place.section)
    if len(body) > MOST:
        body = place.text[:MOST]
    cited = f"{article.title}, {place.section}" if place.section and body is not article.body else article.title
    source = f" ({article.source})" if article.source else ""
    return Offer(
        article=article.key,
        version=article.version,
        title=article.title,
        section=place.section,
        source=article.source,
        text=f"{body}\n\nFrom the manual: {cited}{source}.",
        score=round(found.score, 3),
    )


def _send(
    decision: Decision[ManualCase], draft: Offer, fact: Incoming, policies: Policies, now: datetime
) -> Decision[ManualCase]:
    taken = decision.state
    assert taken is not None
    attempt = tried(taken, Move.RESOLVE, "rule", draft.text, now, article=draft.article.rpartition("/")[2])
    after, told = step(
        taken,
        Move.RESOLVE,
        events.CaseResolved,
        policies[taken.file.member],
        by="rule",
        why="answers.send_above",
        message=said(taken, draft.text, now),
        attempt=attempt,
    )
    rows = (answered(after, draft.article, sent=True, now=now),)
    return Decision(after, (*decision.events, told), STILL, rows=rows)
