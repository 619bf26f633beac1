"""Standard Webhooks 1.0.0: sign what goes out, verify what comes in, say when a failed one goes out again.

What is signed is `id.timestamp.body`, with HMAC-SHA256, over the very bytes of the body. While a secret is
being changed there are two of them: a sender signs with both, a receiver accepts either. Pure: the caller
brings the time.
"""

import base64
import hmac
import re
import secrets as randomness
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from tierline.kit.errors import Misconfigured, Unauthenticated

PREFIX = "whsec_"
TOLERANCE = timedelta(seconds=300)
FORGED = "The webhook's id, timestamp or signature is missing, stale or wrong"

# The pause before each attempt, the first one included: 75 hours and 35 minutes in all.
RETRY_AFTER = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
LONGEST_WISH = timedelta(hours=24)
JITTER = 0.1

# No full stop in an id: it parts id, timestamp and body, and a shifted part must not pass as another.
_ID = re.compile(r"[!-\-/-~]{1,256}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SECONDS = re.compile(r"[0-9]{1,10}")
_LONGEST_SIGNATURES = 2048


def new_secret() -> str:
    """A fresh secret of 32 random bytes."""
    return PREFIX + base64.b64encode(randomness.token_bytes(32)).decode()


def derived_secret(root: str, name: str) -> str:
    """The secret that belongs to `name` for as long as `root` stays the same: nothing needs to be stored."""
    return PREFIX + base64.b64encode(hmac.digest(root.encode(), b"webhooks:" + name.encode(), "sha256")).decode()


def secret_bytes(secret: str) -> bytes:
    """The key that a secret stands for.

    Raises:
        Misconfigured: it is not `whsec_` and the base64 of 24 to 64 bytes. The message does not show it.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise Misconfigured("A webhook secret must be whsec_ followed by the base64 of 24 to 64 random bytes")
    return key


def sign(secrets: Sequence[str], id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of one attempt: one signature for each secret that is valid now.

    Raises:
        Misconfigured: there is no secret, or one is malformed.
        ValueError: `id` has a full stop, a space or what else a receiver would refuse; or `at` is naive.
    """
    if not secrets:
        raise Misconfigured("A webhook cannot be signed: there is no secret for its receiver")
    if not _ID.fullmatch(id) or at.tzinfo is None:
        raise ValueError("a webhook needs an id of 1 to 256 visible ASCII letters without '.' and an aware time")
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, id, timestamp, body) for secret in secrets),
    }


def verify(
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> str:
    """The webhook's id, if one of the secrets signed exactly this, lately.

    Every secret meets every signature and nothing ends early, so neither the answer nor its time tells which
    part failed. A signature of another kind, or a malformed one, is no match and no obstacle to the next one.

    Raises:
        Unauthenticated: always with the same words.
        Misconfigured: one of our own secrets is malformed.
    """
    named = {name.lower(): value for name, value in headers.items()}
    id, timestamp, given = (named.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
    shaped = bool(_ID.fullmatch(id) and _TIMESTAMP.fullmatch(timestamp) and len(given) <= _LONGEST_SIGNATURES)
    fresh = shaped and abs(now.timestamp() - int(timestamp)) <= tolerance.total_seconds()
    tokens = [token.encode(errors="replace") for token in given[:_LONGEST_SIGNATURES].split(" ")]
    matches = 0
    for secret in secrets:
        expected = _signature(secret, id, timestamp, body).encode()
        for token in tokens:
            matches += hmac.compare_digest(expected, token)
    if not (shaped and fresh and matches):
        raise Unauthenticated(FORGED)
    return id


def _signature(secret: str, id: str, timestamp: str, body: bytes) -> str:
    # Header text that is not ASCII fails by its shape; here it must only not crash.
    signed = b".".join((id.encode(errors="replace"), timestamp.encode(errors="replace"), body))
    return "v1," + base64.b64encode(hmac.digest(secret_bytes(secret), signed, "sha256")).decode()


def next_attempt(attempts: int, now: datetime, *, jitter: float, retry_after: timedelta | None) -> datetime | None:
    """When to try again after `attempts` attempts, or None when they are used up.

    `jitter`, from 0 to 1, draws the pause out by up to a tenth, so that what failed together does not return
    together. What the other side asked for (`retry_after`) can only make the pause longer, by up to a day.
    """
    if attempts < 0:
        raise ValueError("the number of attempts made is never negative")
    if attempts >= len(RETRY_AFTER):
        return None
    wish = min(retry_after or timedelta(0), LONGEST_WISH)
    return now + max(RETRY_AFTER[attempts], wish) * (1 + JITTER * jitter)


def parse_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """The pause that a Retry-After header asks for, in seconds or as a date; None if none can be read."""
    text = (value or "").strip()[:64]
    if _SECONDS.fullmatch(text):
        return timedelta(seconds=int(text))
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(moment - now, timedelta(0))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
