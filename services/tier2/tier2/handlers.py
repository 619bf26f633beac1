"""Events and timers in: what this desk does by itself."""

from tierline.desk.cases import Case
from tierline.desk.facts import desk_rules
from tierline.domain.words import Desk

ON = desk_rules(Case, Desk.TIER2)
