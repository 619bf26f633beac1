"""The process behind a nursery: one that has loaded everything, and forks a service in some milliseconds.

It reads lines of JSON, `{"service", "port", "environment", "log"}`, and answers each with `{"born": pid}`; when one ends it says
`{"ended": pid, "code": code}`, the code negative for a signal. When its input ends, all end with it.
"""

import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

if "MUTANT" in os.environ:  # before anything else is loaded
    import mutants  # noqa: F401

import uvicorn

from nursery.clock import Clock
from tierline.kit import crashing
from tierline.kit.service import create_app

PACKAGES = {name: f"{name}.main" for name in ("intake", "tier1", "tier2", "notifier")} | {"tier3": "tier3_liaison.main"}
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def main() -> None:
    """Serve until the input ends."""
    clock = Clock(Path(sys.argv[1]))
    apps = {name: create_app(import_module(place).SERVICE, clock=clock.now) for name, place in PACKAGES.items()}
    import_module("tierline.kit.bus_kafka")
    import_module("tierline.kit.bus_postgres")
    gc.collect()
    gc.freeze()
    _say({"ready": True})
    left = b""
    while True:
        if select.select([0], [], [], 0.03)[0]:
            read = os.read(0, 65_536)
            if not read:
                os.killpg(0, signal.SIGKILL)
            *lines, left = (left + read).split(b"\n")
            for line in lines:
                _say({"born": _bear(apps, json.loads(line))})
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                _say({"ended": ended[0], "code": os.waitstatus_to_exitcode(ended[1])})


def _bear(apps: dict[str, Any], asked: dict[str, Any]) -> int:
    if pid := os.fork():
        return pid
    code = 1
    try:
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
        log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for standard, other in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
            os.dup2(other, standard)
        os.environ.update(asked["environment"])
        crashing.arm(os.environ.get("TIERLINE_CRASH_AT", ""))
        uvicorn.run(
            apps[asked["service"]],
            port=asked["port"],
            log_level="error",
            access_log=False,
            timeout_graceful_shutdown=5,
        )
        code = 0
    finally:
        os._exit(code)


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
