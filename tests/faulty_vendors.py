"""The sample vendor with one fault each: what vendors have got wrong, and what the conformance check must find."""

import asyncio
import json
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from uuid_utils import uuid7

from embedded.sample_vendor import SampleVendor
from tierline.kit import webhooks
from tierline.kit.errors import Unauthenticated


class Credulous(SampleVendor):
    """Does not verify."""

    def genuine(self, vendor: str, request: Request, body: bytes) -> str | None:
        return request.headers.get("webhook-id", "")


class Timeless(SampleVendor):
    """Verifies, and never looks at the clock: what was overheard can be replayed for ever."""

    def genuine(self, vendor: str, request: Request, body: bytes) -> str | None:
        timestamp = request.headers.get("webhook-timestamp", "")
        when = datetime.fromtimestamp(int(timestamp), UTC) if timestamp.isdigit() else datetime.now(UTC)
        try:
            return webhooks.verify([self.secrets[vendor]], request.headers, body, when)
        except Unauthenticated:
            return None


class FirstSignatureOnly(SampleVendor):
    """Compares the whole header with one signature: the day on which a secret is changed, nothing comes through."""

    def genuine(self, vendor: str, request: Request, body: bytes) -> str | None:
        first = request.headers.get("webhook-signature", "").split(" ")[0]
        headers = {**request.headers, "webhook-signature": first}
        try:
            return webhooks.verify([self.secrets[vendor]], headers, body, datetime.now(UTC))
        except Unauthenticated:
            return None


class WritesAnew(SampleVendor):
    """Verifies JSON that it parsed and wrote again."""

    def genuine(self, vendor: str, request: Request, body: bytes) -> str | None:
        try:
            again = json.dumps(json.loads(body)).encode()
        except ValueError:
            again = body
        return super().genuine(vendor, request, again)


class FallsOver(SampleVendor):
    """Trusts the shape of what it is sent: a malformed header is a crash."""

    def genuine(self, vendor: str, request: Request, body: bytes) -> str | None:
        for token in request.headers.get("webhook-signature", "v1,x").split(" "):
            _, value = token.split(",")
            assert value
        return super().genuine(vendor, request, body)

    async def receive(self, request: Request) -> Response:
        try:
            return await super().receive(request)
        except ValueError:
            return JSONResponse({"error": "something went wrong"}, 500)


class Conflicted(SampleVendor):
    """Answers 409 to a repetition, so it is sent again and again."""

    async def receive(self, request: Request) -> Response:
        if self.is_repeat(request.headers.get("webhook-id", "")):
            return JSONResponse({"error": "seen already"}, 409)
        return await super().receive(request)


class Forgetful(SampleVendor):
    """Works twice on a call that comes twice."""

    def is_repeat(self, webhook_id: str) -> bool:
        return False


class InOrderOnly(SampleVendor):
    """Knows no case that it was not assigned before: 404."""

    known: set[str]

    async def receive(self, request: Request) -> Response:
        answer = await super().receive(request)
        if answer.status_code != 202:
            return answer
        call = json.loads(await request.body())
        self.known = getattr(self, "known", set())
        if call["type"] == "case.assigned":
            self.known.add(call["ticket_id"])
        return answer if call["ticket_id"] in self.known else JSONResponse({"error": "no such case"}, 404)


class WorksFirst(SampleVendor):
    """Does the work before it answers, and the work has no end."""

    async def receive(self, request: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError


class Gone(SampleVendor):
    """Moved house: 410."""

    async def receive(self, request: Request) -> Response:
        return JSONResponse({"error": "we have moved"}, 410)


class Elsewhere(SampleVendor):
    """Moved house: a redirect."""

    async def receive(self, request: Request) -> Response:
        return RedirectResponse("/elsewhere", 307)


class GivesUp(SampleVendor):
    """Sends once, whatever the answer."""

    attempts = 1


class Renames(SampleVendor):
    """Takes a new id for every attempt: Tierline cannot know that it is the same update."""

    async def post(self, vendor: str, webhook_id: str, raw: bytes, secret: str) -> int:
        return await super().post(vendor, str(uuid7()), raw, secret)


class CountsAll(SampleVendor):
    """One counter for all cases."""

    count = 0

    async def say(self, vendor: str, ticket: str, sequence: int, kind: str, message: str, **more: str) -> None:
        self.count += 1
        await super().say(vendor, ticket, self.count, kind, message, **more)


class SignsBadly(SampleVendor):
    """Signs its updates with another secret."""

    async def post(self, vendor: str, webhook_id: str, raw: bytes, secret: str) -> int:
        return await super().post(vendor, webhook_id, raw, webhooks.new_secret())


class Stubborn(SampleVendor):
    """Takes no for an answer worth another try."""

    async def post(self, vendor: str, webhook_id: str, raw: bytes, secret: str) -> int:
        return max(await super().post(vendor, webhook_id, raw, secret), 500)


class Mute(SampleVendor):
    """Does not keep what it said, so that it cannot say it again."""

    async def say_again(self, vendor: str, ticket: str, sequences: list[int]) -> None:
        return


class Strict(SampleVendor):
    """Refuses what the contract of today does not list."""

    async def receive(self, request: Request) -> Response:
        answer = await super().receive(request)
        if answer.status_code == 202 and b"later release" in (await request.body()).replace(b"_", b" "):
            return JSONResponse({"error": "unknown"}, 422)
        return answer


FAULTS: dict[type[SampleVendor], str] = {
    Credulous: "forged",
    Timeless: "stale",
    FirstSignatureOnly: "rotation",
    WritesAnew: "raw_bytes",
    FallsOver: "malformed",
    Conflicted: "repeat",
    Forgetful: "once",
    InOrderOnly: "disorder",
    WorksFirst: "good",
    Gone: "good",
    Elsewhere: "good",
    GivesUp: "insists",
    Renames: "insists",
    CountsAll: "numbers",
    SignsBadly: "answers",
    Strict: "newer",
    Stubborn: "takes_no",
    Mute: "resends",
}
