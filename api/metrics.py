"""What is counted and measured, in a registry of each application's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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

        self.source_configured = self._gauge(
            "source_configured", "1 when a source has all it needs", "source"
        )
        self.source_degraded = self._gauge(
            "source_degraded", "1 while a source's last use failed or it isn't asked", "source"
        )
        self.source_open = self._gauge(
            "source_breaker_open", "1 while a source isn't asked, 0.5 for a probe", "source"
        )
        self.source_success = self._gauge(
            "source_last_success_timestamp_seconds", "When a source last gave its data", "source"
        )
        # Gauges, though they only grow: the counting is the database's, not this process's.
        self.source_calls = self._gauge("source_calls", "Calls made to a source", "source")
        self.source_retries = self._gauge("source_retries", "Of them, repeated ones", "source")
        self.source_waited = self._gauge(
            "source_waited_seconds", "Spent waiting for a source's call rate", "source"
        )
        self.alerts = self._gauge(
            "alert_messages", "Messages of alerts; failed: none got there since", "status"
        )

    def tell_source(self, name: str, state: Mapping[str, Any]) -> None:
        """Set a source's gauges from its state as /health tells it."""
        if state["age_seconds"] is not None:
            self.source_age.labels(name).set(state["age_seconds"])
        if state["last_success"] is not None:
            self.source_success.labels(name).set(state["last_success"].timestamp())
        self.source_configured.labels(name).set(state["missing"] is None)
        self.source_degraded.labels(name).set(state["state"] == "degraded")
        opened = {"closed": 0.0, "half-open": 0.5, "open": 1.0}[state["breaker"]]
        self.source_open.labels(name).set(opened)
        self.source_calls.labels(name).set(state["calls"])
        self.source_retries.labels(name).set(state["retries"])
        self.source_waited.labels(name).set(state["waited_seconds"])

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(f"closebell_{name}", words, labels, registry=self.registry)

    def _gauge(self, name: str, words: str, *labels: str) -> Gauge:
        return Gauge(f"closebell_{name}", words, labels, registry=self.registry)
