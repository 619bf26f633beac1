"""What is sent to a vendor's endpoint, and what comes back: calls as Tierline makes them, and calls that no one should take."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tierline.kit import webhooks


@dataclass(frozen=True, slots=True)
class Shot:
    """One request."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of it; `status` is None where no whole answer came in time."""

    status: int | None
    seconds: float
    note: str = ""

    @property
    def taken(self) -> bool:
        """A 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """A 4xx, other than the 410 that says never again."""
        return self.status is not None and 400 <= self.status < 500 and self.status != 410

    def __str__(self) -> str:
        return f"HTTP {self.status}" if self.status is not None else self.note or "no answer"


@dataclass(slots=True)
class Caller:
    """Makes the calls of one run. `run` names it, so that no two runs share a ticket or an id."""

    secret: str
    run: str
    now: datetime
    _count: int = field(default=0)

    def ticket(self) -> str:
        """A ticket that was never spoken of before. All tickets of the check begin with `check-`."""
        self._count += 1
        return f"check-{self.run}-{self._count}"

    def call(self, kind: str = "case.assigned", ticket: str | None = None, **more: Any) -> bytes:
        """The body of a call, shaped as Tierline's are."""
        body: dict[str, Any] = {"type": kind, "ticket_id": ticket or self.ticket(), "component": "interim-system"}
        if kind == "case.assigned":
            body |= {
                "impact": "user_cannot_work",
                "reporter_role": "school",
                "subject": "Conformance check",
                "description": "Sent by `tierline vendor check`. No person waits for this.",
                "conversation": [],
                "tried": [],
                "submitted_at": self.now.isoformat(),
                "vendor_ref": "",
            }
        return json.dumps({**body, **more}).encode()

    def signed(
        self, body: bytes, *, id: str | None = None, late: timedelta = timedelta(0), secret: str | None = None
    ) -> Shot:
        """A call with a signature: right unless `secret` is another; `late` sets its time back."""
        self._count += 1
        name = id or f"check-{self.run}-call-{self._count}"
        headers = webhooks.sign([secret or self.secret], name, self.now - late, body)
        return Shot(body, {"content-type": "application/json", **headers})

    def with_signature(self, shot: Shot, signature: str) -> Shot:
        """The same call with another signature header; `{}` in it stands for the right one."""
        right = shot.headers["webhook-signature"]
        return Shot(shot.body, {**shot.headers, "webhook-signature": signature.format(right)})
