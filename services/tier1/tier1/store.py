"""The desk's table of cases, with the rules that decide about them."""

from tier1.handlers import ON
from tierline.desk.cases import Case, case_room
from tierline.domain.words import Desk

CASES = case_room(Case, Desk.TIER1, ON)
