"""Play the whole check against an endpoint, point by point; what cannot be examined is said to be so."""

import asyncio
import secrets
import time
from datetime import UTC, datetime

from embedded.vendor_check.door import Door, open_door
from embedded.vendor_check.findings import Finding, Outcome, Weight
from embedded.vendor_check.probes import PROBES, Probe
from embedded.vendor_check.shots import Caller, Reply, Shot
from embedded.vendor_check.talks import TALKS, Talk
from tierline.kit import webhooks
from tierline.kit.egress import TIMEOUT, Egress, Unreachable

PROMPT = 5.0


class Examination:
    """One run against `url`. `patience` is how long an answer may take, `wait` how long an update may, in seconds."""

    def __init__(self, url: str, secret: str, *, patience: float = TIMEOUT, wait: float = 20.0) -> None:
        webhooks.secret_bytes(secret)
        self._egress = Egress(allow_private=True, timeout=patience)
        self._egress.check(url)
        self._url, self._patience, self._wait = url, patience, wait
        self._caller = Caller(secret, secrets.token_hex(4), datetime.now(UTC))
        self._replies: list[Reply] = []

    async def run(self, listen: tuple[str, int] | None = None) -> list[Finding]:
        """Every point's finding; those that need the vendor's updates only where there is an address to `listen` on.

        Raises:
            Misconfigured: the address to listen on cannot be used.
        """
        try:
            findings = await self._probe_all()
            if listen is None or findings[0].outcome is Outcome.FAILED:
                why = "name an address with --listen, and let your test system send its updates there"
                return [*findings, *(_left_out(talk, why) for talk in TALKS)]
            async with open_door(self._caller.secret, *listen) as door:
                return [*findings, *[await self._talk(talk, door) for talk in TALKS]]
        finally:
            await self._egress.close()

    async def _probe_all(self) -> list[Finding]:
        first = await self._probe(PROBES[0])
        if first.outcome is Outcome.FAILED:
            why = "a good call was not taken, so a refusal would say nothing"
            return [first, *(_left_out(probe, why) for probe in PROBES[1:])]
        return [first, *[await self._probe(probe) for probe in PROBES[1:]], self._prompt(), self._sound()]

    async def _probe(self, probe: Probe) -> Finding:
        self._caller.now = datetime.now(UTC)
        shots = probe.shots(self._caller)
        if probe.together:
            replies = list(await asyncio.gather(*map(self._send, shots)))
        else:
            replies = [await self._send(shot) for shot in shots]
        return _found(probe, probe.judge(replies), ", ".join(dict.fromkeys(map(str, replies))))

    async def _talk(self, talk: Talk, door: Door) -> Finding:
        self._caller.now = datetime.now(UTC)
        trouble = await talk.hold(self._caller, self._send, door, self._wait)
        return _found(talk, trouble, "as it should be")

    async def _send(self, shot: Shot) -> Reply:
        began = time.monotonic()
        try:
            answer = await self._egress.post(self._url, shot.body, shot.headers)
            reply = Reply(answer.status, time.monotonic() - began)
        except Unreachable as error:
            reply = Reply(None, time.monotonic() - began, str(error))
        self._replies.append(reply)
        return reply

    def _prompt(self) -> Finding:
        slowest = max(reply.seconds for reply in self._replies)
        limit = min(PROMPT, self._patience)
        trouble = f"the slowest answer took {slowest:.1f} s" if slowest > limit else None
        advice = (
            f"Verify, store, answer; work afterwards. After {self._patience:g} s Tierline gives up and tries again."
        )
        return _finding("prompt", f"Answers within {limit:g} s", Weight.SHOULD, trouble, f"{slowest:.2f} s", advice)

    def _sound(self) -> Finding:
        broken = sum(reply.status is None or reply.status >= 500 for reply in self._replies)
        trouble = f"{broken} of {len(self._replies)} calls met a 5xx or no answer" if broken else None
        advice = "A 5xx or silence is tried again for three days; five days of it disable the endpoint."
        saw = f"{len(self._replies)} answers, none of them a 5xx"
        return _finding("sound", "Never answers with a 5xx, or not at all", Weight.MUST, trouble, saw, advice)


def _found(point: Probe | Talk, trouble: str | None, saw: str) -> Finding:
    return _finding(point.name, point.asks, point.weight, trouble, saw, point.advice)


def _finding(name: str, asks: str, weight: Weight, trouble: str | None, saw: str, advice: str) -> Finding:
    outcome = Outcome.FAILED if trouble else Outcome.PASSED
    return Finding(name, asks, weight, outcome, trouble or saw, advice if trouble else "")


def _left_out(point: Probe | Talk, why: str) -> Finding:
    return Finding(point.name, point.asks, point.weight, Outcome.NOT_EXAMINED, why, "")
