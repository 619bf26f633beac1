"""Events and timers in: what this desk does by itself, and what becomes of what it resolved."""

from tier2.resolutions import confirmed, reopened
from tierline.desk.cases import Case
from tierline.desk.facts import desk_rules
from tierline.domain.events import TicketConfirmed, TicketReopened, event_type
from tierline.domain.words import Desk

ON = desk_rules(Case, Desk.TIER2)
ON_RESOLUTIONS = {event_type(TicketReopened): reopened, event_type(TicketConfirmed): confirmed}
