"""Events as the messages that clients get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, TypeAlias
from urllib.parse import urlencode

from api import views
from api.queries import BestCursor
from api.transport import frame_of
from db.repositories import Repositories
from db.repositories.events import TRACE
from db.repositories.signal_pages import SignalFilter, position_of_best
from market.scanners import SCANNERS

Slot: TypeAlias = tuple[str, date, str]
MOST = 100  # signals in one message
SIGNAL_TOPICS = tuple(f"signal:{name}" for name in SCANNERS)
GATE_TOPIC, SCAN_TOPIC = "market-gate", "scan"
INDEX_TOPICS = {"kospi": "market:kospi", "kosdaq": "market:kosdaq"}


@dataclass(frozen=True)
class Message:
    """One message for everybody who subscribed to `topic`; `id` is None for what isn't replayed."""

    id: int | None
    topic: str
    type: str
    text: str
    created_at: datetime | None = None
    traceparent: str | None = None

    @cached_property
    def frame(self) -> bytes:
        """The text as a WebSocket frame, made once for all clients."""
        return frame_of(self.text)


def known_topic(topic: str) -> bool:
    """Whether there is such a topic."""
    if topic in (*SIGNAL_TOPICS, GATE_TOPIC, SCAN_TOPIC, *INDEX_TOPICS.values()):
        return True
    kind, _, ticker = topic.partition(":")
    return kind == "price" and len(ticker) == 6 and ticker.isascii() and ticker.isalnum()


class Teller:
    """Makes messages of events, all in one state of the database; a slot is read once."""

    def __init__(self, tx: Repositories, prefect_ui_url: str) -> None:
        self._tx = tx
        self._prefect_ui_url = prefect_ui_url
        self._slots: dict[Slot, tuple[list[dict[str, Any]], int]] = {}

    def of_event(self, event: Mapping[str, Any]) -> Message | None:
        """The message of an event, with what is stored now; None for one that isn't for clients.

        Raises:
            KeyError, TypeError, ValueError: the event isn't what its kind says.
        """
        number, kind, payload = event["id"], event["kind"], event["payload"]
        if kind == "signal_update":
            slot = (payload["signal_type"], _day(payload["session"]), str(payload["as_of"]))
            counts = {name: int(payload[name]) for name in ("new", "changed", "withdrawn")}
            data: Any = self._signals(slot, views.local(event["created_at"]), counts)
        elif kind == "market_gate_update":
            row = self._tx.gates.get(_day(payload["session"]), str(payload["as_of"]))
            if row is None:
                return None
            data = views.gate(row)
        elif kind == "scan_update":
            run = self._run(payload)
            if run is None:
                return None
            data = views.scan(run, self._prefect_ui_url)
        else:
            return None
        trace = payload.get(TRACE)
        return _message(number, event["topic"], kind, data, event["created_at"], trace)

    def snapshot(self, topics: set[str]) -> list[Message]:
        """How things stand, for a client whose last event is gone."""
        tx, number = self._tx, self._tx.events.last_id()
        found = []
        for slot in tx.signal_pages.newest_slots(SCANNERS):
            if (topic := f"signal:{slot[0]}") in topics:
                made = tx.runs.shown_since(*slot)
                counts = dict.fromkeys(("new", "changed", "withdrawn"))
                data = self._signals(slot, made and views.local(made), counts)
                found.append(_message(number, topic, "signal_update", data))
        if GATE_TOPIC in topics and (row := tx.gates.get()) is not None:
            found.append(_message(number, GATE_TOPIC, "market_gate_update", views.gate(row)))
        if SCAN_TOPIC in topics and (runs := tx.runs.recent(1)):
            data = views.scan(runs[0], self._prefect_ui_url)
            found.append(_message(number, SCAN_TOPIC, "scan_update", data))
        return found

    def _signals(
        self, slot: Slot, when: datetime | None, counts: Mapping[str, int | None]
    ) -> dict[str, Any]:
        """`data` of a signal_update: the best signals of a slot, and where the others are."""
        if slot not in self._slots:
            rows = self._tx.signal_pages.best([slot], SignalFilter(), MOST + 1)
            count = self._tx.signal_pages.count(slot) if len(rows) > MOST else len(rows)
            self._slots[slot] = rows[:MOST], count
        rows, count = self._slots[slot]
        truncated = count > len(rows)
        return {
            "signal_type": slot[0],
            "session": slot[1],
            "as_of": slot[2],
            "signals": [views.signal(row) for row in rows],
            "count": count,
            **counts,
            "truncated": truncated,
            "next": _next_page(slot, rows[-1]) if truncated else None,
            "timestamp": when,
        }

    def _run(self, payload: Mapping[str, Any]) -> dict[str, Any] | None:
        """The run that was named, or else one that stands for the newest session."""
        if (number := payload.get("run")) is not None:
            return self._tx.runs.get(number)
        return self._tx.runs.standing_for(_day(payload["to"]), str(payload["as_of"]))


def _message(
    number: int,
    topic: str,
    kind: str,
    data: Any,
    created_at: datetime | None = None,
    traceparent: str | None = None,
) -> Message:
    text = views.dumps({"type": kind, "event_id": number, "topic": topic, "data": data}).decode()
    return Message(number, topic, kind, text, created_at, traceparent)


def index_updates(tx: Repositories) -> list[Message]:
    """Where the indices stand: by the newest gate, or by what was heard of them since."""
    row = tx.gates.get()
    found: dict[str, tuple[float, float | None, datetime]] = {}
    if row is not None:
        for name in INDEX_TOPICS:
            if (close := row[f"{name}_close"]) is not None:
                found[name] = (close, row[f"{name}_change_pct"], row["updated_at"])
    for heard in tx.prices.indices().iter_rows(named=True):
        name = heard["name"].lower()
        if name in INDEX_TOPICS and (name not in found or heard["at"] > found[name][2]):
            found[name] = (heard["value"], heard["change_pct"], heard["at"])
    return [_index_update(name, *told) for name, told in found.items()]


def _index_update(name: str, value: float, change_pct: float | None, at: datetime) -> Message:
    change = None if change_pct is None else round(change_pct, 4)
    data = {"value": value, "change_pct": change, "timestamp": views.local(at)}
    body = views.dumps({"type": "index_update", "name": name.upper(), "data": data})
    return Message(None, INDEX_TOPICS[name], "index_update", body.decode())


def price_updates(tx: Repositories, tickers: list[str]) -> list[Message]:
    """The last prices of these stocks."""
    found = []
    for bar in tx.stocks.quotes(tickers):
        change, change_pct = views.price_change(bar)
        when = views.local(bar["collected_at"]) if bar["collected_at"] else None
        data = {
            "price": bar["close"],
            "change": change,
            "change_rate": change_pct,
            "volume": bar["volume"],
            "timestamp": when,
        }
        body = views.dumps(
            {"type": "price_update", "ticker": bar["ticker"], "data": data, "timestamp": when}
        )
        found.append(Message(None, f"price:{bar['ticker']}", "price_update", body.decode()))
    return found


def _next_page(slot: Slot, row: Mapping[str, Any]) -> str:
    cursor = BestCursor.model_validate({"slots": [slot], "after": position_of_best(dict(row))})
    query = {
        "signal_type": slot[0],
        "session": slot[1].isoformat(),
        "as_of": slot[2],
        "limit": MOST,
        "cursor": str(cursor),
    }
    return f"/api/kr/signals?{urlencode(query)}"


def _day(text: object) -> date:
    return date.fromisoformat(str(text))
