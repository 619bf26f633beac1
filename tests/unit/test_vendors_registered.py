"""A vendor's endpoint: secrets overlap, and what is gone or dead for five days is disabled until someone enables it."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as some

from tier3_liaison.registry import DEAD, DEAD_AFTER, GONE, Endpoint, after_attempt, registered
from tierline.kit import webhooks
from tierline.kit.calls import Result
from tierline.kit.testing import MONDAY_MORNING as NOW

OLD, NEW = webhooks.new_secret(), webhooks.new_secret()
TAKEN, BROKEN = Result(delivered=True, note="HTTP 202"), Result(delivered=False, note="HTTP 500")
SAID_GONE = Result(delivered=False, note="HTTP 410", final=True)
DAY = timedelta(hours=24)


def acme(secret: str = OLD, known: Endpoint | None = None, *, enabled: bool = True) -> Endpoint:
    return registered(known, "acme", "https://acme.example/hook", secret, DAY, enabled, NOW)


def test_both_secrets_count_while_they_overlap_and_only_the_new_one_after() -> None:
    changed = acme(NEW, acme())
    assert changed.valid_secrets(NOW) == (NEW, OLD)
    assert changed.valid_secrets(NOW + DAY) == (NEW,)
    signed = webhooks.sign(changed.valid_secrets(NOW), "call-1", NOW, b"{}")
    for secret in (OLD, NEW):
        assert webhooks.verify([secret], signed, b"{}", NOW) == "call-1"


def test_the_same_secret_again_changes_nothing_and_takes_no_old_one_away() -> None:
    changed = acme(NEW, acme())
    assert acme(NEW, changed) == changed


def test_an_endpoint_that_says_gone_is_disabled_at_once() -> None:
    gone = after_attempt(acme(), SAID_GONE, NOW)
    assert (gone.state, gone.disabled_why) == ("disabled", GONE)
    assert acme(known=gone).state == "enabled"


@given(some.lists(some.tuples(some.sampled_from([TAKEN, BROKEN]), some.integers(1, 60)), max_size=60))
def test_it_is_disabled_exactly_when_five_days_pass_without_a_call_that_was_taken(
    story: list[tuple[Result, int]],
) -> None:
    endpoint, now, failing_since = acme(), NOW, None
    for result, hours in story:
        now += timedelta(hours=hours)
        failing_since = None if result.delivered else failing_since or now
        endpoint = after_attempt(endpoint, result, now)
        dead = failing_since is not None and now - failing_since >= DEAD_AFTER
        assert (endpoint.state == "disabled") is dead
        if dead:
            assert endpoint.disabled_why == DEAD
            return


def test_disabled_by_hand_it_says_so() -> None:
    assert acme(known=acme(), enabled=False).disabled_why == "disabled by hand"
