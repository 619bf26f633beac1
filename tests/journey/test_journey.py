"""A ticket's whole life, for every component of Table 6 and every member, on the event log and on Kafka."""

import asyncio
import json
from datetime import UTC, datetime
from email import message_from_bytes

import pytest

from callbacks import callbacks
from embedded.machine import POLICIES
from house import House, in_order
from tierline.desk.policies import load_policies
from tierline.domain.policy import Policy
from tierline.domain.words import TIERS, Component, Desk
from tierline.kit import webhooks

MEMBERS = load_policies(POLICIES)
ADAPTERS = ["house", "kafka_house"]


@pytest.fixture(params=ADAPTERS)
def home(request: pytest.FixtureRequest) -> House:
    """Every story is told on both adapters."""
    made: House = request.getfixturevalue(request.param)
    return made


async def test_every_component_of_every_member_climbs_to_its_end_and_is_told(home: House) -> None:
    lives = [_live(home, policy, component) for policy in MEMBERS.values() for component in Component]
    lived = await asyncio.gather(*lives)
    untold = await home.client.get("/notifier/v1/untold", headers=home.key("operator"))
    assert {item["ticket_id"] for item in untold.json()["items"]} & set(lived) == set()


async def _live(home: House, policy: Policy, component: Component) -> str:
    member = policy.member
    ticket = await home.submit(member, component.value, subject=f"Life of {component.value}")
    desks = [desk for desk in TIERS if policy.exists(component, desk)]
    for desk in desks if Desk.TIER3 not in desks else desks[:-1]:
        made = await home.move(desk.value, ticket, "escalate", member, text="Not solved here.")
        assert made.status_code == 200, made.text
    liaison = policy.liaison(component)
    if Desk.TIER3 in desks:
        assert liaison is not None
        assert liaison.vendor is not None
        await _vendor_answers(home, ticket, member, liaison.vendor)
    else:
        assert (await home.move("state", ticket, "resolve", member, text="The state has decided.")).status_code == 200
    facts = await home.told(ticket, "ticket.resolved")
    steps = in_order(facts)
    expected = [d.value for d in desks] + ([] if Desk.TIER3 in desks else ["state"])
    accepted = sorted((f for f in facts if f["fact"] == "case.accepted"), key=lambda f: int(f["version"]))
    assert [fact["desk"] for fact in accepted] == expected
    assert steps[-1] == "case.resolved"
    assert (await home.wish(ticket, "confirm", member)).json()["status"] == "closed"
    await home.told(ticket, "ticket.closed")
    return ticket


async def _vendor_answers(home: House, ticket: str, member: str, vendor: str) -> None:
    await home.until(ticket, "waiting_on_vendor", member)
    await home.case("tier3", ticket, member)
    # The second before the first, and the second twice.
    for sequence, kind in ((2, "question"), (1, "acknowledged"), (2, "question")):
        assert (await home.vendor_says(vendor, ticket, sequence, kind)).status_code == 202
    await home.until(ticket, "waiting_on_reporter", member)
    assert (await home.wish(ticket, "replies", member, text="At 8:42.")).status_code == 202
    await home.until(ticket, "waiting_on_vendor", member)
    assert (await home.vendor_says(vendor, ticket, 3, "resolved", fixed_in="7.2")).status_code == 202
    seen = await home.until(ticket, "resolved", member)
    assert [said["author"] for said in seen["conversation"]] == ["vendor", "reporter", "vendor"]


async def test_it_did_not_help_and_goes_on_to_the_next_desk(home: House) -> None:
    ticket = await home.submit()
    await home.move("tier1", ticket, "resolve", text="Try again.")
    await home.until(ticket, "resolved")
    again = await home.wish(ticket, "reopen", text="It did not help.")
    assert (again.status_code, again.json()["desk"]) == (200, "tier2")
    case = (await home.case("tier2", ticket)).json()
    assert [attempt["move"] for attempt in case["tried"]] == ["resolve"]
    assert case["conversation"][-1]["text"] == "It did not help."
    assert (await home.move("tier2", ticket, "return", text="This is in the manual.")).status_code == 200
    assert (await home.case("tier1", ticket)).json()["held"]
    await home.move("tier1", ticket, "resolve", text="Here it is.")
    in_order(await home.told(ticket, "ticket.resolved"))


async def test_a_reporter_answers_a_question_and_takes_a_ticket_back(home: House) -> None:
    ticket = await home.submit()
    assert (await home.move("tier1", ticket, "ask", text="Which browser?")).status_code == 200
    await home.until(ticket, "waiting_on_reporter")
    await home.wish(ticket, "replies", text="The secure one.")
    await home.until(ticket, "open")
    assert (await home.case("tier1", ticket)).json()["conversation"][-1]["author"] == "reporter"
    assert (await home.wish(ticket, "withdraw")).status_code == 202
    await home.until(ticket, "withdrawn")
    assert in_order(await home.told(ticket, "ticket.closed"))[-1] == "case.withdrawn"


async def test_a_wish_is_declined_with_a_reason_that_the_reporter_reads(home: House) -> None:
    ticket = await home.submit()
    for desk in ("tier1", "tier2"):
        await home.move(desk, ticket, "escalate", text="?")
    made = await home.move(
        "tier3", ticket, "decline", text="Nobody is kept from working.", reason="style_or_preference"
    )
    assert made.status_code == 200, made.text
    await home.told(ticket, "ticket.declined")
    assert "matter of taste" in (await home.ticket(ticket))["conversation"][-1]["text"]


async def test_mails_of_one_ticket_thread_and_carry_nothing_personal_in_the_subject(home: House) -> None:
    address = f"thread-{id(home)}@school.example.org"
    body = home.body(subject="Anna cannot sign in")
    body["reporter"]["email"] = address
    answer = await home.client.post("/intake/v1/tickets", json=body, headers=home.key("client"))
    ticket = answer.json()["id"]
    await home.move("tier1", ticket, "resolve", text="Use the secure browser.")
    await home.told(ticket, "ticket.resolved")
    assert home.machine.mailbox is not None
    files = sorted(home.machine.mailbox.folder.glob(f"*{address}.eml"))
    mails = [message_from_bytes(file.read_bytes()) for file in files]
    assert len(mails) == 2
    assert len({mail["Message-ID"].strip() for mail in mails}) == 2
    assert len({mail["References"].strip() for mail in mails}) == 1
    assert all("Anna" not in mail["Subject"] for mail in mails)
    assert "Use the secure browser." in mails[1].get_payload(decode=True).decode()  # type: ignore[union-attr]


async def test_a_callback_is_signed_in_order_and_the_same_on_every_attempt(home: House) -> None:
    secret = (await home.client.get("/notifier/v1/callback-secret", headers=home.key("client"))).json()["secret"]
    async with callbacks(failures=1) as receiver:
        ticket = await home.submit(callback_url=receiver.url)
        await home.move("tier1", ticket, "resolve", text="Use the secure browser.")
        came = await receiver.until(3)
    ids = [webhooks.verify([secret], headers, body, datetime.now(UTC)) for headers, body in came]
    told = [json.loads(body) for _, body in came]
    assert [notice["type"] for notice in told] == ["ticket.received", "ticket.received", "ticket.resolved"]
    assert ids[0] == ids[1] != ids[2]
    assert (told[2]["ticket_id"], told[2]["status"]) == (ticket, "resolved")


async def test_time_that_runs_out_moves_a_ticket_by_itself(house: House) -> None:
    ticket = await house.submit("cedar", "interim-system", impact="question")
    case = await house.case("tier2", ticket, "cedar")
    assert case.json()["tried"][0]["reason"] == "time_ran_out"
    spans = house.spans.of_key(ticket)
    assert "decide timer.allowed" in {span.name for span in spans}
    assert len({span.context.trace_id for span in spans}) == 1
