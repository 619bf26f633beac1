"""How a reporter is told: a mail over SMTP, a signed webhook to the address that they gave."""

import json
import re
from contextlib import suppress
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import aiosmtplib
from email_validator import EmailNotValidError, validate_email
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
PATIENCE = 20.0
"""Seconds for each step of the talk with a mail server."""

OPERATORS_TO_MEND = re.compile(r"[245]\.[3457]\.")
"""Enhanced codes (RFC 3463) about the server, the network, the talk or a policy: not about this address or this mail."""

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
        message["To"] = _reachable(call.target)
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
                timeout=PATIENCE,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refusal.code for refusal in error.recipients]
            return Result(
                delivered=False, note=f"SMTP refused the address ({codes})", final=all(map(_for_good, error.recipients))
            )
        except aiosmtplib.SMTPDataError as error:
            return Result(delivered=False, note=f"SMTP refused the mail ({error.code})", final=_for_good(error))
        except aiosmtplib.SMTPResponseException as error:
            # The greeting, our name, our password, our sender: nobody's mail is at fault, an operator can mend it.
            return Result(delivered=False, note=f"SMTP {error.code}")
        except (aiosmtplib.SMTPException, OSError) as error:
            return Result(delivered=False, note=f"SMTP: {type(error).__name__}")
        return Result(delivered=True, note="accepted by the mail server")

    return send


def _for_good(error: aiosmtplib.SMTPResponseException) -> bool:
    """Whether a refusal is about this address or this mail, and says that it will stay so."""
    return 500 <= error.code < 600 and OPERATORS_TO_MEND.match(error.message) is None


def _reachable(address: str) -> str:
    """The address as every mail server understands it, where there is such a form: a domain of other letters as punycode."""
    with suppress(EmailNotValidError):
        return validate_email(address, check_deliverability=False).ascii_email or address
    return address


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
