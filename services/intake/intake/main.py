"""Intake: the one front door, the reporter's status page, and the state desk."""

from pathlib import Path

from intake.api import ROUTERS
from intake.store import CASES, TICKETS
from intake.watching import watch
from tierline.desk.policies import load_policies
from tierline.desk.scrubbing import scrubbed
from tierline.domain.events import EVENTS, TOPIC, TOPICS
from tierline.kit.runtime import Service
from tierline.kit.service import create_app

SERVICE = Service(
    name="intake",
    title="Intake, the one front door",
    topic=TOPIC["intake"],
    reads=TOPICS,
    known=frozenset(EVENTS),
    rooms=[TICKETS, CASES],
    routers=ROUTERS,
    book=lambda settings: load_policies(settings.policies),
    duties=[watch],
    scrub=scrubbed,
    migrations=Path(__file__).parent / "migrations",
)

app = create_app(SERVICE)
