"""The read API against a bare FastAPI route, a bare query and a bare broadcast, in the same run.

50 signals of three scanners; one server process each, one process that asks, on loopback.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import polars as pl
import psutil
import psycopg
from support.clients import ears, requests
from support.storage import fresh_database

from db.database import Database
from db.reading_role import READER_ROLE, make_reader
from db.repositories.runs import NewRun

ROOT = Path(__file__).parents[1]
SESSION = date(2026, 3, 13)
ROUNDS = 5
REQUESTS, AT_ONCE = 4_000, 64
LEAST = 0.8
CLIENTS = (1_000, 5_000)
SOAK_EVENTS = 1_500
_SQL = """SELECT id, scanner, ticker, score, out_of, grade, entry, target, stop, parts::text,
 reasons::text, flags::text FROM signals WHERE session = %s ORDER BY score / out_of DESC LIMIT 50"""


def publish(database: Database, scanner: str, count: int, score: float = 50.0) -> None:
    rows = pl.DataFrame(
        {
            "session": [SESSION] * count,
            "ticker": [f"{n:06d}" for n in range(count)],
            "score": [score + n / 100 for n in range(count)],
            "out_of": [100.0] * count,
            "grade": ["B"] * count,
            "entry": [10_000] * count,
            "target": [11_000] * count,
            "stop": [9_500] * count,
            "parts": ['{"trend": {"points": 20.0, "out_of": 20.0}, "gates": {"up": true}}'] * count,
            "reasons": [["3 contractions: 12.1 %, 7.4 %, 3.9 %"]] * count,
            "flags": [[]] * count,
            "close": [10_000] * count,
            "change": [0.01] * count,
            "value20": [5e9] * count,
            "market_cap": [10**12] * count,
            "net_buying_session": [SESSION] * count,
            "position_size": [None] * count,
        },
        schema_overrides={"flags": pl.List(pl.String), "position_size": pl.Float64},
    )
    with database.transaction() as tx:
        new = NewRun(scanner, SESSION, "close", "completed", "x", "1", "sample", count, {}, {}, 1.0)
        run = tx.runs.add([new])[0]
        changes = tx.signals.replace(scanner, "close", {SESSION: run}, rows, rules_hash="x")
        about = {"signal_type": scanner, "session": SESSION.isoformat(), "as_of": "close"}
        tx.events.append(f"signal:{scanner}", "signal_update", about | vars(changes))


@contextmanager
def server(kind: str, where: str, port: int) -> Iterator[psutil.Process]:
    command = [sys.executable, "-m", "support.serving", kind, where, str(port)]
    path = os.pathsep.join([str(ROOT), str(ROOT / "bench")])
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path})
    try:
        probe = "/health/ready" if kind == "ours" else "/bytes"
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{probe}").read()
                break
            except OSError:
                time.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[int(len(times) * share)] * 1000


def over_http(ours: int, bare: int) -> float:
    """Throughput of each, in turns; the share of the bare route's that ours reaches."""
    cases = {
        "bare FastAPI route, same bytes": (bare, "/bytes", ""),
        "latest signals (50 rows)": (ours, "/api/kr/signals?limit=50", ""),
        "one stock": (ours, "/api/kr/signals/000001", ""),
    }
    etag = urllib.request.urlopen(f"http://127.0.0.1:{ours}/api/kr/signals?limit=50").headers[
        "etag"
    ]
    cases["latest signals, 304"] = (
        ours,
        "/api/kr/signals?limit=50",
        f"If-None-Match: {etag}\r\n",
    )
    rates: dict[str, list[float]] = {name: [] for name in cases}
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, (port, path, extra) in cases.items():
            began = time.perf_counter()
            times[name] += asyncio.run(requests(port, [path] * REQUESTS, AT_ONCE, extra))
            rates[name].append(REQUESTS / (time.perf_counter() - began))
    for name in cases:
        p50, p99 = percentile(times[name], 0.5), percentile(times[name], 0.99)
        rate = statistics.median(rates[name])
        print(f"  {name:32} {rate:7,.0f} /s   p50 {p50:5.1f} ms   p99 {p99:5.1f} ms")
    pairs = zip(
        rates["latest signals (50 rows)"], rates["bare FastAPI route, same bytes"], strict=True
    )
    return statistics.median(mine / theirs for mine, theirs in pairs)


def uncached(database: Database, port: int) -> None:
    """A list that is never kept twice, one at a time, against the same rows by psycopg alone."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        plain = []
        for _ in range(300):
            began = time.perf_counter()
            connection.execute(_SQL, [SESSION]).fetchall()
            plain.append(time.perf_counter() - began)
    paths = [f"/api/kr/signals?limit=50&min_score={n / 1000}" for n in range(300)]
    asked = asyncio.run(requests(port, paths, 1))
    one, two = (percentile(times, 0.5) for times in (plain, asked))
    print(f"  bare psycopg query {one:.2f} ms, the whole request uncached {two:.2f} ms")


async def heard(port: int, path: str, count: int, act: Callable[[], Awaitable[float]]) -> None:
    """From the act to each client's whole frame."""
    found = await ears(port, path, count)
    await asyncio.sleep(1)
    late: list[float] = []
    lasts: list[float] = []
    for _ in range(ROUNDS):
        before = [ear.frames for ear in found]
        began = await act()
        while any(ear.frames == had for ear, had in zip(found, before, strict=True)):
            await asyncio.sleep(0.001)
        late += [ear.at - began for ear in found]
        lasts.append(max(ear.at for ear in found) - began)
    p50, p99 = percentile(late, 0.5), percentile(late, 0.99)
    last = statistics.median(lasts) * 1000
    print(f"p50 {p50:6.1f} ms   p99 {p99:6.1f} ms   last client {last:6.1f} ms")
    for ear in found:
        ear.transport.abort()  # type: ignore[attr-defined]
    await asyncio.sleep(1)


def over_sockets(database: Database, ours: int, bare: int, process: psutil.Process) -> None:
    scores = iter(range(51, 10_000))

    async def commit() -> float:
        await asyncio.to_thread(publish, database, "vcp", 17, float(next(scores)))
        return time.perf_counter()

    with urllib.request.urlopen(
        f"http://127.0.0.1:{ours}/api/kr/signals?signal_type=vcp"
    ) as answer:
        size = len(answer.read()) + 300

    async def broadcast() -> float:
        began = time.perf_counter()
        ask = urllib.request.Request(
            f"http://127.0.0.1:{bare}/broadcast?size={size}", method="POST"
        )
        await asyncio.to_thread(lambda: urllib.request.urlopen(ask).read())
        return began

    for count in CLIENTS:
        print(f"  {count:5} clients, bare broadcast       ", end="")
        asyncio.run(heard(bare, "/ws", count, broadcast))
        before = process.memory_info().rss
        print(f"  {count:5} clients, commit to client     ", end="", flush=True)
        asyncio.run(heard(ours, "/ws?subscribe=signal:vcp", count, commit))
        held = asyncio.run(memory(ours, count, process))
        print(f"        memory {max(0, held - before) / count / 1024:.1f} KiB a client")


async def memory(port: int, count: int, process: psutil.Process) -> int:
    found = await ears(port, "/ws?subscribe=signal:vcp", count)
    await asyncio.sleep(1)
    held: int = process.memory_info().rss
    for ear in found:
        ear.transport.abort()  # type: ignore[attr-defined]
    await asyncio.sleep(1)
    return held


def soak(database: Database, port: int, process: psutil.Process) -> None:
    """An hour's publications, and as many clients that come and go, in a minute or two."""
    sizes = []

    async def talk() -> None:
        for number in range(SOAK_EVENTS):
            await asyncio.to_thread(publish, database, "vcp", 17, 60 + number % 30)
            if number % 5 == 0:
                for ear in await ears(port, "/ws?subscribe=signal:vcp&last_event_id=0", 2):
                    ear.transport.abort()  # type: ignore[attr-defined]
            if number % 300 == 299:
                sizes.append(process.memory_info().rss / 2**20)

    asyncio.run(talk())
    print("  memory while it runs: " + ", ".join(f"{size:.0f}" for size in sizes) + " MiB")


def main() -> int:
    with fresh_database() as database:
        with database.connection() as connection:
            make_reader(connection)
            connection.commit()
        for scanner in ("vcp", "daytrading", "closing_bet"):
            publish(database, scanner, 17)
        ours, bare = 8931, 8932
        with (
            server("ours", database.url_as(READER_ROLE), ours) as process,
            server("bare", f"http://127.0.0.1:{ours}", bare),
        ):
            print(f"HTTP, {AT_ONCE} connections")
            share = over_http(ours, bare)
            print(f"  latest signals reach {share:.0%} of the bare route (at least {LEAST:.0%})")
            uncached(database, ours)
            print("WebSocket")
            over_sockets(database, ours, bare, process)
            soak(database, ours, process)
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
