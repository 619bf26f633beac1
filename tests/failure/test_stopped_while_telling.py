"""A notifier is stopped while a mail server takes its mail: the mail is written down as sent, and no other process sends it again."""

import asyncio
import os
import signal
import threading
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from embedded.mailbox import Mailbox
from stand import MODULES, serving, stand
from victims import People

A_MOMENT = 1.0  # whoever gives up what is under way has done so by then


class SlowPost(Mailbox):
    """A mail server that keeps the mail, and thinks about its answer until it is told to give it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.took, self.answers = threading.Event(), threading.Event()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        kept = await super().handle_DATA(server, session, envelope)
        self.took.set()
        await asyncio.to_thread(self.answers.wait)
        return kept


async def test_a_mail_that_is_under_way_when_the_notifier_is_stopped_is_sent_once(tmp_path: Path) -> None:
    post = SlowPost(tmp_path / "mail")
    post.start()
    try:
        async with stand() as made, httpx.AsyncClient(timeout=10, trust_env=False) as client:
            mail = {"TIERLINE_SMTP_HOST": "127.0.0.1", "TIERLINE_SMTP_PORT": str(post.port)}
            telling = {**made.environment("notifier"), **mail}
            with (
                serving(MODULES["intake"], made.environment("intake")) as (front, _),
                serving(MODULES["notifier"], telling) as (port, pid),
            ):
                await People({"intake": front}, made.install.credentials, client).submit(1)
                assert await asyncio.to_thread(post.took.wait, 30)
                os.kill(pid, signal.SIGTERM)
                await _until_it_takes_no_more(port)
                await asyncio.sleep(A_MOMENT)
                post.answers.set()
            notifier = await asyncpg.connect(made.addresses["notifier"])
            assert await notifier.fetchval("SELECT status FROM calls") == "delivered"
            assert await notifier.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0
            await notifier.close()
    finally:
        post.answers.set()
        post.stop()
    assert len(list(post.folder.glob("*.eml"))) == 1


async def _until_it_takes_no_more(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                return
            writer.close()
            await asyncio.sleep(0.05)
