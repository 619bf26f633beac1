"""Mail over SMTP: one `Message-ID` per call whatever the attempt, and what the mail server said of it."""

import re
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import aiosmtplib
from email_validator import EmailNotValidError, validate_email
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import Field, SecretStr

from tierline.kit.calls import Result, Waiting
from tierline.kit.settings import Settings

PATIENCE = 20.0
"""Seconds for each step of the talk with a mail server."""

OPERATORS_TO_MEND = re.compile(r"[245]\.[3457]\.")
"""Enhanced codes (RFC 3463) about the server, the network, the talk or a policy: not about this address or this mail."""


class MailSettings(Settings):
    """The settings of a service that sends mail."""

    smtp_host: str = Field(default="127.0.0.1", description="The mail server")
    smtp_port: int = Field(default=25, ge=1, le=65535, description="Its port")
    smtp_user: str | None = Field(default=None, description="The user, where the mail server asks for one")
    smtp_password: SecretStr | None = Field(default=None, description="The password")
    smtp_starttls: bool | None = Field(default=None, description="true: TLS or nothing; unset: TLS where it is offered")
    mail_from: str = Field(default="Tierline <support@tierline.example>", description="The sender of every mail")
    mail_domain: str = Field(default="tierline.example", description="The right side of every Message-ID")


def pages(folder: Path) -> Environment:
    """The mails' texts: plain text, not HTML, so there is nothing to escape."""
    return Environment(loader=FileSystemLoader(folder), undefined=StrictUndefined, autoescape=False)  # noqa: S701


def message(
    settings: MailSettings, call: Waiting, *, subject: str, text: str, thread: str, at: datetime
) -> EmailMessage:
    """The mail of one call to its target. Mails of one `thread` stand together at whoever reads them."""
    mail = EmailMessage()
    mail["From"] = settings.mail_from
    mail["To"] = _reachable(call.target)
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{call.id}@{settings.mail_domain}>"
    mail["In-Reply-To"] = mail["References"] = f"<{thread}@{settings.mail_domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Date"] = format_datetime(at)
    mail.set_content(text)
    return mail


async def send(settings: MailSettings, mail: EmailMessage) -> Result:
    """Hand one mail to the mail server. What it refuses for good is never tried again."""
    try:
        await aiosmtplib.send(
            mail,
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user,
            password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
            start_tls=settings.smtp_starttls,
            timeout=PATIENCE,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = [refusal.code for refusal in error.recipients]
        final = all(map(_for_good, error.recipients))
        return Result(delivered=False, note=f"SMTP refused the address ({codes})", final=final)
    except aiosmtplib.SMTPDataError as error:
        return Result(delivered=False, note=f"SMTP refused the mail ({error.code})", final=_for_good(error))
    except aiosmtplib.SMTPResponseException as error:
        # The greeting, our name, our password, our sender: nobody's mail is at fault, an operator can mend it.
        return Result(delivered=False, note=f"SMTP {error.code}")
    except (aiosmtplib.SMTPException, OSError) as error:
        return Result(delivered=False, note=f"SMTP: {type(error).__name__}")
    return Result(delivered=True, note="accepted by the mail server")


def _for_good(error: aiosmtplib.SMTPResponseException) -> bool:
    """Whether a refusal is about this address or this mail, and says that it will stay so."""
    return 500 <= error.code < 600 and OPERATORS_TO_MEND.match(error.message) is None


def _reachable(address: str) -> str:
    """The address as every mail server understands it, where there is such a form: a domain of other letters as punycode."""
    with suppress(EmailNotValidError):
        return validate_email(address, check_deliverability=False).ascii_email or address
    return address
