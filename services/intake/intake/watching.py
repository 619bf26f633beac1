"""The watchdog: a ticket that is past its next step by more than a minute is told again, so that whoever missed it takes it.

Every reader drops what it has by the version or by the message's id, so to tell a step twice changes nothing where it
was merely late. That the watchdog itself lives is seen by the time of its last look, on the metrics' page.
"""

import asyncio
from datetime import datetime, timedelta

import structlog

from intake import store
from intake.tickets import Ticket
from tierline.domain import events
from tierline.domain.events import EVENTS, PREFIX, SUFFIX, Fact, addressee, event_type
from tierline.domain.policy import Policies
from tierline.kit import outbox
from tierline.kit.corridor import NOTHING, Decision, Draft, Incoming
from tierline.kit.errors import KitError
from tierline.kit.runtime import Runtime

log = structlog.get_logger()

PATIENCE = timedelta(minutes=1)
LOOK_EVERY = 10.0
AT_ONCE = 100
REPEATED = {"ce_repeated": "1"}
"""Marks a fact that was told before, under another id, if it was not lost."""


def again(ticket: Ticket | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[Ticket]:
    """Tell again what no desk has answered; the next time after twice as long, at most an hour. Pure."""
    if ticket is None or ticket.waits_since is None or now - ticket.waits_since <= PATIENCE:
        return NOTHING
    told = tuple(
        Draft(event_type(owed), owed.version, owed, addressee(owed), REPEATED) for owed in owed_steps(ticket, policies)
    )
    pauses = ticket.told_again + 1
    following = now + PATIENCE * (2 ** min(pauses, 6) - 1)
    return Decision(ticket.model_copy(update={"waits_since": following, "told_again": pauses}), told)


def owed_steps(ticket: Ticket, policies: Policies) -> list[Fact]:
    """The facts that a desk has yet to answer, as they were first told."""
    about = {
        "ticket_id": ticket.file.ticket_id,
        "member": ticket.file.member,
        "component": ticket.file.component,
        "version": ticket.version,
        "status": ticket.status,
        "desk": ticket.desk,
        "why": "watchdog",
        "policy": policies[ticket.file.member].version,
    }
    said = ticket.file.conversation
    owed: list[Fact] = []
    if ticket.handed is not None and ticket.desk is not None:
        kind = EVENTS[f"{PREFIX}{ticket.handed}{SUFFIX}"]
        # A reply that no desk has taken in stays out: it is told by itself, and must be answered.
        known = tuple(message for message in said if message.id not in ticket.unanswered)
        case = ticket.file.model_copy(update={"conversation": known})
        owed.append(kind(**about, by="rule", to=ticket.desk, case=case))
    owed += [
        events.TicketReplied(**about, by="reporter", message=message)
        for message in said
        if message.id in ticket.unanswered
    ]
    if ticket.withdrawing:
        owed.append(events.TicketWithdrawn(**about, by="reporter"))
    return owed


async def look(running: Runtime) -> int:
    """Look once at everything that waits; how many tickets were late."""
    now = running.now()
    async with running.database.connection() as tx:
        ours = await tx.fetchval(outbox.OLDEST)
        # While our own outbox is not told, the step lies there; telling it again would only add to what waits.
        waits = ours is not None and ours < now - PATIENCE
        late = [] if waits else [row["key"] for row in await tx.fetch(store.LATE, now - PATIENCE, AT_ONCE)]
    for key in late:
        fact = Incoming(key, "watch.again", f"watch:{key}:{now.isoformat()}", now, None)
        async with running.database.transaction() as tx:
            _, outcome = await store.TICKETS.decide(tx, running, fact, again)
        running.signals.after_commit()
        for _, draft in outcome.events:
            running.metrics.repaired(draft.type)
            log.warning("step_told_again", action="step_told_again", ticket=key, type=draft.type)
    running.metrics.set("watch_late", len(late))
    running.metrics.set("watch_last_look_timestamp_seconds", running.now().timestamp())
    return len(late)


async def watch(running: Runtime) -> None:
    """Look every few seconds, until cancelled. Nothing that a look meets ends the watch."""
    while True:
        try:
            await look(running)
        except KitError as error:
            log.warning("watch_waits", action="watch_waits", reason=str(error))
        except Exception as error:
            log.error("watch_failed", action="watch_failed", exc_info=error)
        await asyncio.sleep(LOOK_EVERY)
