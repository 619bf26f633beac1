"""What the check found, and the grade that follows from it. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Weight(StrEnum):
    """How much hangs on a point: `safety` lets forgeries in, `must` loses or doubles work, `should` costs patience."""

    SAFETY = "safety"
    MUST = "must"
    SHOULD = "should"


class Outcome(StrEnum):
    """What came of a point."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_EXAMINED = "not_examined"


@dataclass(frozen=True, slots=True)
class Finding:
    """One point: what was asked of the endpoint, what it did, and what to change where that was wrong."""

    name: str
    asks: str
    weight: Weight
    outcome: Outcome
    saw: str
    advice: str


GRADES = {
    "A": "conformant: everything that was examined is right",
    "B": "usable: works, and costs patience where a point failed",
    "C": "not ready: calls would be lost, doubled or disabled",
    "F": "unsafe, or takes no call at all: do not put it to work",
}


def grade(findings: Sequence[Finding]) -> str:
    """A where nothing failed, B where only a `should` did, C for a `must`, F for safety or for an endpoint that takes nothing."""
    failed = {finding.weight for finding in findings if finding.outcome is Outcome.FAILED}
    takes_nothing = any(finding.name == "good" and finding.outcome is Outcome.FAILED for finding in findings)
    if Weight.SAFETY in failed or takes_nothing:
        return "F"
    if Weight.MUST in failed:
        return "C"
    return "B" if failed else "A"


def as_report(url: str, findings: Sequence[Finding]) -> dict[str, Any]:
    """The report as one JSON object."""
    mark = grade(findings)
    count = {outcome.value: sum(f.outcome is outcome for f in findings) for outcome in Outcome}
    return {
        "url": url,
        "grade": mark,
        "means": GRADES[mark],
        **count,
        "findings": [asdict(finding) for finding in findings],
    }
