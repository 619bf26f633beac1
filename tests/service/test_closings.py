"""A vendor's endpoint closes: the liaison of each component concerned reads it in a mail, once, whoever and whatever closed it."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import asyncpg

from callbacks import Callbacks, callbacks
from embedded import places
from house import PATIENCE, House
from tier3_liaison.registry import DEAD_AFTER

VENDOR, COMPONENT = "keystone-identity", "single-sign-on"
LIAISON, OTHER = "keystone-identity-liaison@example.org", "cedar-sign-on@example.org"
SAID = "Pupil Ana Diaz, SSID 9876543210, cannot sign on. Ask Rosa Quill, rosa@school.example.org."
WORDS = ("Ana", "9876543210", "Rosa", "school.example.org")


@asynccontextmanager
async def _endpoint(house: House, refusal: str) -> AsyncIterator[Callbacks]:
    """The vendor at a server of ours that refuses at first; and for Cedar someone in the liaison's place."""
    known = house.people["vendors"][VENDOR]
    form = {"name": "Cedar's own", "email": OTHER, "vendor": VENDOR}
    path = f"/tier3/v1/liaisons/{COMPONENT}?member=cedar"
    async with callbacks(failures=1) as receiver:
        receiver.refusal = refusal
        await _put(house, url=receiver.url, secret=known["secret"])
        made = await house.client.put(path, json=form, headers={**house.key("tier3"), "If-Match": await _etag(house)})
        assert made.status_code == 200, made.text
        try:
            yield receiver
        finally:
            await _put(house, url=known["url"], secret=known["secret"])
            head = {**house.key("tier3"), "If-Match": made.headers["etag"]}
            assert (await house.client.delete(path, headers=head)).status_code == 204


async def _etag(house: House) -> str:
    answer = await house.client.get("/tier3/v1/liaisons", headers=house.key("tier3"))
    named = {(one["member"], one["component"]): one["version"] for one in answer.json()["items"]}
    return f'"{named["cedar", COMPONENT]}"'


async def _put(house: House, **form: Any) -> None:
    answer = await house.client.put(f"/tier3/v1/vendors/{VENDOR}", json=form, headers=house.key("tier3"))
    assert answer.status_code == 200, answer.text


async def _standing(house: House) -> dict[str, Any]:
    answer = await house.client.get("/tier3/v1/vendors", headers=house.key("tier3"))
    return next(item for item in answer.json()["items"] if item["slug"] == VENDOR)


async def _at_vendor(house: House) -> str:
    ticket = await house.submit("alder", COMPONENT, subject="Sign-on of Ana Diaz", description=SAID)
    for desk in ("tier1", "tier2"):
        assert (await house.move(desk, ticket, "escalate", text="Not solved here.")).status_code == 200
    await house.until(ticket, "waiting_on_vendor")
    return ticket


def _mails(house: House) -> dict[str, list[EmailMessage]]:
    """What lies in the two mailboxes, in the order in which it came."""
    assert house.machine.mailbox is not None
    found = {}
    for address in (LIAISON, OTHER):
        files = sorted(house.machine.mailbox.folder.glob(f"*-{address}.eml"))
        found[address] = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
    return found


async def _until_told(house: House, before: dict[str, list[EmailMessage]], count: int) -> dict[str, list[EmailMessage]]:
    """What is new, as soon as it is so many for each and nothing is under way."""
    async with asyncio.timeout(PATIENCE):
        while any(len(mails) < len(before[one]) + count for one, mails in _mails(house).items()):
            await asyncio.sleep(0.05)
        while any(told["status"] == "pending" for told in (await _standing(house))["told"]):
            await asyncio.sleep(0.05)
    return {one: mails[len(before[one]) :] for one, mails in _mails(house).items()}


async def test_each_liaison_is_told_once_that_it_is_gone_and_once_that_it_is_open_again(house: House) -> None:
    before = _mails(house)
    async with _endpoint(house, "410 Gone") as receiver:
        tickets = [await _at_vendor(house) for _ in range(2)]
        await _until_told(house, before, 1)
        await _put(house, url=receiver.url, enabled=False)  # closed already: nothing new
        assert [told["type"] for told in (await _standing(house))["told"]] == ["vendor.closed"] * 2
        await _put(house, url=receiver.url)
        await receiver.until(3)
        found = await _until_told(house, before, 2)
        for address, mails in found.items():
            closed, opened = mails
            text = closed.get_content()
            assert (closed["To"], VENDOR in closed["Subject"], "410" in text) == (address, True, True)
            assert ("Cedar" in text, "Alder" in text) == ((True, False) if address == OTHER else (False, True))
            assert opened["References"] == closed["References"]
            assert opened["Message-ID"] != closed["Message-ID"]
            assert not any(word in mail.as_string() for mail in mails for word in (*WORDS, *tickets))
        assert "2 calls that waited" in found[LIAISON][1].get_content()
        listed = await house.client.get("/tier3/v1/calls?status=delivered&limit=100", headers=house.key("operator"))
        mailed = [call for call in listed.json()["items"] if call["channel"] == "mail" and call["vendor"] == VENDOR]
        assert {call["to"] for call in mailed} == {LIAISON, OTHER}
        assert {(call["ticket_id"], call["member"]) for call in mailed} == {(None, None)}


async def test_dead_for_five_days_is_told_by_a_mail_with_one_identity_on_every_attempt(house: House) -> None:
    before, tried = _mails(house), list[tuple[str, str]]()
    mailbox = house.machine.mailbox
    assert mailbox is not None
    keep = mailbox.handle_DATA

    async def busy_at_first(server: Any, session: Any, envelope: Any) -> str:
        mail = email.message_from_bytes(envelope.content)
        first = envelope.rcpt_tos == [LIAISON] and LIAISON not in [one for one, _ in tried]
        tried.append((envelope.rcpt_tos[0], mail["Message-ID"]))
        return "451 later" if first else await keep(server, session, envelope)

    async with _endpoint(house, "500 Broken") as receiver:
        receiver.failures = 100
        held = await asyncpg.connect(places.databases_of(house.machine.install.folder)["tier3"])
        try:
            long_ago = datetime.now(UTC) - DEAD_AFTER - timedelta(minutes=1)
            await held.execute("UPDATE vendors SET failing_since = $1 WHERE slug = $2", long_ago, VENDOR)
        finally:
            await held.close()
        mailbox.handle_DATA = busy_at_first  # type: ignore[method-assign]
        try:
            await _at_vendor(house)
            found = await _until_told(house, before, 1)
        finally:
            del mailbox.handle_DATA
    assert "five days" in found[LIAISON][0].get_content()
    attempts = [message_id for address, message_id in tried if address == LIAISON]
    assert attempts == [found[LIAISON][0]["Message-ID"]] * 2
