"""Learn anew which questions are the state's: `python -m embedded.state_learning FILE...` writes `tier1/states.json`.

A file holds labelled questions, one JSON object a line. Logistic regression over what they mean, held back by a ridge.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from embedded.labelled import Labelled, read_questions
from tier1.manuals import asked_meaning
from tier1.meaning import Numbers
from tier1.states import LEARNED, seen

RIDGE, STEPS = 0.1, 30


def learn_states(questions: Sequence[Labelled]) -> list[float]:
    """The bias and the weights under which these labels are likeliest."""
    rows = np.stack([_row(one) for one in questions]).astype(np.float64)
    truth = np.array([one.expected.destination == "state" for one in questions], dtype=np.float64)
    weights = np.zeros(rows.shape[1])
    held = np.full(rows.shape[1], RIDGE)
    held[0] = 1e-6
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -60, 60)))
        slope = rows.T @ (truth - chance) - held * weights
        bend = (rows * (chance * (1 - chance))[:, None]).T @ rows + np.diag(held)
        weights += np.linalg.solve(bend, slope)
    return [round(float(weight), 3) for weight in weights]


def _row(one: Labelled) -> Numbers:
    return np.concatenate([[1.0], seen(asked_meaning(one.subject, one.body), one.component)])


if __name__ == "__main__":
    asked = [question for name in sys.argv[1:] for question in read_questions(Path(name))]
    LEARNED.write_text(json.dumps(learn_states(asked)) + "\n", "utf-8")
