"""What an operator sets: environment variables that begin with `TIERLINE_`."""

from pathlib import Path
from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tierline.kit.errors import Misconfigured


class Settings(BaseSettings):
    """The settings of one service. A service with more of its own adds them in a subclass."""

    model_config = SettingsConfigDict(env_prefix="TIERLINE_", extra="ignore", frozen=True)

    database_url: str = Field(description="This service's own database: postgresql://user:password@host:port/name")
    bus: str = Field(description="kafka://host:port[,host:port] or the event log's postgresql:// address")
    policies: Path = Field(description="The folder of the members' policies")
    keys: Path = Field(description="The file of API keys: hashes, members and scopes")
    secret: SecretStr = Field(min_length=32, description="At least 32 characters, the same for all services")
    public_url: str = Field(default="http://127.0.0.1:8080", description="How readers reach this install")
    mounted: bool = Field(default=False, description="Whether this service stands under /<name> of the public URL")
    allow_private_targets: bool = Field(default=False, description="Let webhooks go to loopback and private hosts")
    pool_size: int = Field(default=6, ge=2, le=100, description="Database connections for requests and events")
    max_body: int = Field(default=262_144, ge=1024, description="Largest request body, in bytes")
    max_import: int = Field(
        default=268_435_456, ge=1024, description="Largest import, in bytes; it is read as a stream"
    )
    max_outbox: int = Field(default=200_000, ge=10, description="So many events may wait for the bus; then 503")
    drain_seconds: float = Field(default=10.0, gt=0, description="How long a stopping service may finish its work")
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    otlp_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s?#]+$",
        description="Where traces go, if anywhere: an OTLP collector's http://host:4318",
    )


S = TypeVar("S", bound=BaseSettings)


def read_settings(kind: type[S], **given: object) -> S:
    """Read the settings from the environment; `given` goes first.

    Raises:
        Misconfigured: with one line per setting that is missing or wrong.
    """
    try:
        return kind(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        lines = [
            f"{prefix}{str(problem['loc'][0]).upper()}: {problem['msg']}. {_purpose(kind, str(problem['loc'][0]))}"
            for problem in error.errors()
        ]
        raise Misconfigured("\n".join(lines)) from None


def _purpose(kind: type[BaseSettings], name: str) -> str:
    field = kind.model_fields.get(name)
    return (field.description or "") if field else ""
