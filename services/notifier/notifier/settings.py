"""What an operator sets for the notifier, beside what every service has."""

from pydantic import Field, SecretStr

from tierline.kit.settings import Settings


class NotifierSettings(Settings):
    """Where mail goes out, and where reporters read their ticket."""

    smtp_host: str = Field(default="127.0.0.1", description="The mail server")
    smtp_port: int = Field(default=25, ge=1, le=65535, description="Its port")
    smtp_user: str | None = Field(default=None, description="The user, where the mail server asks for one")
    smtp_password: SecretStr | None = Field(default=None, description="The password")
    smtp_starttls: bool | None = Field(default=None, description="true: TLS or nothing; unset: TLS where it is offered")
    mail_from: str = Field(default="Tierline <support@tierline.example>", description="The sender of every mail")
    mail_domain: str = Field(default="tierline.example", description="The right side of every Message-ID")
    intake_url: str = Field(default="http://127.0.0.1:8080/intake", description="Where reporters read their ticket")
