"""Out to the liaisons: the mails that say that a vendor's endpoint has closed, or is open again."""

from pathlib import Path

from tier3_liaison import closing, liaisons, store
from tier3_liaison.registry import Endpoint
from tierline.kit import calls, mail
from tierline.kit.calls import Result, Waiting
from tierline.kit.corridor import Incoming
from tierline.kit.courier import Channel
from tierline.kit.database import Tx
from tierline.kit.mail import MailSettings
from tierline.kit.runtime import Runtime
from tierline.kit.writing import together

PAGES = mail.pages(Path(__file__).parent / "pages")
SUBJECT = {
    "vendor.closed": "Nothing goes out to {} any more",
    "vendor.opened": "{} is called again",
}


def channel(running: Runtime) -> Channel:
    """How a call in the mails' lane is made."""
    settings = running.settings
    assert isinstance(settings, MailSettings)

    async def send(call: Waiting) -> Result:
        news, body = call.body["type"], call.body
        text = PAGES.get_template(f"{news}.txt").render(**body, address=running.address)
        subject = SUBJECT[news].format(body["vendor"])
        written = mail.message(settings, call, subject=subject, text=text, thread=body["thread"], at=running.now())
        return await mail.send(settings, written)

    return send


async def tell(tx: Tx, running: Runtime, endpoint: Endpoint, news: closing.News) -> None:
    """Put a mail to each liaison concerned beside the calls, in the transaction in which `endpoint` closes or opens."""
    policies = running.book
    named = await liaisons.load(tx, [place.key for place in closing.places(policies)])
    waiting = await store.waiting(tx, endpoint.slug)
    now, told = running.now(), closing.mails(endpoint, news, policies, named, waiting)
    facts = [(Incoming(key, news, call.id, now, None), call) for key, call in told]
    await together(tx, calls.writes(store.CASES.name, facts, now))
