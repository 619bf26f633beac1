"""A storm's count is worth something: a sound ledger is silent, each way of breaking a promise is named, and the plan is as large as it says."""

from collections import Counter
from collections.abc import Callable

import pytest

from storm.ledger import LIVES, Ledger
from storm.plan import plan

TICKET = "01a211a2-3670-7647-86a5-64bb208b1367"


def _lived(name: str = "mended", *, callback: bool = False) -> Ledger:
    ledger, life = Ledger(), LIVES[name]
    ledger.accept(7, life, TICKET, callback=callback)
    for version, notice in enumerate(life.notices, 1):
        for lane in ("mail", "webhook")[: 1 + callback]:
            ledger.arrive(lane, f"{TICKET}-{version}-{notice}-{lane}")
    if life.vendor_says:
        ledger.assigned[TICKET, "call-1"] += 1
    return ledger


@pytest.mark.parametrize("name", LIVES)
@pytest.mark.parametrize("callback", [False, True])
def test_a_life_that_brought_what_it_had_to_is_sound(name: str, callback: bool) -> None:
    ledger = _lived(name, callback=callback)
    assert list(ledger.breaches()) == []
    assert ledger.missing() == 0


def test_a_repeat_under_the_same_identity_is_counted_and_is_no_breach() -> None:
    ledger = _lived()
    assert ledger.arrive("mail", f"{TICKET}-1-received-mail") == (TICKET, "received", False)
    ledger.assigned[TICKET, "call-1"] += 1
    assert list(ledger.breaches()) == []
    assert ledger.repeats() == {"mails": 1, "webhooks": 0, "assignments": 1}


BROKEN: dict[str, Callable[[Ledger], object]] = {
    "DOUBLED": lambda ledger: ledger.accept(7, LIVES["mended"], f"{TICKET[:-1]}8", callback=False),
    "UNTOLD": lambda ledger: ledger.first["mail", TICKET].pop(),
    "TOLD TOO OFTEN": lambda ledger: ledger.arrive("mail", f"{TICKET}-9-closed-mail"),
    "OVERTAKEN": lambda ledger: ledger.first["mail", TICKET].reverse(),
    "ASSIGNED 2 TIMES": lambda ledger: ledger.assigned.update({(TICKET, "call-2"): 1}),
    "ASSIGNED 0 TIMES": lambda ledger: ledger.assigned.clear(),
    "UNKNOWN": lambda ledger: ledger.arrive("mail", "01a2-1-received-mail"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_each_broken_promise_is_named(kind: str) -> None:
    ledger = _lived()
    BROKEN[kind](ledger)
    assert [line for line in ledger.breaches() if line.startswith(kind)]


@pytest.mark.parametrize("kafka", [True, False])
def test_ten_minutes_of_storm_hold_what_they_must(kafka: bool) -> None:
    blows = plan(4711, 600, kafka=kafka)
    many = Counter(blow.what for blow in blows)
    assert many["kill"] >= 300
    assert many["postgres"] >= 20
    assert (many["kafka"] >= 20) is kafka
    assert blows == plan(4711, 600, kafka=kafka) != plan(4712, 600, kafka=kafka)
    assert all(0 <= blow.at <= 600 for blow in blows)
