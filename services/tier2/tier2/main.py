"""Tier 2: resolves by established methods; what it does not resolve goes on to Tier 3 by itself."""

from pathlib import Path

from tier2.api import ROUTERS
from tier2.store import CASES, RESOLVED
from tierline.desk.policies import load_policies
from tierline.desk.scrubbing import scrubbed
from tierline.domain.events import EVENTS, TOPIC
from tierline.kit.runtime import Service
from tierline.kit.service import create_app

SERVICE = Service(
    name="tier2",
    title="Tier 2: technicians with established methods",
    topic=TOPIC["tier2"],
    reads=[TOPIC["intake"], TOPIC["tier1"], TOPIC["tier2"], TOPIC["tier3"]],
    known=frozenset(EVENTS),
    rooms=[CASES, RESOLVED],
    routers=ROUTERS,
    book=lambda settings: load_policies(settings.policies),
    scrub=scrubbed,
    migrations=Path(__file__).parent / "migrations",
)

app = create_app(SERVICE)
