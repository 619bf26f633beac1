"""What a reporter has been told of one ticket, and how they can be reached."""

from datetime import datetime

from tierline.domain.case import Frozen, Reporter
from tierline.domain.words import ENDED, Status
from tierline.kit.documents import Documents


class Telling(Frozen):
    """`ended_notice` is the notice that tells how the ticket ended; `told` once it was delivered by any channel."""

    ticket_id: str
    member: str
    subject: str
    reporter: Reporter
    callback_url: str | None = None
    version: int
    status: Status
    ended_notice: str | None = None
    ended_at: datetime | None = None
    told: bool = False
    cause: str = ""

    @property
    def untold(self) -> bool:
        """Whether it ended, and its reporter does not know yet."""
        return self.status in ENDED and not self.told


TELLINGS_TABLE = """
CREATE TABLE tellings (
    key text PRIMARY KEY,
    doc json NOT NULL,
    member text NOT NULL,
    status text NOT NULL,
    untold boolean NOT NULL
);
CREATE INDEX tellings_untold ON tellings (member) WHERE untold;
"""

# The trace in which its ticket was submitted: what its reporter is told later belongs to it.
TRACED = "ALTER TABLE tellings ADD COLUMN traceparent text"

DOCUMENTS = Documents(
    "tellings",
    Telling,
    {
        "member": ("text", lambda telling: telling.member),
        "status": ("text", lambda telling: telling.status.value),
        "untold": ("boolean", lambda telling: telling.untold),
    },
    traced=True,
)
