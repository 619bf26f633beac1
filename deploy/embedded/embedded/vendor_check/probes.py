"""The points of the check that an answer alone decides: each makes its calls, and judges the answers. Pure."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from embedded.vendor_check.findings import Weight
from embedded.vendor_check.shots import Caller, Reply, Shot
from tierline.kit.webhooks import new_secret

STALE = timedelta(minutes=10)
BURST = 20
LARGE = 60_000


@dataclass(frozen=True, slots=True)
class Probe:
    """`shots` are sent one after the other, or `together`; `judge` says what is wrong with the answers, if anything."""

    name: str
    asks: str
    weight: Weight
    shots: Callable[[Caller], list[Shot]]
    judge: Callable[[Sequence[Reply]], str | None]
    advice: str
    together: bool = False


def taken(replies: Sequence[Reply]) -> str | None:
    """All must be taken with a 2xx."""
    wrong = next((reply for reply in replies if not reply.taken), None)
    if wrong is None:
        return None
    if wrong.status == 410:
        return "answered 410, on which Tierline disables the endpoint and tells the liaison"
    if wrong.status is not None and 300 <= wrong.status < 400:
        return f"answered {wrong}, a redirect: none is followed, the call counts as failed"
    return f"answered {wrong} where a 2xx was due" if wrong.status else str(wrong)


def refused(replies: Sequence[Reply]) -> str | None:
    """All must be refused with a 4xx: a 2xx lets a forgery in, a 5xx is a crash that anyone can cause."""
    wrong = next((reply for reply in replies if not reply.refused), None)
    if wrong is None:
        return None
    if wrong.taken:
        return f"answered {wrong}: it took what it must refuse"
    return f"answered {wrong} where a 4xx was due"


def _forged(caller: Caller) -> list[Shot]:
    return [caller.signed(caller.call(), secret=new_secret())]


def _changed(caller: Caller) -> list[Shot]:
    genuine = caller.signed(caller.call())
    body = replace(genuine, body=genuine.body.replace(b"user_cannot_work", b"user_cannot_wait"))
    other_id = replace(genuine, headers={**genuine.headers, "webhook-id": f"check-{caller.run}-other"})
    moved = str(int(genuine.headers["webhook-timestamp"]) - 1)
    return [body, other_id, replace(genuine, headers={**genuine.headers, "webhook-timestamp": moved})]


def _unsigned(caller: Caller) -> list[Shot]:
    genuine = caller.signed(caller.call())
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    bare = replace(genuine, headers={"content-type": "application/json"})
    return [
        bare,
        *(replace(genuine, headers={n: v for n, v in genuine.headers.items() if n != gone}) for gone in names),
    ]


def _malformed(caller: Caller) -> list[Shot]:
    genuine = caller.signed(caller.call())
    broken = [caller.with_signature(genuine, text) for text in ("v1", "v1,%%%", "v1,a,b", "nonsense")]
    return [*broken, replace(genuine, headers={**genuine.headers, "webhook-timestamp": "yesterday"})]


def _rotated(caller: Caller) -> list[Shot]:
    other = caller.signed(b"{}", secret=new_secret()).headers["webhook-signature"]
    shots = [caller.signed(caller.call()) for _ in range(2)]
    return [caller.with_signature(shots[0], other + " {}"), caller.with_signature(shots[1], "{} " + other)]


def _raw_bytes(caller: Caller) -> list[Shot]:
    call = json.loads(caller.call(subject="Ünïcode — ñ 北京 / \u2028 and <tags>"))
    spaced = json.dumps(dict(reversed(call.items())), indent=3, ensure_ascii=False).encode() + b"\n"
    return [caller.signed(spaced), caller.signed(json.dumps(call, separators=(",", ":")).encode())]


def _repeated(caller: Caller) -> list[Shot]:
    body, name = caller.call(), f"check-{caller.run}-repeat"
    return [caller.signed(body, id=name), caller.signed(body, id=name, late=timedelta(seconds=-1))]


def _disordered(caller: Caller) -> list[Shot]:
    first, second = caller.ticket(), caller.ticket()
    reply = caller.call("case.reply", first, message="The reporter's answer, before the case itself.")
    back = caller.call("case.withdrawn", second, vendor_ref="")
    return [caller.signed(body) for body in (reply, caller.call(ticket=first), back, caller.call(ticket=second))]


def _newer(caller: Caller) -> list[Shot]:
    kind = caller.call("case.of_a_later_release")
    missing = caller.call("case.missing", missing=[1], heard=0, vendor_ref="")
    return [caller.signed(body) for body in (kind, caller.call(a_new_field={"of": ["a later release"]}), missing)]


SAFETY, MUST, SHOULD = Weight.SAFETY, Weight.MUST, Weight.SHOULD
PROBES = (
    Probe(
        "good", "Takes a call that is signed as Tierline signs", MUST,
        lambda caller: [caller.signed(caller.call())], taken,
        "Compute HMAC-SHA256 of id.timestamp.body with what the base64 after whsec_ decodes to; answer 2xx.",
    ),
    Probe(
        "forged", "Refuses a call that another secret signed", SAFETY, _forged, refused,
        "Compare the signature with the one that your secret gives, in constant time; answer 401 where none fits.",
    ),
    Probe(
        "changed", "Refuses a call whose body, id or time was changed", SAFETY, _changed, refused,
        "Sign over all three parts: the id, the timestamp and the bytes of the body, with full stops between them.",
    ),
    Probe(
        "unsigned", "Refuses a call without its id, time or signature", SAFETY, _unsigned, refused,
        "A header that is missing is a wrong signature: answer 401.",
    ),
    Probe(
        "stale", "Refuses a true call that is replayed ten minutes later, or comes from the future", SAFETY,
        lambda caller: [caller.signed(caller.call(), late=late) for late in (STALE, -STALE)], refused,
        "Refuse a webhook-timestamp more than 300 seconds away from your clock, before or ahead.",
    ),
    Probe(
        "malformed", "Refuses a malformed signature or time without falling over", SAFETY, _malformed, refused,
        "Read the headers as text that anyone may have written: what cannot be parsed is 401, never a 5xx.",
    ),
    Probe(
        "rotation", "Takes a call with two signatures, whichever of them is yours", MUST, _rotated, taken,
        "The header holds signatures with spaces between them; one that fits is enough. It is how secrets are changed.",
    ),
    Probe(
        "other_kind", "Skips a signature of a kind that it does not know", MUST,
        lambda caller: [caller.with_signature(caller.signed(caller.call()), "v1a,bm90IHlvdXJz {}")], taken,
        "Skip what does not begin with `v1,` and go on to the next signature.",
    ),
    Probe(
        "raw_bytes", "Checks the bytes that came, not JSON that it wrote anew", MUST, _raw_bytes, taken,
        "Take the raw body before anything parses it; parsed and written again it has other bytes.",
    ),
    Probe(
        "repeat", "Takes the same call a second time", MUST, _repeated, taken,
        "Remember webhook-ids for a week; answer a known one with 2xx, and do nothing. A 4xx makes Tierline try again.",
    ),
    Probe(
        "disorder", "Takes a reply or a withdrawal that comes before the case", MUST, _disordered, taken,
        "Answer 2xx and keep it until the case comes: each case keeps its order, but a redelivery may change it.",
    ),
    Probe(
        "newer", "Takes types and fields that a later release may send", MUST, _newer, taken,
        "Ignore unknown fields, and answer 2xx to an unknown type.",
    ),
    Probe(
        "not_json", "Refuses a signed body that is not a call, without falling over", SHOULD,
        lambda caller: [caller.signed(body) for body in (b"", b"\xff\xfe", b"[]", b'{"type": 7}')], refused,
        "Answer 400 where the body cannot be read.",
    ),
    Probe(
        "large", "Takes a call of 60 kB", MUST,
        lambda caller: [caller.signed(caller.call(description="long " * (LARGE // 5)))], taken,
        "Let your server and whatever stands before it take bodies of 1 MB.",
    ),
    Probe(
        "burst", f"Takes {BURST} calls at once", MUST,
        lambda caller: [caller.signed(caller.call()) for _ in range(BURST)], taken,
        "Only verify and store before you answer; after an outage everything that waited comes at once.",
        together=True,
    ),
)  # fmt: skip
