"""Whoever holds a connection owes something: a head, a body, or to read the answer. One who keeps others waiting is let go.

uvicorn waits for a client as long as it likes, and keeps whatever head it sends. Here each of the three has its time, a head
has its size, and there are only so many connections: where one more comes, the one goes that has owed longest. So those
who take their time, however many, cost a bounded number of descriptors and bytes, and keep nobody out.

Served with it: `uvicorn --http tierline.kit.connections:Bounded ...`, or `UVICORN_HTTP` in the environment.
"""

import asyncio
import resource
import time
from contextlib import suppress
from typing import Any

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tierline.kit.problems import problem

log = structlog.get_logger()

HEAD = 10.0
"""Seconds for a whole head, from the connection's first moment or the request's first byte."""

BODY, LEAST = 30.0, 1024
"""Within so many seconds at least so many bytes of a body, or all that is left of it."""

ANSWER = 60.0
"""Seconds in which a client must read something of an answer that waits for it."""

LONGEST_HEAD = 65_536
MOST = 4_000
LOOK = 0.5


class Owing:
    """The connections of one server that owe something, those that have owed it longest first."""

    def __init__(self) -> None:
        self.heads: dict[Bounded, float] = {}
        self.bodies: dict[Bounded, float] = {}
        self.answers: dict[Bounded, float] = {}
        self.most = _most()
        self._looking = False

    def look(self) -> None:
        """Let go of those whose time is over; again in a moment, as long as anybody owes anything."""
        now = time.monotonic()
        while (slow := _first(self.heads)) and now - self.heads[slow] > HEAD:
            if slow.at_work:
                _last(self.heads, slow, now)  # it is we who keep the next request waiting
                continue
            slow.let_go(408, "the head of a request took too long")
        while (slow := _first(self.bodies)) and now - self.bodies[slow] > BODY:
            if slow.came < LEAST and not slow.flow.read_paused:
                slow.let_go(408, "the body of a request took too long")
                continue
            slow.came = 0
            _last(self.bodies, slow, now)
        while (slow := _first(self.answers)) and now - self.answers[slow] > ANSWER:
            slow.let_go()
        self._looking = bool(self.heads or self.bodies or self.answers)
        if self._looking:
            asyncio.get_running_loop().call_later(LOOK, self.look)

    def begin(self) -> None:
        """Somebody owes something."""
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_later(LOOK, self.look)

    def make_room(self) -> None:
        """There are too many: the one goes that has owed longest."""
        slow = _first(self.heads) or _first(self.bodies) or _first(self.answers)
        if slow is not None:
            slow.let_go(503, "there are too many connections")

    def forget(self, connection: "Bounded") -> None:
        """It owes nothing any more, or is gone."""
        for owed in (self.heads, self.bodies, self.answers):
            owed.pop(connection, None)


class Bounded(HttpToolsProtocol):
    """A connection that is watched while it owes something."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        if not hasattr(self.server_state, "owing"):
            self.server_state.owing = Owing()  # type: ignore[attr-defined]
        self.owing: Owing = self.server_state.owing  # type: ignore[attr-defined]
        self.head, self.came = 0, 0

    @property
    def at_work(self) -> bool:
        """Whether a request of it is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client came: it owes a head."""
        super().connection_made(transport)
        self._owes(self.owing.heads)
        if len(self.connections) > self.owing.most:
            self.owing.make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self.owing.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes came; of a head only so many."""
        super().data_received(data)
        if self in self.owing.heads:  # still: otherwise some of it was a body
            self.head += len(data)
            if self.head > LONGEST_HEAD:
                self.let_go(431, f"the head of a request may hold at most {LONGEST_HEAD} bytes")

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self.head, self.came = 0, 0
        self._owes(self.owing.heads)

    def on_headers_complete(self) -> None:
        """The head is there; a body may follow."""
        self.owing.heads.pop(self, None)
        self._owes(self.owing.bodies)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of the body came."""
        self.came += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it came."""
        self.owing.bodies.pop(self, None)
        super().on_message_complete()

    def pause_writing(self) -> None:
        """It does not read what it is sent."""
        super().pause_writing()
        self._owes(self.owing.answers)

    def resume_writing(self) -> None:
        """It read something."""
        super().resume_writing()
        self.owing.answers.pop(self, None)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP at all."""
        self.let_go(400, "this is not a request that we can read")

    def let_go(self, status: int = 0, detail: str = "") -> None:
        """End the connection, with a word where the client still listens and has not been answered yet."""
        self.owing.forget(self)
        if self.transport.is_closing():
            return
        if status and not self.at_work:
            self.transport.write(_said(status, detail))
            self.transport.close()
        else:
            self.transport.abort()

    def _owes(self, owed: "dict[Bounded, float]") -> None:
        if self not in owed:
            owed[self] = time.monotonic()
            self.owing.begin()


def _first(owed: dict[Bounded, float]) -> Bounded | None:
    return next(iter(owed), None)


def _last(owed: dict[Bounded, float], one: Bounded, since: float) -> None:
    owed.pop(one, None)
    owed[one] = since


def _most() -> int:
    """As many connections as leave half of the descriptors for what serves them; with all that this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return MOST if soft == resource.RLIM_INFINITY else min(MOST, soft // 2)


def _said(status: int, detail: str) -> bytes:
    titles = {400: "Malformed", 408: "Too slow", 431: "The head is too large", 503: "Try again shortly"}
    slugs = {400: "malformed", 408: "too-slow", 431: "too-large", 503: "unavailable"}
    answer = problem(status, slugs[status], titles[status], detail, {"Connection": "close"})
    head = b"".join(b"%s: %s\r\n" % pair for pair in answer.raw_headers)
    return b"HTTP/1.1 %d %s\r\n%s\r\n%s" % (status, titles[status].encode(), head, answer.body)
