"""OpenTelemetry traces, when an OTLP endpoint is configured; else nothing of it is imported.

The standard variables are read: OTEL_EXPORTER_OTLP_ENDPOINT (or …_TRACES_ENDPOINT), and all others
of the SDK.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from fastapi import FastAPI

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
FLUSH_MILLISECONDS = 5000
Kind = Literal["internal", "client", "server", "producer", "consumer"]
_UNTRACED = "/ws,/health,/metrics"


def wanted() -> bool:
    """Whether traces are to be sent anywhere."""
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not off and any(os.environ.get(name) for name in ENDPOINTS)


def configure() -> None:
    """Send spans to the endpoint from now on; once a process, and nothing without an endpoint."""
    if not wanted():
        return
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    about = {"service.name": os.environ.get("OTEL_SERVICE_NAME", "closebell")}
    resource = Resource.create(about | {"service.version": version("closebell")})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    SQLAlchemyInstrumentor().instrument(skip_dep_check=True)  # it says less than 2.1; a test looks


@contextmanager
def span(
    name: str, *, kind: Kind = "internal", parent: str | None = None, **about: Any
) -> Iterator[None]:
    """A span around a block; errors that leave it are recorded by their class.

    Args:
        parent: a traceparent to go on from, else what is going on here.
        about: attributes; None is left out. Never a secret.
    """
    if not _on():
        yield
        return
    from opentelemetry import propagate, trace

    context = propagate.extract({"traceparent": parent}) if parent else None
    told = {f"closebell.{key}": value for key, value in about.items() if value is not None}
    with trace.get_tracer("closebell").start_as_current_span(
        name,
        context,
        trace.SpanKind[kind.upper()],
        attributes=told,
        record_exception=False,  # its message may hold what isn't for the collector
        set_status_on_exception=False,
    ) as current:
        try:
            yield
        except BaseException as error:
            current.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise


def note(**about: Any) -> None:
    """Attributes of the span that is going on, if any."""
    if _on():
        from opentelemetry import trace

        current = trace.get_current_span()
        for key, value in about.items():
            current.set_attribute(f"closebell.{key}", value)


def traceparent() -> str | None:
    """What names the span that is going on, for another process to go on from."""
    if not _on():
        return None
    from opentelemetry import propagate

    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")


def flush() -> None:
    """Send what waits, within some seconds; a process that a signal ends does it before."""
    if _on():
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider

        if isinstance(provider := trace.get_tracer_provider(), TracerProvider):
            provider.force_flush(FLUSH_MILLISECONDS)


def add_ids(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: the ids of trace and span on every line inside one."""
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        line["trace_id"] = trace.format_trace_id(context.trace_id)
        line["span_id"] = trace.format_span_id(context.span_id)
    return line


def watch_app(app: FastAPI) -> None:
    """A span for every request, within the client's trace if it has one; not for probes."""
    if wanted():
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

        FastAPIInstrumentor.instrument_app(
            app, excluded_urls=_UNTRACED, exclude_spans=["receive", "send"]
        )


def carried(work: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, to be run in another thread inside the span that is going on here."""
    if not _on():
        return work
    from contextvars import copy_context
    from functools import partial

    return partial(copy_context().run, work)


def _on() -> bool:
    """Whether `configure` turned it on: cheap, since every request asks."""
    return "opentelemetry.sdk.trace" in sys.modules
