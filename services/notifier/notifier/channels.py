"""How a reporter is told: a mail over SMTP, a signed webhook to the address that they gave."""

import json
from pathlib import Path

from notifier.settings import NotifierSettings
from tierline.kit import mail as post
from tierline.kit import webhooks
from tierline.kit.calls import Result, Waiting
from tierline.kit.courier import Channel
from tierline.kit.egress import ForbiddenTarget, Unreachable
from tierline.kit.runtime import Runtime

PAGES = post.pages(Path(__file__).parent / "pages")
SUBJECT = {
    "ticket.received": "We have your ticket",
    "ticket.escalated": "Your ticket has gone on to the next desk",
    "ticket.returned": "Your ticket is back with an earlier desk",
    "ticket.routed_to_state": "Your ticket is with your state",
    "ticket.question": "We need an answer from you",
    "ticket.resolved": "Your ticket is resolved",
    "ticket.declined": "Your ticket was declined",
    "ticket.closed": "Your ticket is closed",
}


def mail(running: Runtime) -> Channel:
    """Mails: one thread per ticket, one `Message-ID` per notice whatever the attempt, nothing personal in the subject."""
    settings = running.settings
    assert isinstance(settings, NotifierSettings)

    async def send(call: Waiting) -> Result:
        ticket, notice = call.key, call.body["type"]
        token = running.tokens.of(ticket)
        link = f"{settings.intake_url}/v1/tickets/{ticket}?status_token={token}"
        text = PAGES.get_template(f"{notice}.txt").render(**call.body, link=link)
        subject = f"{SUBJECT[notice]} [{ticket[-12:]}]"
        return await post.send(
            settings, post.message(settings, call, subject=subject, text=text, thread=ticket, at=running.now())
        )

    return send


def webhook(running: Runtime) -> Channel:
    """Signed webhooks to the callback URL; the secret is the ticket's own, derived as its status token is."""

    async def send(call: Waiting) -> Result:
        raw, now = json.dumps(call.body).encode(), running.now()
        secret = webhooks.derived_secret(running.settings.secret.get_secret_value(), call.about["member"])
        headers = {"content-type": "application/json", **webhooks.sign([secret], call.id, now, raw)}
        try:
            answer = await running.egress.post(call.target, raw, headers)
        except Unreachable as error:
            return Result(delivered=False, note=str(error))
        except ForbiddenTarget as error:
            return Result(delivered=False, note=error.detail, final=True)
        wish = webhooks.parse_retry_after(answer.retry_after, now)
        return Result(
            delivered=200 <= answer.status < 300,
            note=f"HTTP {answer.status}",
            final=answer.status == 410,
            retry_after=wish.total_seconds() if wish else None,
        )

    return send
