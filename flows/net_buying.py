"""Net buying: the session scored with the day's net buying as it is known after the close."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows.evening import rescore
from flows.turn import Outcome, in_turn


@flow(name="net-buying")
def net_buying(session: date | None = None, source: str | None = None) -> Outcome:
    """Score a closed session with its own net buying, marked preliminary until it is final.

    Args:
        session: by default today's; see flows/turn.py.
        source: see CLOSEBELL_SOURCE.

    Raises:
        ClosebellError: what the steps raise; what was published before stays.
    """
    return in_turn(
        "net-buying",
        lambda room, turn: rescore(room, turn.session),
        session=session,
        source=source,
    )
