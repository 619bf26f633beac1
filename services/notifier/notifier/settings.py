"""What an operator sets for the notifier, beside what every service that sends mail has."""

from pydantic import Field

from tierline.kit.mail import MailSettings


class NotifierSettings(MailSettings):
    """Where reporters read their ticket."""

    intake_url: str = Field(default="http://127.0.0.1:8080/intake", description="Where reporters read their ticket")
