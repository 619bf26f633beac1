"""How likely a question is the state's, by what it means: the rules of a policy know words, and nobody foresees all of them.

One weight for each number of a meaning and for each component, in `states.json`, which `python -m embedded.state_learning`
learned from labelled questions. From which chance on such a question goes to the state is the member's to say. Pure.
"""

import json
import math
from functools import cache
from pathlib import Path

import numpy as np

from tier1.meaning import Numbers
from tierline.domain.words import Component

LEARNED = Path(__file__).parent / "states.json"
COMPONENT_COUNTS = 0.3  # beside numbers that are smaller than 1


def likely_the_states(meant: Numbers, component: Component) -> float:
    """The chance, from 0 to 1, that a question of this meaning about this component is the state's to answer."""
    weights = _weights()
    reach = weights[0] + float(seen(meant, component) @ weights[1:])
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, reach))))


def seen(meant: Numbers, component: Component) -> Numbers:
    """What is weighed of a question."""
    about = [COMPONENT_COUNTS if component is one else 0.0 for one in Component]
    return np.asarray(np.concatenate([meant, about]), dtype=np.float32)


@cache
def _weights() -> Numbers:
    return np.asarray(json.loads(LEARNED.read_text("utf-8")), dtype=np.float32)
