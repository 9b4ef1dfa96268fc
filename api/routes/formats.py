"""Pages of signals as JSON, CSV or an Arrow stream."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from api import views
from api.answers import JSON, Answer, answer

MEDIA_TYPES = {
    "json": JSON,
    "csv": "text/csv; charset=utf-8",
    "arrow": "application/vnd.apache.arrow.stream",
}


def signals(rows: Sequence[views.Row], chosen: str, next_page: str | None) -> Answer:
    """The rows in that format; in CSV and Arrow reasons, parts and flags are JSON text."""
    if chosen == "json":
        body = views.dumps([views.signal(row) for row in rows])
    elif chosen == "csv":
        body = views.signal_frame(rows).write_csv(datetime_format="%+").encode()
    else:
        buffer = io.BytesIO()
        views.signal_frame(rows).write_ipc_stream(buffer)
        body = buffer.getvalue()
    return answer(body, MEDIA_TYPES[chosen], next_page)


def next_page(path: str, query_string: bytes, cursor: object) -> str:
    """The address of the page that begins after the cursor."""
    query: list[tuple[str, Any]] = [
        pair for pair in parse_qsl(query_string.decode("latin-1")) if pair[0] != "cursor"
    ]
    return f"{path}?{urlencode([*query, ('cursor', str(cursor))])}"
