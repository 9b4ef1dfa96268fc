"""What is counted and measured, in a registry of each application's own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The API's metrics; every name begins with closebell_."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("http_requests", "Requests answered", "route", "status")
        self.seconds = Histogram(
            "closebell_http_request_seconds",
            "Time to answer",
            ["route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.kept = self._counter("http_kept_answers", "Requests answered without a query")
        self.connections = self._gauge("db_connections_in_use", "Connections checked out")
        self.clients = self._gauge("live_clients", "WebSocket clients")
        self.waiting = self._gauge("live_messages_waiting", "Messages not yet sent to clients")
        self.sent = self._counter("live_messages", "Messages handed to clients", "type")
        self.closed = self._counter("live_closed", "Clients closed by the server", "code")
        self.events = self._counter("events", "Events read from the database", "kind")
        self.last_event = self._gauge("last_event_id", "Newest event seen")
        self.listening = self._gauge("listening", "1 while notifications are listened for")
        self.losses = self._counter("listen_failures", "Lost or refused listening connections")
        self.event_seconds = Histogram(
            "closebell_event_dispatch_seconds",
            "From an event's transaction to the last client's queue",
            registry=self.registry,
        )
        self.scan_age = self._gauge(
            "scan_age_seconds", "Since each scanner's newest scan", "scanner"
        )
        self.scan_behind = self._gauge(
            "scan_sessions_behind", "Sessions closed since that scan's", "scanner"
        )
        self.source_age = self._gauge(
            "source_age_seconds", "Since each source was last collected from", "source"
        )

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(f"closebell_{name}", words, labels, registry=self.registry)

    def _gauge(self, name: str, words: str, *labels: str) -> Gauge:
        return Gauge(f"closebell_{name}", words, labels, registry=self.registry)
