"""What is counted and measured, in a registry of each application's own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The API's metrics; every name begins with closebell_."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = {"registry": self.registry, "namespace": "closebell"}
        self.requests = Counter(
            "http_requests", "Requests answered", ["route", "status"], **own
        )
        self.seconds = Histogram(
            "http_request_seconds", "Time to answer", ["route"], buckets=_BUCKETS, **own
        )
        self.kept = Counter("http_kept_answers", "Requests answered without a query", **own)
        self.connections = Gauge("db_connections_in_use", "Connections checked out", **own)
        self.clients = Gauge("live_clients", "WebSocket clients", **own)
        self.waiting = Gauge("live_messages_waiting", "Messages not yet sent to clients", **own)
        self.sent = Counter("live_messages", "Messages handed to clients", ["type"], **own)
        self.closed = Counter("live_closed", "Clients closed by the server", ["code"], **own)
        self.events = Counter("events", "Events read from the database", ["kind"], **own)
        self.last_event = Gauge("last_event_id", "Newest event seen", **own)
        self.listening = Gauge("listening", "1 while notifications are listened for", **own)
        self.reconnects = Counter("listen_failures", "Lost or refused listening connections", **own)
        self.event_seconds = Histogram(
            "event_dispatch_seconds", "From commit to the last client's queue", **own
        )
        self.scan_age = Gauge(
            "scan_age_seconds", "Since each scanner's newest scan", ["scanner"], **own
        )
        self.scan_behind = Gauge(
            "scan_sessions_behind", "Sessions closed since that scan's", ["scanner"], **own
        )
        self.source_age = Gauge(
            "source_age_seconds", "Since each source was last collected from", ["source"], **own
        )
