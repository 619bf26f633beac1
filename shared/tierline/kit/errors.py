"""Every error the kit raises, and who must act.

KitError
├── Refused               the caller acts: answered as problem+json with its status, never as 500
│   ├── Unauthenticated   401   ├── Forbidden  403   ├── Missing  404   ├── Conflict, Full  409
│   ├── Stale             412   ├── TooLarge   413   ├── Invalid  422   ├── ConditionRequired  428
├── Unavailable           503: a dependency is away; the machine tries again
│   ├── BusUnavailable
│   ├── DatabaseUnavailable
│   └── OutboxFull        the bus takes too little for too long: nothing more is taken in
├── Misconfigured         the operator acts: said in one line at start
├── EventTooLarge         an event that the bus will never take: its outbox keeps it, and a person is told
└── Undecodable           a record that can never be read: set aside as a dead letter
"""

from typing import Any, ClassVar


class KitError(Exception):
    """Something went wrong that Tierline has a word for."""


class Refused(KitError):
    """The request cannot be carried out as it stands."""

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "refused"
    title: ClassVar[str] = "The request cannot be carried out"

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members


class Unauthenticated(Refused):
    status, slug, title = 401, "unauthenticated", "No valid credentials"


class Forbidden(Refused):
    status, slug, title = 403, "forbidden", "These credentials do not allow this"


class Missing(Refused):
    status, slug, title = 404, "not-found", "Not found"


class Conflict(Refused):
    status, slug, title = 409, "conflict", "Not possible in the present state"


class Full(Refused):
    status, slug, title = 409, "full", "It holds no more"


class Stale(Refused):
    status, slug, title = 412, "stale", "It has changed since you read it"


class TooLarge(Refused):
    status, slug, title = 413, "too-large", "The request is too large"


class Invalid(Refused):
    status, slug, title = 422, "invalid", "The request does not fit what is expected"


class ConditionRequired(Refused):
    status, slug, title = 428, "condition-required", "If-Match is required"


class Unavailable(KitError):
    """A dependency does not answer; trying again later is right."""


class BusUnavailable(Unavailable):
    """The event bus does not answer."""


class DatabaseUnavailable(Unavailable):
    """The database does not answer."""


class OutboxFull(Unavailable):
    """Too much waits to be told; nothing more is taken in until some of it has been."""


class Misconfigured(KitError):
    """The installation cannot start as it is set up; the message names the remedy."""


class EventTooLarge(KitError):
    """An event is larger than the bus takes, however often it is tried."""


class Undecodable(KitError):
    """The record can never be read. The message holds no content of the record."""
