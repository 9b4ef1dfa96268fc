"""Structured logs: readable lines on a terminal, JSON elsewhere; always on stderr."""

from __future__ import annotations

import logging
import sys

import structlog

import tracing

LOGGER = "closebell"


def configure(level: str | None = None) -> None:
    """Send structlog through the standard logger `closebell`, so that Prefect may listen too.

    Without a level a terminal, where a person watches, shows warnings; a file or a journal info.
    """
    level = level or ("warning" if sys.stderr.isatty() else "info")
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=False),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        *([tracing.add_ids] if tracing.wanted() else []),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logger = logging.getLogger(LOGGER)
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False


def get() -> structlog.stdlib.BoundLogger:
    """The program's logger; bind run id, session and scanner with structlog's contextvars."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(LOGGER)
    return logger
