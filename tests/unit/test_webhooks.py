"""Standard Webhooks: we and the published package understand each other; only the real thing is let in."""

import base64
import hmac
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from tierline.kit.errors import Misconfigured, Unauthenticated
from tierline.kit.webhooks import (
    FORGED,
    RETRY_AFTER,
    new_secret,
    next_attempt,
    parse_retry_after,
    secret_bytes,
    sign,
    verify,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
OLD, NEW, STRANGER = ("whsec_" + base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2, 3))
BODY = b'{"type":"resolved","sequence":3}'
IDS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="."), min_size=1, max_size=80)
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))


def refused(secrets: list[str], headers: dict[str, str], body: bytes = BODY, now: datetime = NOW) -> bool:
    try:
        verify(secrets, headers, body, now)
    except Unauthenticated as error:
        if error.detail != FORGED:
            raise
        return True
    return False


# Differential: the published package signs and we verify, and the other way round. It reads the real clock.


@given(id=IDS, data=JSON)
@settings(max_examples=150, deadline=None)
def test_the_package_accepts_what_we_sign(id: str, data: object) -> None:
    body = json.dumps(data, ensure_ascii=False).encode("utf-8", errors="replace")
    assert Webhook(OLD).verify(body, sign([OLD], id, datetime.now(UTC), body)) == json.loads(body)


@given(id=IDS, data=JSON)
@settings(max_examples=150, deadline=None)
def test_we_accept_what_the_package_signs(id: str, data: object) -> None:
    text = json.dumps(data)
    ours = sign([STRANGER], id, NOW, text.encode())
    headers = {name.title(): value for name, value in ours.items()}
    assert verify([OLD], headers | {"Webhook-Signature": Webhook(OLD).sign(id, NOW, text)}, text.encode(), NOW) == id


def test_the_known_example_of_the_specification() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(
    part=st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "body"]),
    place=st.integers(0, 200),
    char=st.characters(),
    how=st.sampled_from(["replace", "insert", "delete", "cut"]),
)
@settings(max_examples=1500, deadline=None)
def test_a_changed_character_is_refused_and_never_crashes(part: str, place: int, char: str, how: str) -> None:
    headers = sign([OLD], "msg_2f9", NOW, BODY)
    text = BODY.decode() if part == "body" else headers[part]
    place %= len(text)
    rest = {"replace": char + text[place + 1 :], "insert": char + text[place:], "delete": text[place + 1 :]}
    changed = text[:place] + rest.get(how, "")
    body = changed.encode(errors="surrogatepass") if part == "body" else BODY
    if part != "body":
        headers[part] = changed
    # A second, unreadable signature beside the good one is allowed: only an untouched token may count.
    whole = changed == text or (part == "webhook-signature" and text in changed.split(" "))
    assert refused([OLD], headers, body) is not whole


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7), body=st.binary(min_size=1, max_size=300))
@settings(max_examples=500, deadline=None)
def test_one_changed_bit_of_any_body_is_refused(place: int, bit: int, body: bytes) -> None:
    headers = sign([OLD, NEW], "m1", NOW, body)
    place %= len(body)
    assert refused([OLD], headers, body[:place] + bytes([body[place] ^ (1 << bit)]) + body[place + 1 :])
    assert not refused([OLD], headers, body)


@given(st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "x"]), st.text()))
@example({"webhook-id": "\ud800", "webhook-timestamp": "٣", "webhook-signature": "v1,\ud800"})
@settings(max_examples=500, deadline=None)
def test_headers_of_any_text_are_refused_and_never_crash(headers: dict[str, str]) -> None:
    assert refused([OLD, NEW], headers)


def test_a_missing_header_is_refused_in_the_same_words() -> None:
    headers = sign([OLD], "m1", NOW, BODY)
    for missing in headers:
        assert refused([OLD], {name: value for name, value in headers.items() if name != missing})


@pytest.mark.parametrize(
    "token",
    ["v1", "v1,", "v1,a,b", "v1,abc", "v1,é", "v1a,AAAA", "", ",", "v2,x", "v1,====", "\ud800", "v1,\x00"],
)
def test_a_malformed_token_is_skipped(token: str) -> None:
    headers = sign([OLD], "m1", NOW, BODY)
    good = headers["webhook-signature"]
    for given_tokens in (f"{token} {good}", f"{good} {token}"):
        assert verify([OLD], {**headers, "webhook-signature": given_tokens}, BODY, NOW) == "m1"
    assert refused([OLD], {**headers, "webhook-signature": token})


@pytest.mark.parametrize("odd", ["{}.9", "+{}", "-{}", "{}e0", "0x{}", "000{}000", " {}", "{}\n", "arabic"])
def test_a_timestamp_is_nothing_but_digits(odd: str) -> None:
    stamp = odd.format(int(NOW.timestamp()))
    if odd == "arabic":
        stamp = str(int(NOW.timestamp())).translate({48 + n: 0x660 + n for n in range(10)})
    token = hmac_token(OLD, f"m1.{stamp}.".encode() + BODY)
    assert refused([OLD], {"webhook-id": "m1", "webhook-timestamp": stamp, "webhook-signature": token})


def test_parts_cannot_be_shifted_across_the_full_stops() -> None:
    """Signed: `m1`, a time, and a body that begins with another time. Replayed with id `m1.<time>`."""
    stamp = int(NOW.timestamp())
    headers = sign([OLD], "m1", NOW - timedelta(hours=2), f"{stamp}.hello".encode())
    shifted = {**headers, "webhook-id": f"m1.{headers['webhook-timestamp']}", "webhook-timestamp": str(stamp)}
    assert refused([OLD], shifted, b"hello")


def test_long_headers_are_refused() -> None:
    headers = sign([OLD], "m1", NOW, BODY)
    assert refused([OLD], {**headers, "webhook-signature": "v1,x " * 500 + headers["webhook-signature"]})
    assert refused([OLD], {**headers, "webhook-signature": headers["webhook-signature"] + " v1,x" * 500})
    assert refused([OLD], {**headers, "webhook-timestamp": "1" * 5000})
    assert refused([OLD], {"webhook-id": "a" * 257, "webhook-timestamp": "1", "webhook-signature": "v1,x"})


def test_every_secret_meets_every_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def counted(ours: bytes, theirs: bytes) -> bool:
        compared.append(theirs)
        return ours == theirs

    monkeypatch.setattr("tierline.kit.webhooks.hmac.compare_digest", counted)
    headers = sign([OLD, NEW, STRANGER], "m1", NOW, BODY)
    verify([OLD, NEW], headers, BODY, NOW)
    assert refused([OLD, NEW], {**headers, "webhook-timestamp": "soon"})
    assert len(compared) == 2 * 2 * 3


@pytest.mark.parametrize(("seconds", "late"), [(0, False), (300, False), (301, True), (-300, False), (-301, True)])
def test_a_captured_request_is_worth_nothing_after_five_minutes(seconds: int, late: bool) -> None:
    headers = sign([OLD], "m1", NOW, BODY)
    assert refused([OLD], headers, now=NOW + timedelta(seconds=seconds)) is late


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=-8)))
    assert sign([OLD], "m1", there, BODY) == sign([OLD], "m1", NOW, BODY)


def test_while_secrets_change_either_works_and_afterwards_only_the_new_one() -> None:
    overlap = sign([NEW, OLD], "m1", NOW, BODY)
    assert overlap["webhook-signature"].count("v1,") == 2
    assert not refused([OLD], overlap)
    assert not refused([NEW], overlap)
    assert not refused([NEW, OLD], sign([OLD], "m1", NOW, BODY))
    assert refused([NEW], sign([OLD], "m1", NOW, BODY))
    assert refused([], overlap)


def test_a_new_secret_has_32_bytes_and_is_never_the_same() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert {len(secret_bytes(secret)) for secret in made} == {32}


@pytest.mark.parametrize(
    "secret",
    [
        *("", "whsec_", "plain", "whsec_é", "whsec_A", "whsec_" + "A" * 28, "whsec_" + "A" * 88),
        *("WHSEC_" + OLD[6:], OLD[6:], OLD + " ", OLD + "\n", "whsec_*" + OLD[7:]),
    ],
)
def test_a_bad_secret_is_named_without_being_shown(secret: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        secret_bytes(secret)
    assert OLD[10:40] not in str(caught.value)
    assert "AAAA" not in str(caught.value)
    for use in (lambda: sign([secret], "m1", NOW, BODY), lambda: verify([secret], {}, BODY, NOW)):
        with pytest.raises(Misconfigured):
            use()


def test_signing_refuses_what_no_receiver_would_take() -> None:
    for id in ("", "a.b", "a b", "é", "a\n", "x" * 257):
        with pytest.raises(ValueError, match="webhook needs an id"):
            sign([OLD], id, NOW, BODY)
    with pytest.raises(ValueError, match="aware time"):
        sign([OLD], "m1", NOW.replace(tzinfo=None), BODY)
    with pytest.raises(Misconfigured):
        sign([], "m1", NOW, BODY)


def test_the_schedule_takes_ten_attempts_in_75_hours() -> None:
    now, made = NOW, []
    while (at := next_attempt(len(made), now, jitter=0, retry_after=None)) is not None:
        made.append(at)
        now = at
    assert len(made) == len(RETRY_AFTER) == 10
    assert made[0] == NOW
    assert made[-1] - NOW == timedelta(hours=75, minutes=35, seconds=5)
    with pytest.raises(ValueError, match="never negative"):
        next_attempt(-1, NOW, jitter=0, retry_after=None)


@given(attempts=st.integers(0, 12), jitter=st.floats(0, 1), wish=st.none() | st.timedeltas())
def test_a_pause_is_never_shorter_than_planned_nor_much_longer_than_a_day(
    attempts: int, jitter: float, wish: timedelta | None
) -> None:
    at = next_attempt(attempts, NOW, jitter=jitter, retry_after=wish)
    assert (at is None) is (attempts >= 10)
    if at is not None:
        assert RETRY_AFTER[attempts] <= at - NOW <= timedelta(hours=24) * 1.1
        if wish is not None:
            assert at - NOW >= min(wish, timedelta(hours=24))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *(("120", timedelta(seconds=120)), (" 0 ", timedelta(0))),
        (format_datetime(NOW + timedelta(hours=1), usegmt=True), timedelta(hours=1)),
        (format_datetime(NOW - timedelta(hours=1), usegmt=True), timedelta(0)),
        ("Mon, 23 Nov 2026 09:00:07 -0000", timedelta(seconds=7)),
        *((odd, None) for odd in (None, "", "soon", "-5", "1.5", "٣", "9" * 50, "Mon, 99 Nov 2026 09:00:00 GMT")),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, expected: timedelta | None) -> None:
    assert parse_retry_after(value, NOW) == expected


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ ([A-Z]+|[+-]\d+)"))
@settings(max_examples=500, deadline=None)
def test_any_retry_after_is_read_or_left(value: str) -> None:
    parsed = parse_retry_after(value, NOW)
    assert parsed is None or parsed >= timedelta(0)
    assert next_attempt(1, NOW, jitter=1, retry_after=parsed) is not None


def test_the_sample_of_the_page_verifies_what_we_send() -> None:
    page = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
    (sample,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    room: dict[str, object] = {}
    exec(compile(sample, "docs/webhooks.md", "exec"), room)
    genuine = room["genuine"]
    assert callable(genuine)
    now = datetime.now(UTC)
    headers = sign([NEW, OLD], "m1", now, BODY)
    assert genuine(headers, BODY, OLD)
    assert genuine(headers, BODY, NEW)
    assert not genuine(headers, BODY, STRANGER)
    assert not genuine(headers, BODY + b" ", OLD)
    assert not genuine(sign([OLD], "m1", now - timedelta(minutes=6), BODY), BODY, OLD)
    minutes = [f"{pause.total_seconds():g}" for pause in RETRY_AFTER]
    assert f"`{' '.join(minutes)}`" in page, "the page must give the schedule in seconds"


def hmac_token(secret: str, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(secret_bytes(secret), signed, "sha256")).decode()
