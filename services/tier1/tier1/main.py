"""Tier 1: answers what is in the manuals; what it does not resolve goes on to Tier 2 by itself."""

from pathlib import Path

from tier1.api import ROUTERS
from tier1.store import ANSWERED, CASES
from tierline.desk.policies import load_policies
from tierline.desk.scrubbing import scrubbed
from tierline.domain.events import EVENTS, TOPIC
from tierline.kit.runtime import Service
from tierline.kit.service import create_app

SERVICE = Service(
    name="tier1",
    title="Tier 1: answers from the manuals",
    topic=TOPIC["tier1"],
    reads=[TOPIC["intake"], TOPIC["tier1"], TOPIC["tier2"], TOPIC["tier3"]],
    known=frozenset(EVENTS),
    rooms=[CASES, ANSWERED],
    routers=ROUTERS,
    book=lambda settings: load_policies(settings.policies),
    scrub=scrubbed,
    migrations=Path(__file__).parent / "migrations",
)

app = create_app(SERVICE)
