"""Events and timers in: what this desk does by itself, and what came of the manuals' answers."""

from tier1.answering import accept_and_answer
from tier1.answers import it_did_not, it_helped
from tier1.cases import ManualCase
from tierline.desk.facts import desk_rules
from tierline.domain.events import TicketConfirmed, TicketReopened, TicketSubmitted, event_type
from tierline.domain.words import Desk

ON = {**desk_rules(ManualCase, Desk.TIER1), event_type(TicketSubmitted): accept_and_answer}
ON_ANSWERS = {event_type(TicketReopened): it_did_not, event_type(TicketConfirmed): it_helped}
