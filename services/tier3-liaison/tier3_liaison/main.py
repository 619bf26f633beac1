"""Tier 3: the liaison of each component, with the vendor's engineers behind it."""

from pathlib import Path

from tier3_liaison import mailing, vendor
from tier3_liaison.api import ROUTERS
from tier3_liaison.store import CASES
from tierline.desk.policies import load_policies
from tierline.desk.scrubbing import scrubbed
from tierline.domain.events import EVENTS, TOPIC
from tierline.kit.mail import MailSettings
from tierline.kit.runtime import Service
from tierline.kit.service import create_app

SERVICE = Service(
    name="tier3",
    title="Tier 3: liaisons and vendors",
    topic=TOPIC["tier3"],
    reads=[TOPIC["intake"], TOPIC["tier1"], TOPIC["tier2"], TOPIC["tier3"]],
    known=frozenset(EVENTS),
    rooms=[CASES],
    routers=ROUTERS,
    book=lambda settings: load_policies(settings.policies),
    scrub=scrubbed,
    migrations=Path(__file__).parent / "migrations",
    settings=MailSettings,
    channels=lambda running: {"vendor": vendor.channel(running), "mail": mailing.channel(running)},
)

app = create_app(SERVICE)
