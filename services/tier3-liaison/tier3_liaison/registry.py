"""A vendor's endpoint: which secrets count, when it is failing, when nobody calls it any more. Pure.

A secret that is replaced stays valid beside the new one until `overlap_until`: what goes out is signed with both, what
comes in may be signed with either. An endpoint that says 410, or has failed for five days, is disabled: calls to it
wait, in their order, until someone enables it again.
"""

from datetime import datetime, timedelta
from typing import Literal

from tierline.domain.case import Frozen
from tierline.kit.calls import Result

DEAD_AFTER = timedelta(days=5)
GONE = "the endpoint answered 410: gone"
DEAD = "the endpoint has not taken a call for five days"


class Endpoint(Frozen):
    """One vendor's endpoint. `secrets` holds the newest first; `failing_since` is the first failure since the last success."""

    slug: str
    url: str
    secrets: tuple[str, ...]
    overlap_until: datetime | None = None
    failing_since: datetime | None = None
    disabled_at: datetime | None = None
    disabled_why: str = ""

    @property
    def state(self) -> Literal["enabled", "failing", "disabled"]:
        """How it stands."""
        return "disabled" if self.disabled_at else "failing" if self.failing_since else "enabled"

    def valid_secrets(self, now: datetime) -> tuple[str, ...]:
        """The secrets that count now: the newest, and while they overlap the one before it."""
        overlaps = self.overlap_until is not None and now < self.overlap_until
        return self.secrets[:2] if overlaps else self.secrets[:1]


def registered(
    known: Endpoint | None, slug: str, url: str, secret: str, overlap: timedelta, enabled: bool, now: datetime
) -> Endpoint:
    """The endpoint as a person wants it. A new secret goes first, and the one before it stays valid for `overlap`."""
    if known is None:
        made = Endpoint(slug=slug, url=url, secrets=(secret,))
    elif known.secrets[0] == secret:
        made = known.model_copy(update={"url": url})
    else:
        secrets = (secret, known.secrets[0])
        made = known.model_copy(update={"url": url, "secrets": secrets, "overlap_until": now + overlap})
    if not enabled:
        why = {"disabled_at": made.disabled_at or now, "disabled_why": made.disabled_why or "disabled by hand"}
        return made.model_copy(update=why)
    return made.model_copy(update={"failing_since": None, "disabled_at": None, "disabled_why": ""})


def after_attempt(endpoint: Endpoint, result: Result, now: datetime) -> Endpoint:
    """The endpoint after an attempt: well again, failing, or, where it is gone or dead, disabled."""
    if result.delivered:
        return endpoint.model_copy(update={"failing_since": None})
    since = endpoint.failing_since or now
    dead = now - since >= DEAD_AFTER
    closed = {"disabled_at": now, "disabled_why": GONE if result.final else DEAD} if result.final or dead else {}
    return endpoint.model_copy(update={"failing_since": since, **closed})
