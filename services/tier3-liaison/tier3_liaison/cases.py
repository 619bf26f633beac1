"""A Tier 3 case: a case, and what is known of the vendor who works on it."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from tierline.desk.cases import Case
from tierline.domain.case import Frozen

Line = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00]*$")]
# With `fixed_in` behind it, it is one message of at most 20,000 characters.
Text = Annotated[str, StringConstraints(max_length=19_600, pattern=r"^[^\x00]*$")]


class VendorUpdate(Frozen):
    """What a vendor says of a case. `sequence` counts the vendor's updates of it from 1, whatever the order of arrival."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Literal["acknowledged", "question", "progress", "resolved", "not_a_bug", "cannot_fix"]
    ticket_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-zA-Z-]{1,64}$")]
    vendor_ref: Line = ""
    sequence: int = Field(ge=1, le=1_000_000)
    message: Text = ""
    fixed_in: Line | None = None


class VendorCase(Case):
    """`heard` is the last update that had its effect; those behind a gap wait in `early`; `asked` is the last one missed."""

    vendor: str | None = None
    vendor_ref: str = ""
    heard: int = 0
    asked: int = 0
    early: tuple[VendorUpdate, ...] = ()
