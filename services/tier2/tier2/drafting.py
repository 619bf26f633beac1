"""From a good resolution to a draft method: what was asked, what was done, and nothing of anyone's data. Pure."""

import re

from tier2.methods import MethodForm, State
from tierline.desk.cases import Case
from tierline.domain.case import Audience
from tierline.domain.lifecycle import Move
from tierline.domain.privacy import redact
from tierline.kit.errors import Conflict

SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'(])")
LISTED = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")
MOST_STEPS = 60


def draft_of(case: Case) -> tuple[str, MethodForm]:
    """A draft's id, the same however often it is asked for, and its text, student data and the reporter's name removed.

    Raises:
        Conflict: this desk did not resolve the ticket, so there is nothing good to draft from.
    """
    done = [attempt for attempt in case.file.tried if attempt.desk is case.desk and attempt.move is Move.RESOLVE]
    if case.held or case.outcome is not Move.RESOLVE or not done:
        raise Conflict("a draft is made from a case that this desk resolved")
    title = _clean(case, case.file.subject) or "Untitled"
    notes = [_clean(case, said.text) for said in case.file.conversation if said.audience is Audience.INTERNAL]
    asked = [_clean(case, said.text) for said in case.file.conversation if said.author == case.desk.value][:-1]
    form = MethodForm(
        title=title[:200],
        components=(case.file.component,),
        when_to_use=_clean(case, case.file.description)[:4000],
        steps=tuple(steps_in(_clean(case, done[-1].text))),
        checks=tuple(text[:2000] for text in asked if text.endswith("?"))[:MOST_STEPS],
        notes="\n\n".join(filter(None, notes))[:4000],
        state=State.DRAFT,
    )
    return draft_id(title, case.file.ticket_id), form


def draft_id(title: str, ticket_id: str) -> str:
    """An id that says what it is about, and is this ticket's alone."""
    plain = re.sub(r"[^a-z0-9]+", "-", title.casefold().encode("ascii", "ignore").decode()).strip("-")[:50].strip("-")
    tail = re.sub(r"[^a-z0-9]", "", ticket_id.casefold())[-8:]
    return "-".join(filter(None, ["draft", plain, tail]))


def steps_in(text: str) -> list[str]:
    """One step for each line of a list, or for each sentence where it is none."""
    lines = [line for line in text.splitlines() if line.strip()]
    listed = [LISTED.sub("", line).strip() for line in lines if LISTED.match(line)]
    steps = listed if len(listed) > 1 else [part for line in lines for part in SENTENCE.split(line.strip())]
    return [step[:2000] for step in steps if step.strip()][:MOST_STEPS]


def _clean(case: Case, text: str) -> str:
    plain = redact(text)[0]
    for name in (case.file.reporter.name, case.file.reporter.email):
        plain = re.sub(re.escape(name), "the reporter", plain, flags=re.IGNORECASE) if name.strip() else plain
    return plain.strip()
