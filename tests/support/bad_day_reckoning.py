"""What is reckoned up after a bad day: rows, events, alarms, runs, connections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import psycopg
from alert_receivers import Receiver
from house import House

TOPICS = ("signal:vcp", "signal:daytrading", "signal:closing_bet", "market-gate", "scan")

# Everything a person sees of a day but how long it took and when it was written.
ROWS = {
    "signals": "session, as_of, scanner, ticker, preliminary, score, out_of, grade, entry, target,"
    " stop, close, net_buying_session, position_size, status, change",
    "market_gates": "session, as_of, preliminary, level, status, kospi_status, kosdaq_status",
    "daily_bars": "session, ticker, open, high, low, close, volume",
    "net_buying": "session, ticker, foreign_won, institution_won, provisional",
    "outcomes": "signal_id IS NOT NULL, status, filled_session, filled_price, closed_price, done",
}
OF_THE_DAY = {"daily_bars", "net_buying"}


def rows(built: House, database: str, since: str) -> dict[str, Counter[tuple[Any, ...]]]:
    """Each table's rows of the sessions from `since` on, and how often each is there."""
    found = {}
    with psycopg.connect(built.postgres.url(database)) as connection:
        for table, columns in ROWS.items():
            where = f"WHERE session >= '{since}'" if table in OF_THE_DAY else ""
            query = f"SELECT {columns} FROM public.{table} {where}"  # noqa: S608
            found[table] = Counter(connection.execute(query.encode()).fetchall())
    return found


def scanned(built: House, session: str, slot: str) -> list[str]:
    """The scanners that have completed that slot."""
    with psycopg.connect(built.postgres.url("closebell")) as connection:
        found = connection.execute(
            "SELECT DISTINCT scanner FROM public.scan_runs"
            " WHERE session = %s AND as_of = %s AND status = 'completed' ORDER BY 1",
            [session, slot],
        )
        return [scanner for (scanner,) in found]


def announced(built: House, database: str) -> Counter[tuple[str, str, str]]:
    """Topic, session and slot of the events of signals and gates, and how often each came."""
    with psycopg.connect(built.postgres.url(database)) as connection:
        found = connection.execute(
            "SELECT topic, payload ->> 'session', payload ->> 'as_of' FROM public.events"
            " WHERE topic LIKE 'signal:%' OR topic = 'market-gate'"
        )
        return Counter(found.fetchall())


def event_ids(built: House) -> list[int]:
    """The numbers of all events that the followers have asked for, in order."""
    with psycopg.connect(built.postgres.url("closebell")) as connection:
        found = connection.execute(
            "SELECT id FROM public.events WHERE topic = ANY(%s) ORDER BY id", [list(TOPICS)]
        )
        return [number for (number,) in found]


def spells(built: House) -> tuple[Counter[str], Counter[str]]:
    """How often each scanner's runs began to fail; and how often that was certainly noticed.

    A spell ends with a run that doesn't fail. One of a single run may be over before it is judged.
    """
    with psycopg.connect(built.postgres.url("closebell")) as connection:
        runs = connection.execute(
            "SELECT scanner, status = 'failed' FROM public.scan_runs ORDER BY id"
        ).fetchall()
    begun, noticed, length = Counter[str](), Counter[str](), Counter[str]()
    for scanner, failed in runs:
        length[scanner] = length[scanner] + 1 if failed else 0
        begun[scanner] += length[scanner] == 1
        noticed[scanner] += length[scanner] == 2
    noticed.update(scanner for scanner, last in length.items() if last == 1)
    return +begun, +noticed


def prefect_said(alarms: Receiver) -> Counter[tuple[str, str]]:
    """What Prefect's automations told: what, and the name of the run."""
    texts = [str(got.json["text"]).removeprefix("closebell: ") for got in alarms.got]
    return Counter((text.split(" (")[0], text.split(" (")[1].split(",")[0]) for text in texts)


def closebell_said(alerts: Receiver) -> Counter[tuple[str, str]]:
    """What closebell's alerts told: the kind, and the scanner or the source; repeats left out."""
    messages = {got.json["id"]: got.json for got in alerts.got}
    return Counter(
        (notice["kind"], str(notice.get("scanner") or notice.get("name")))
        for message in messages.values()
        for notice in message["notices"]
    )


def calls_counted(built: House) -> int:
    """The calls to the broker that the database has counted."""
    with psycopg.connect(built.postgres.url("closebell")) as connection:
        found = connection.execute("SELECT calls FROM public.call_rates WHERE name = 'kiwoom'")
        row = found.fetchone()
        return int(row[0]) if row else 0


def source_state(built: House) -> tuple[bool, bool]:
    """Of the broker: whether it is shown as degraded, and whether its breaker is open."""
    with psycopg.connect(built.postgres.url("closebell")) as connection:
        degraded = connection.execute(
            "SELECT coalesce(bool_or(degraded), false) FROM public.source_states"
            " WHERE name = 'kiwoom'"
        ).fetchone()
        broken = connection.execute(
            "SELECT coalesce(bool_or(open_until IS NOT NULL), false) FROM public.breakers"
            " WHERE name = 'kiwoom'"
        ).fetchone()
    assert degraded is not None
    assert broken is not None
    return bool(degraded[0]), bool(broken[0])


def leaked(built: House, workers: Sequence[str] = ("worker-a", "worker-b")) -> list[Any]:
    """Connections of workers although no run goes on, and transactions that nobody ends."""
    addresses = [built.hosts[name].address for name in workers]
    with psycopg.connect(built.postgres.url("closebell")) as connection:
        return connection.execute(
            "SELECT pid, host(client_addr), state, left(query, 80) FROM pg_stat_activity"
            " WHERE datname = 'closebell' AND pid <> pg_backend_pid()"
            " AND (host(client_addr) = ANY(%s) OR state LIKE 'idle in transaction%%')",
            [addresses],
        ).fetchall()
