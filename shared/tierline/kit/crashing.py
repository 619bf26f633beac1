"""Crash points: every place between two effects has a name, and a test may ask the process to die there.

Nothing is told to anyone and nothing is tidied up: it is SIGKILL, as by a power cut. Unless a point is armed, passing
one costs a comparison. The names, in the order in which one event passes them:

    an event in    inbox.claimed  room.saved  consumer.uncommitted  consumer.committed  bus.handled  bus.moved
    a request      door.uncommitted  door.committed
    an event out   outbox.read  bus.sending (Kafka alone)  outbox.sent  outbox.marked
    a deadline     timer.taken  timer.uncommitted  timer.fired
    a call         call.due  call.made  call.uncommitted  call.recorded
"""

import os
import signal


class _Armed:
    point, left = "", 0


def arm(where: str) -> None:
    """Die at the point `where`, or, as `name:3`, when it is passed the third time. An empty name disarms."""
    _Armed.point, _, count = where.partition(":")
    _Armed.left = int(count or 1)


def point(name: str) -> None:
    """A place between two effects: the process ends here if it was asked to."""
    if name == _Armed.point:
        _Armed.left -= 1
        if _Armed.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get("TIERLINE_CRASH_AT", ""))
