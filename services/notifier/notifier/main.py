"""The notifier: the result is reported back to the person who asked. Always."""

from pathlib import Path

from notifier import channels
from notifier.api import ROUTER
from notifier.settings import NotifierSettings
from notifier.store import TELLINGS
from tierline.desk.scrubbing import scrubbed
from tierline.domain.events import EVENTS, TOPIC
from tierline.kit.runtime import Service
from tierline.kit.service import create_app

SERVICE = Service(
    name="notifier",
    title="Notifier",
    topic=TOPIC["notifier"],
    reads=[TOPIC["intake"], TOPIC["tier1"], TOPIC["tier2"], TOPIC["tier3"]],
    known=frozenset(EVENTS),
    rooms=[TELLINGS],
    routers=[ROUTER],
    book=lambda settings: None,
    scrub=scrubbed,
    migrations=Path(__file__).parent / "migrations",
    settings=NotifierSettings,
    channels=lambda running: {"mail": channels.mail(running), "webhook": channels.webhook(running)},
)

app = create_app(SERVICE)
