"""One issue of the sample day, as an operator's stream of facts tells it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Story:
    """One issue of the day: what was planned for it, and what really happened, hop by hop.

    `found` are the kinds of student data that intake saw in it, `withheld` those that its vendor was not told.
    """

    plan: dict[str, Any]
    ticket_id: str = ""
    facts: list[dict[str, Any]] = field(default_factory=list)
    trouble: str = ""
    found: list[str] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        """Where it stands."""
        versions = [fact for fact in self.facts if fact["version"]]
        return max(versions, key=lambda fact: int(fact["version"]))["status"] if versions else "submitted"

    @property
    def told(self) -> list[str]:
        """What the reporter was told, in order."""
        return [fact["details"]["notice"] for fact in self.facts if fact["fact"] == "notice.delivered"]

    @property
    def ended_told(self) -> bool:
        """Whether it ended and its reporter knows."""
        ends = {"resolved": "ticket.resolved", "declined": "ticket.declined", "closed": "ticket.closed"}
        return ends.get(self.status, "-") in self.told

    @property
    def questions(self) -> int:
        """How often its reporter was asked."""
        return sum(fact["fact"] == "case.asked" for fact in self.facts)

    @property
    def method(self) -> str:
        """The resolution method that ended it, where one did."""
        return next((fact["details"]["method"] for fact in self.facts if "method" in fact["details"]), "")

    @property
    def article(self) -> str:
        """The manual article that answered it, where one did."""
        return next((fact["details"]["article"] for fact in self.facts if "article" in fact["details"]), "")

    def gone_from(self, desk: str) -> bool:
        """Whether this desk has passed it on."""
        return any(fact["fact"] == "case.escalated" and fact["details"]["from"] == desk for fact in self.facts)

    def hops(self) -> list[tuple[str, float]]:
        """Each desk that accepted it, and the seconds that it took to get there."""
        left = {fact["version"]: _at(fact) for fact in self.facts if fact["fact"] != "notice.delivered"}
        accepted = [fact for fact in self.facts if fact["fact"] == "case.accepted"]
        hops = []
        for fact in sorted(accepted, key=lambda fact: int(fact["version"])):
            began = left.get(fact["version"] - 1, _at(fact))
            hops.append((str(fact["desk"]), max(0.0, (_at(fact) - began).total_seconds())))
        return hops


def _at(fact: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(fact["at"])
