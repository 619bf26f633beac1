"""Events in, and what came of notices."""

from notifier.policy import delivered, failed, tell
from notifier.telling import Telling
from tierline.domain.events import EVENTS
from tierline.kit.corridor import Rule

ON: dict[str, Rule[Telling]] = {
    **{type_: tell for type_, fact in EVENTS.items() if fact.raises},
    "call.delivered": delivered,
    "call.failed": failed,
}
