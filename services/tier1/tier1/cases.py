"""A Tier 1 case: a case, with the manuals' answers that were offered for it."""

from tierline.desk.cases import Case
from tierline.domain.case import Frozen


class Offer(Frozen):
    """A draft of an answer: `text` is what the reporter would read, `section` and `source` what it cites."""

    article: str
    version: int
    title: str
    section: str = ""
    source: str = ""
    text: str
    score: float


class ManualCase(Case):
    """`offers` are drafts, the best first; `confidence` is how sure Tier 1 was of the first, from 0 to 1."""

    offers: tuple[Offer, ...] = ()
    confidence: float | None = None
