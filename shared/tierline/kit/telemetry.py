"""Metrics. Every name is here; no label ever holds an id or anything a person wrote."""

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """The metrics of one service, in a registry of its own, so that five of them fit into one process."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        name = {"registry": self.registry}
        labels = {"service": service}
        requests = Histogram(
            "tierline_request_seconds",
            "Requests by route and status",
            ["service", "method", "route", "status"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
            **name,  # type: ignore[arg-type]
        )
        self._requests = requests
        self._events = Counter(
            "tierline_events_total",
            "Events read, by what came of them",
            ["service", "outcome"],
            **name,  # type: ignore[arg-type]
        )
        self._repairs = Counter(
            "tierline_watch_repairs_total",
            "Steps told again because nobody had taken them",
            ["service", "step"],
            **name,  # type: ignore[arg-type]
        )
        self._gauges: dict[str, Gauge] = {
            key: Gauge(f"tierline_{key}", text, ["service"], **name)  # type: ignore[arg-type]
            for key, text in {
                "outbox_unpublished": "Events decided and not yet told",
                "outbox_oldest_seconds": "Age of the oldest of them",
                "outbox_limit": "So many may wait; then nothing more is taken in",
                "outbox_full": "1 while nothing more is taken in",
                "outbox_refused": "Events that the bus will never take; those of their key wait behind them",
                "calls_pending": "Outgoing calls not yet made",
                "calls_oldest_seconds": "Age of the oldest of them",
                "targets_closed": "Places that are not called until someone acts",
                "parked": "Events that wait to be tried again",
                "dead_letters": "Events that wait for a person",
                "timers_overdue": "Deadlines that have passed and not fired",
                "consumer_idle_seconds": "Since the last batch came, or since the start",
                "watch_last_look_timestamp_seconds": "When the watchdog last looked at everything; old means it is dead",
                "watch_late": "What that look found past its next step",
            }.items()
        }
        self._service, self._labels = service, labels
        self._children: dict[tuple[str, str, int], Any] = {}

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answered request; `route` is the template, never the path."""
        key = (method, route, status)
        child = self._children.get(key)
        if child is None:
            child = self._requests.labels(self._service, method, route, str(status))
            self._children[key] = child
        child.observe(seconds)

    def events(self, count: int, outcome: str) -> None:
        """So many events came to this: applied, repeated, parked or dead."""
        if count:
            self._events.labels(self._service, outcome).inc(count)

    def repaired(self, step: str) -> None:
        """The watchdog told a step again; `step` is the kind of fact."""
        self._repairs.labels(self._service, step).inc()

    def set(self, gauge: str, value: float) -> None:
        """Set one of the gauges."""
        self._gauges[gauge].labels(self._service).set(value)
