"""How a reporter is told: a mail over SMTP, a signed webhook to the address that they gave."""

import json
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import aiosmtplib
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from notifier.settings import NotifierSettings
from tierline.kit import webhooks
from tierline.kit.calls import Result, Waiting
from tierline.kit.courier import Channel
from tierline.kit.egress import ForbiddenTarget, Unreachable
from tierline.kit.runtime import Runtime

# Plain text, not HTML: nothing to escape.
PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701
)
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
        message = EmailMessage()
        message["From"] = settings.mail_from
        message["To"] = call.target
        message["Subject"] = f"{SUBJECT[notice]} [{ticket[-12:]}]"
        message["Message-ID"] = f"<{call.id}@{settings.mail_domain}>"
        message["In-Reply-To"] = message["References"] = f"<{ticket}@{settings.mail_domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message["Date"] = format_datetime(running.now())
        token = running.tokens.of(ticket)
        link = f"{settings.intake_url}/v1/tickets/{ticket}?status_token={token}"
        message.set_content(PAGES.get_template(f"{notice}.txt").render(**call.body, link=link))
        try:
            await aiosmtplib.send(
                message,
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_user,
                password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
                start_tls=settings.smtp_starttls,
                timeout=20,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refusal.code for refusal in error.recipients]
            final = all(500 <= code < 600 for code in codes)
            return Result(delivered=False, note=f"SMTP refused the address ({codes})", final=final)
        except aiosmtplib.SMTPResponseException as error:
            return Result(delivered=False, note=f"SMTP {error.code}", final=500 <= error.code < 600)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Result(delivered=False, note=f"SMTP: {type(error).__name__}")
        return Result(delivered=True, note="accepted by the mail server")

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
