"""What was measured, for people: a table of what became of which questions, and a picture of how sure is right."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from embedded.evaluating import OFFERED, PASSED_ON, SENT, STATE, Outcome, confusion
from tierline.domain.policy import Answers

COLUMNS = (f"{SENT} right", f"{SENT} wrong", OFFERED, PASSED_ON, STATE)
BINS = 5
PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, autoescape=True)


def as_text(found: Mapping[str, float], outcomes: Sequence[Outcome], floors: Answers) -> str:
    """The figures and the table, for a terminal."""
    lines = [f"{name:<22}{value:.2f}" for name, value in found.items()]
    lines += ["", f"{'labelled':<12}" + "".join(f"{name:>13}" for name in COLUMNS)]
    for label, row in confusion(outcomes, floors).items():
        lines.append(f"{label:<12}" + "".join(f"{row[name] or '-':>13}" for name in COLUMNS))
    return "\n".join(lines)


def draw(outcomes: Sequence[Outcome], floors: Answers) -> str:
    """An SVG: how often answers of a confidence are right, and which share of Tier 1 each floor sends, how precisely."""
    asked = sorted((o for o in outcomes if not o.to_state and o.first), key=lambda o: -o.sure)
    tier1 = sum(o.question.expected.destination == "tier1" for o in outcomes) or 1
    curve, right, own = [], 0, 0
    for count, outcome in enumerate(asked, 1):
        right += outcome.right
        own += outcome.question.expected.destination == "tier1"
        curve.append((own / tier1, right / count))
    bins = []
    for number in range(BINS):
        inside = [o for o in asked if number == min(int(o.sure * BINS), BINS - 1)]
        if inside:
            said = sum(o.sure for o in inside) / len(inside)
            bins.append((said, sum(o.right for o in inside) / len(inside), len(inside)))
    return PAGES.get_template("calibration.svg.j2").render(bins=bins, curve=curve, floors=floors, asked=len(asked))
