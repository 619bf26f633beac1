"""What every request passes: a size limit, a trace, a clock, safe headers; and the versions that guard a change."""

import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
from starlette.requests import ClientDisconnect

from tierline.kit.errors import ConditionRequired, Stale, Unavailable
from tierline.kit.problems import away, problem
from tierline.kit.telemetry import Metrics
from tierline.kit.trace_context import CURRENT
from tierline.kit.tracing import Tracing

log = structlog.get_logger()

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SAFE = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"x-frame-options", b"DENY"),
]


GONE = 499
"""What the metrics call a request whose client went away before it was answered."""


class _TooLarge(Exception):
    pass


class Door:
    """The outermost layer of a service: whatever goes wrong inside is answered as a problem, never as a traceback."""

    def __init__(
        self, app: App, *, metrics: Metrics, limit: Callable[[str], int], tracing: Callable[[], Tracing]
    ) -> None:
        self._app, self._metrics, self._limit, self._tracing = app, metrics, limit, tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        headers = dict(scope["headers"])
        incoming = headers.get(b"traceparent", b"").decode("latin-1")
        context, span = self._tracing().request(scope["method"], scope["path"], incoming)
        served = CURRENT.set(context)
        limit = self._limit(scope["path"])
        taken = 0

        async def measured() -> MutableMapping[str, Any]:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise _TooLarge
            return message

        async def guarded(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if taken > limit and not status:
                raise _TooLarge  # whatever was made of the torn body, the answer is that it is too large
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), *SAFE]
            await send(message)

        try:
            length = headers.get(b"content-length", b"0")
            if not length.isdigit() or int(length) > limit:
                raise _TooLarge
            await self._app(scope, measured, guarded)
        except _TooLarge:
            if not status:
                taken = 0
                detail = f"a request may hold at most {limit} bytes"
                await problem(413, "too-large", "The request is too large", detail)(scope, receive, guarded)
        except ClientDisconnect:
            status = status or GONE
        except Unavailable as error:
            if not status:
                await away(error)(scope, receive, guarded)
        except Exception as error:
            log.error("request_failed", action="request_failed", route=_route(scope), exc_info=error)
            if not status:
                detail = "this is our fault and has been written down; trying again is safe"
                await problem(500, "internal", "Something went wrong", detail)(scope, receive, guarded)
        finally:
            CURRENT.reset(served)
            self._metrics.request(scope["method"], _route(scope), status, time.perf_counter() - began)
            self._tracing().answered(span, scope["method"], _route(scope), status)


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "unmatched")


def etag(version: int) -> str:
    """The strong validator of a version."""
    return f'"{version}"'


def expected_version(if_match: str | None) -> int:
    """The version that `If-Match` names. Raises `ConditionRequired` without one, `Stale` where it names none."""
    if if_match is None:
        raise ConditionRequired("send If-Match with the ETag that you read, so that no one's change is overwritten")
    found = re.fullmatch(r'\s*"?([0-9]{1,9})"?\s*', if_match)
    if found is None:
        raise Stale("If-Match does not name a version that ever was; read again and send its ETag")
    return int(found.group(1))
