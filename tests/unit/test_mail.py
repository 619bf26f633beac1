"""A mail says what it has to say whatever stands in it; and whatever a mail server does, no notice is given up too early."""

import asyncio
import email
import email.policy
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from uuid_utils import uuid7

from embedded.mailbox import Mailbox
from notifier import channels
from notifier.settings import NotifierSettings
from tierline.kit import mail as post
from tierline.kit.auth import StatusTokens
from tierline.kit.calls import Result, Waiting

HEADERS = [
    *("From", "To", "Subject", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "Date"),
    *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
]
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=300)
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80)


def _sent(port: int, message: str, name: str = "A teacher", to: str = "teacher@school.example.org") -> Any:
    running: Any = SimpleNamespace(
        settings=NotifierSettings(
            database_url="",
            bus="",
            policies=Path(),
            keys=Path(),
            secret="s" * 40,
            smtp_host="127.0.0.1",
            smtp_port=port,
        ),
        tokens=StatusTokens("s" * 40),
        now=lambda: datetime.now(UTC),
    )
    ticket = str(uuid7())
    body = {"type": "ticket.resolved", "ticket_id": ticket, "message": message, "name": name}
    call = Waiting(f"{ticket}-3-resolved-mail", "tellings", ticket, "mail", to, body, {}, 0, datetime.now(UTC))
    return channels.mail(running)(call)


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    """A mail server that keeps what it is given."""
    made = Mailbox(tmp_path_factory.mktemp("mail"))
    made.start()
    yield made
    made.stop()


@given(message=ANY, name=LINE)
@example(message="From me\nFrom you\n.\n..\n.a dot", name="From: nobody")
@example(message="a\r\nBcc: everybody@example.org\r\n\r\n.\r\nQUIT\r\n", name="=?utf-8?b?QmNjOiB4?=")
@example(message="x" * 20_000, name="x" * 300)
@example(message="\u202e\u2066\u200b\ufeff e\u0301 \u00e9 \U0001f9e8", name="\u202egpj.exe")
@example(message="a\rb\u2028c\u2029d\x85e\x0bf\x0cg\x1ch", name="Ж中ع")
@example(message="{{ 7 * 7 }}{% raw %}", name="${7*7}")
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_was_written_is_what_is_read_and_no_header_comes_of_it(mailbox: Mailbox, message: str, name: str) -> None:
    assert asyncio.run(_sent(mailbox.port, message, name)).delivered
    [kept] = mailbox.folder.glob("*.eml")
    raw = kept.read_bytes()
    kept.unlink()
    read: Any = email.message_from_bytes(raw, policy=email.policy.default)
    assert (read.keys(), read.defects) == (HEADERS, [])
    assert re.fullmatch(r"Your ticket is resolved \[[0-9a-f]{12}\]", read["Subject"])
    said = _one_kind_of_line_end(read.get_content())
    assert f"Dear {_one_kind_of_line_end(name)},\n" in said
    assert f"\n\n{_one_kind_of_line_end(message)}\n\nDid this help?" in said
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def _one_kind_of_line_end(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


async def test_a_domain_of_other_letters_is_reached_through_any_mail_server(mailbox: Mailbox) -> None:
    assert (await _sent(mailbox.port, "", to="teacher@schüle.example.org")).delivered
    [kept] = mailbox.folder.glob("*.eml")
    assert b"To: teacher@xn--schle-mva.example.org\r\n" in kept.read_bytes()
    kept.unlink()


FAULTS: dict[str, tuple[dict[str, bytes | None], bool | None]] = {
    # What is said at which step (None hangs up, b"" says nothing more), and whether that is an end (None: it was delivered).
    "hangs up at once": ({"": None}, False),
    "is silent": ({"": b""}, False),
    "is no mail server": ({"": b"\xff\xfe\x00 HTTP/1.1 400 Bad Request\r\n"}, False),
    "talks without end": ({"": b"220-more\r\n" * 500_000}, False),
    "is busy": ({"": b"421 4.3.2 come back later\r\n"}, False),
    "is closed": ({"": b"554 5.3.2 no service here\r\n"}, False),
    "does not like our name": ({"EHLO": b"550 who are you\r\n", "HELO": b"550 who are you\r\n"}, False),
    "does not like our sender": ({"MAIL": b"550 5.7.1 sender refused\r\n"}, False),
    "hangs up at the sender": ({"MAIL": None}, False),
    "asks to wait for the address": ({"RCPT": b"450 4.2.1 greylisted\r\n"}, False),
    "has us on a list": ({"RCPT": b"550 5.7.1 your network is blocked\r\n"}, False),
    "knows no such address": ({"RCPT": b"550 5.1.1 no such user\r\n"}, True),
    "refuses without a reason": ({"RCPT": b"550 no\r\n"}, True),
    "has no room just now": ({"DATA": b"452 4.3.1 disk full\r\n"}, False),
    "hangs up in the middle": ({"DATA": None}, False),
    "cannot keep it now": ({".": b"451 4.3.0 try again\r\n"}, False),
    "does not take such a mail": ({".": b"554 5.6.0 unwanted content\r\n"}, True),
    "takes it and hangs up": ({".": None}, False),
    "takes it and says nothing": ({".": b""}, False),
    "says yes in a strange way": ({".": b"250\r\n"}, None),
    "hangs up after it took it": ({"QUIT": None}, None),
    "is rude at the end": ({"QUIT": b"500 what\r\n"}, None),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_only_a_refusal_of_the_address_or_the_mail_itself_is_an_end(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "PATIENCE", 0.5)
    answers, final = FAULTS[fault]
    server = await asyncio.start_server(lambda r, w: _serve(r, w, answers), "127.0.0.1", 0)
    async with server:
        result: Result = await _sent(server.sockets[0].getsockname()[1], "Solved.")
    assert result.delivered == (final is None), result
    assert result.final == bool(final), result


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: dict[str, bytes | None]) -> None:
    """A mail server that answers as it is told to, and else as it should."""
    good = {"": b"220 here\r\n", "DATA": b"354 go on\r\n", ".": b"250 kept\r\n", "QUIT": b"221 bye\r\n"}
    word, mail = "", False
    try:
        while True:
            answer = answers.get(word, good.get(word, b"250 yes\r\n"))
            if answer is None:
                return
            writer.write(answer)
            await writer.drain()
            mail = word == "DATA"
            line = await (reader.readuntil(b"\r\n.\r\n") if mail else reader.readline())
            word = "." if mail else line[:4].decode().strip().upper()
            if not line:
                return
    except (ConnectionError, asyncio.IncompleteReadError):
        return
    finally:
        writer.close()
