"""Logs: one JSON object a line, each with a stable `action`. Only the fields named here are written; nothing a person
typed, no address, no key ever stands in a log."""

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED = frozenset(
    {
        "action",
        "event",
        "level",
        "timestamp",
        "service",
        "type",
        "topic",
        "position",
        "reason",
        "name",
        "group",
        "source",
        "method",
        "route",
        "status",
        "seconds",
        "trace_id",
        "exception",
        "count",
    }
)


def configure(level: str = "INFO") -> None:
    """Set the process's logging up, once; later calls change the level only."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _where_it_failed,
            _allowed_only,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=structlog.WriteLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    # These tell of every lost connection, with a traceback; we tell of it ourselves, in one line.
    for library in ("aiokafka", "asyncpg", "opentelemetry"):
        logging.getLogger(library).setLevel(logging.CRITICAL)


def _where_it_failed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception's class and place, never its text: the text may quote what a person wrote."""
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        trail, place = error.__traceback__, ""
        while trail is not None:
            code = trail.tb_frame.f_code
            place = f"{code.co_filename.rsplit('/', 1)[-1]}:{trail.tb_lineno}"
            trail = trail.tb_next
        event["exception"] = f"{type(error).__name__} at {place}"
    return event


def _allowed_only(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in event.items() if name in ALLOWED}
