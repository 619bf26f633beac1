"""HTTP in: the calls that every desk has."""

from tierline.desk.api import desk_router
from tierline.domain.words import Desk

ROUTER = desk_router(Desk.TIER2)
