"""Learning how sure to be: logistic regression over the marks of labelled questions, and what it would say of unseen ones."""

import math
import random
from collections.abc import Sequence

from tier1.confidence import Marks, Weights, confidence

Sample = tuple[Marks, bool]
STEPS, FOLDS, ROUNDS = 50, 10, 5


def learn(samples: Sequence[Sample], ridge: float = 1.0) -> Weights:
    """The weights under which these samples are likeliest, held back by `ridge` (Newton's method on scaled marks)."""
    size = len(samples[0][0]) if samples else 5
    middle = [_mean([found[place] for found, _ in samples]) for place in range(size)]
    spread = [
        math.sqrt(_mean([(found[place] - middle[place]) ** 2 for found, _ in samples])) or 1.0 for place in range(size)
    ]
    rows = [[1.0, *((x - m) / s for x, m, s in zip(found, middle, spread, strict=True))] for found, _ in samples]
    weights = [0.0] * (size + 1)
    for _ in range(STEPS):
        chances = [1 / (1 + math.exp(-max(-60.0, min(60.0, _dot(weights, row))))) for row in rows]
        missed = [float(right) - chance for chance, (_, right) in zip(chances, samples, strict=True)]
        pull = [0.0, *(ridge * weight for weight in weights[1:])]
        slope = [_dot(missed, [row[i] for row in rows]) - pull[i] for i in range(size + 1)]
        bend = [
            [
                sum(c * (1 - c) * row[i] * row[j] for c, row in zip(chances, rows, strict=True))
                + (ridge if i == j and i else 1e-9 if i == j else 0.0)
                for j in range(size + 1)
            ]
            for i in range(size + 1)
        ]
        step = _solved(bend, slope)
        weights = [weight + change for weight, change in zip(weights, step, strict=True)]
        if max(map(abs, step)) < 1e-9:
            break
    scaled = [weight / s for weight, s in zip(weights[1:], spread, strict=True)]
    bias = weights[0] - sum(weight * m for weight, m in zip(scaled, middle, strict=True))
    return Weights(bias, (scaled[0], scaled[1], scaled[2], scaled[3], scaled[4]))


def unseen(samples: Sequence[Sample]) -> list[float]:
    """How sure each sample's answer would be, learned from the others only: the mean of several rounds of ten folds."""
    sums = [0.0] * len(samples)
    for number in range(ROUNDS):
        order = list(range(len(samples)))
        random.Random(number).shuffle(order)  # noqa: S311 - the same folds each time; no secret hangs on them
        for fold in range(FOLDS):
            held = set(order[fold::FOLDS])
            known = learn([sample for place, sample in enumerate(samples) if place not in held])
            for place in held:
                sums[place] += confidence(samples[place][0], known) / ROUNDS
    return sums


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def _solved(matrix: list[list[float]], wanted: list[float]) -> list[float]:
    """The solution of a small system of equations (Gauss, with the largest pivot)."""
    rows = [[*row, value] for row, value in zip(matrix, wanted, strict=True)]
    size = len(rows)
    for place in range(size):
        pivot = max(range(place, size), key=lambda number: abs(rows[number][place]))
        rows[place], rows[pivot] = rows[pivot], rows[place]
        for number in range(place + 1, size):
            factor = rows[number][place] / rows[place][place]
            rows[number] = [a - factor * b for a, b in zip(rows[number], rows[place], strict=True)]
    solution = [0.0] * size
    for place in reversed(range(size)):
        known = sum(rows[place][other] * solution[other] for other in range(place + 1, size))
        solution[place] = (rows[place][size] - known) / rows[place][place]
    return solution
