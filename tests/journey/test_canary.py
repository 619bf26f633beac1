"""Student data stays home: what is planted in a ticket is found in no log, metric, span, key, subject, vendor's call or letter."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from email import message_from_bytes

import pytest
from uuid_utils import uuid7

from callbacks import callbacks
from house import House
from tierline.domain.events import TOPIC
from tierline.kit import log as logging
from tierline.kit.bus import Envelope, Record
from tierline.kit.history import history
from tierline.kit.runtime import Runtime

SSID, SSN, BORN, NAME = "4815162342", "219-09-9999", "03/14/2014", "Zenobia Quackenbush"
PLANTED = (SSID, SSN, BORN, "Zenobia", "Quackenbush")
WORDS = f"Pupil {NAME}, SSID {SSID}, born {BORN}, SSN {SSN}"
VENDOR, COMPONENT, MEMBER = "meadow-library", "digital-library", "alder"
SERVICES = ("intake", "tier1", "tier2", "tier3", "notifier")


def clean(text: str, where: str) -> None:
    """Nothing that was planted stands here."""
    places = [text.find(value) for value in PLANTED if value in text]
    assert not places, f"{where}: {text[max(0, places[0] - 300) : places[0] + 100]}"


@pytest.fixture(params=["house", "kafka_house"])
def home(request: pytest.FixtureRequest) -> House:
    """Planted on both adapters."""
    made: House = request.getfixturevalue(request.param)
    return made


@pytest.fixture(autouse=True)
def loud() -> Iterator[None]:
    """Every line that the services can write is written."""
    logging.configure("DEBUG")
    yield
    logging.configure("ERROR")


async def test_what_is_planted_is_found_nowhere_outside(
    home: House, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    house = home
    caplog.set_level("INFO")
    known = house.people["vendors"][VENDOR]
    address = f"canary-{uuid7()}@school.example.org"
    async with callbacks() as vendor, callbacks() as machine:
        await _move_vendor(house, vendor.url, known["secret"])
        try:
            ticket = await _life(house, address, machine.url)
            await machine.until(5)
            calls = [body for _, body in await vendor.until(3)]
        finally:
            await _move_vendor(house, known["url"], known["secret"])
    assert {json.loads(body)["type"] for body in calls} >= {"case.assigned", "case.reply"}
    for headers, body in [*vendor.came, *machine.came]:
        clean(json.dumps(headers) + body.decode(), "a webhook")
    await _letters_and_keys_are_clean(house, ticket)
    for service in SERVICES:
        clean((await house.client.get(f"/{service}/metrics")).text, f"the metrics of {service}")
    assert house.machine.mailbox is not None
    for file in house.machine.mailbox.folder.glob(f"*{address}.eml"):
        mail = message_from_bytes(file.read_bytes())
        clean(mail["Subject"] + mail["Message-ID"] + mail["References"], "a mail's head")
    disclosed = await house.client.get(f"/tier3/v1/disclosures?ticket_id={ticket}", headers=house.key("tier3"))
    assert {"ssn", "student_id"} <= set(disclosed.json()["items"][0]["removed"])
    clean(disclosed.text, "the record of disclosures")
    clean((await house.client.get("/tier3/v1/wishes", headers=house.key("tier3"))).text, "the wishes")
    assert any(span.name == "call vendor" for span in house.spans.of_key(ticket))
    for span in house.spans.all():
        clean(span.to_json(), "a span")
    said = capfd.readouterr()
    assert '"action"' in said.out
    clean(said.out + said.err + caplog.text, "a log")


async def _life(house: House, address: str, callback: str) -> str:
    """Everyone writes what they should not: the reporter, the agents, and the vendor who was told by telephone."""
    body = house.body(COMPONENT, subject=f"{WORDS} fails", description=f"It stops.\n{WORDS}.", callback_url=callback)
    body["reporter"]["email"] = address
    answer = await house.client.post("/intake/v1/tickets", json=body, headers=house.key("client"))
    receipt = answer.json()
    assert set(receipt["student_data"]) >= {"ssn", "student_id"}
    assert "student data" in receipt["notice"]
    ticket = str(receipt["id"])
    for wrong in ({"component": WORDS}, {**body, "impact": WORDS}, {**body, WORDS: 1}, {**body, "callback_url": WORDS}):
        refused = await house.client.post("/intake/v1/tickets", json=wrong, headers=house.key("client"))
        assert refused.status_code == 422
        clean(refused.text, "a problem")
    case = await house.case("tier1", ticket)
    assert set(case.json()["student_data"]) >= {"ssn", "student_id"}
    for desk in ("tier1", "tier2"):
        assert (await house.move(desk, ticket, "escalate", text=f"Tried it with {WORDS}.")).status_code == 200
    await house.until(ticket, "waiting_on_vendor")
    assert (await house.vendor_says(VENDOR, ticket, 1, "question", message=f"Is it {WORDS}?")).status_code == 202
    await house.until(ticket, "waiting_on_reporter")
    reply = await house.wish(ticket, "replies", text=f"Yes, {WORDS}.")
    assert "student data" in reply.json()["notice"]
    await house.until(ticket, "waiting_on_vendor")
    assert (await house.move("tier3", ticket, "decline", text=f"Not for {WORDS}.", reason="enhancement")).is_success
    await house.told(ticket, "ticket.declined")
    await _mail(house, address, WORDS)
    return ticket


async def _mail(house: House, address: str, words: str) -> None:
    """The reporter is told in the first mail."""
    assert house.machine.mailbox is not None
    files = sorted(house.machine.mailbox.folder.glob(f"*{address}.eml"))
    first = message_from_bytes(files[0].read_bytes()).get_payload(decode=True)
    assert isinstance(first, bytes)
    assert b"holds student data" in first
    clean(first.decode(), "the first mail")


async def _letters_and_keys_are_clean(house: House, ticket: str) -> None:
    """A record that nobody can read, with everything in it, becomes a letter without it; no key or header names a student."""
    apps = house.machine.server.config.app.state.apps  # type: ignore[union-attr]
    intake: Runtime = apps["intake"].state.runtime
    torn = json.dumps({"case": {"description": f"It stops.\n{WORDS}"}}).encode()
    event = Envelope(
        "tickets.intake", ticket, str(uuid7()), "tierline.ticket.submitted.v1", "/stranger", intake.now(), 1, torn
    )
    await intake.bus.publish([event])
    dead = [f"{topic}.dead" for topic in TOPIC.values()]
    async with asyncio.timeout(30):
        while len(found := [one async for one in _records(intake, dead) if one.key == ticket.encode()]) < len(SERVICES):
            await asyncio.sleep(0.2)
    for letter in found:
        assert b"student data removed" in letter.value
        clean(letter.value.decode(), "a dead letter")
    async for record in _records(intake, [*TOPIC.values(), *dead]):
        headers = {name: value.decode() for name, value in record.headers.items()}
        clean(f"{record.topic} {record.key.decode()} {headers}", "a key or a header")


async def _records(running: Runtime, topics: list[str]) -> AsyncIterator[Record]:
    async for records in history(str(running.settings.bus), topics):
        for record in records:
            yield record


async def _move_vendor(house: House, url: str, secret: str) -> None:
    form = {"url": url, "secret": secret}
    answer = await house.client.put(f"/tier3/v1/vendors/{VENDOR}", json=form, headers=house.key("tier3"))
    assert answer.is_success, answer.text
