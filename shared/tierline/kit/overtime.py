"""A rule is pure and quick. One that is not is stopped, since everything else of its process waits for it meanwhile.

What stops it is a signal to the main thread, whatever the rule is caught in: a timer of the processor's time sends it for a
loop or a pattern that backtracks, which let no thread work beside them, and a thread for a lock or a sleep, which need no
processor. A loop that does not run in the main thread cannot be interrupted so, and has no limit.
"""

import atexit
import signal
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from tierline.kit.errors import KitError

LONGEST = 2.0
"""Seconds for one rule on one fact."""

LONGEST_BATCH = 6.0
"""Seconds for the rules of a whole batch: well within what PostgreSQL lets a transaction stand idle."""

LOOKS = 8
"""How often within that time somebody looks at the clock."""

SIGNAL = signal.SIGVTALRM

T = TypeVar("T")


class TookTooLong(KitError):
    """A rule did not come to its end within the time that it has."""


class NotReached(KitError):
    """The rules before it used up the time of the batch; it is tried again by itself."""


class _Clock:
    """Since when a rule is at work, and the thread that looks at it."""

    def __init__(self) -> None:
        self.began: float | None = None
        self._watching = False

    def watch(self) -> None:
        """Begin to look, where it can be of use."""
        if self._watching or threading.current_thread() is not threading.main_thread():
            return
        self._watching = True
        signal.signal(SIGNAL, self._stop)
        signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST / LOOKS, LONGEST / LOOKS)
        # When Python ends it lets go of our handler, and the next signal would kill the process on its way out.
        atexit.register(signal.setitimer, signal.ITIMER_VIRTUAL, 0.0)
        threading.Thread(target=self._look, name="overtime", daemon=True).start()

    def _look(self) -> None:
        while True:
            time.sleep(LONGEST / LOOKS)
            if self._late():
                signal.pthread_kill(threading.main_thread().ident or 0, SIGNAL)

    def _stop(self, *_: Any) -> None:
        if self._late():
            self.began = time.monotonic()  # whoever swallows this is told again, and not before
            raise TookTooLong(f"a rule took longer than {LONGEST:.0f} s")

    def _late(self) -> bool:
        began = self.began
        return began is not None and time.monotonic() - began > LONGEST


_CLOCK = _Clock()


def in_time(rule: Callable[..., T], *arguments: Any) -> T:
    """What the rule decides. Raises `TookTooLong`."""
    _CLOCK.watch()
    _CLOCK.began = time.monotonic()
    try:
        try:
            return rule(*arguments)
        finally:
            _CLOCK.began = None
    finally:
        _CLOCK.began = None  # the signal may have come in the line above
