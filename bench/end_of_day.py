"""One session from stored rows to committed signals, without Prefect, and what Prefect adds.

The sample market of about 2,700 stocks, 281 sessions stored. The limit named in the same run is
the bare read of the same panel: what PostgreSQL and the unpacking need before any scanner runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from support.storage import machine, seconds

import logs
from db import Database, open_database
from market.asof import Slot
from market.calendar import TradingCalendar
from scanners import LOOKBACK
from scanners.rules import Rules
from settings import Settings
from sources.sample import SampleSource
from tasks.collect import store
from tasks.publish import RunFacts, publish_sessions
from tasks.scan import SHORT, scan_sessions
from tasks.windows import window_start

SESSION = date(2026, 3, 13)
ROUNDS = 7
BUDGET = 1.0  # seconds


def fill(db: Database, calendar: TradingCalendar) -> int:
    data = SampleSource(calendar).history(window_start(calendar, SESSION), SESSION)
    store.fn(db, data, SESSION)
    return data.bars.height


def one_session(db: Database, calendar: TradingCalendar, rules: Rules) -> None:
    scanned = scan_sessions(db, calendar, rules, SESSION, SESSION, Slot.CLOSE)
    publish_sessions(db, scanned, [SESSION], rules, RunFacts(source="sample"))


def read_panel(db: Database, start: date, recent: date) -> None:
    """What the scan reads."""
    db.read_market_data(start, SESSION, details_from=recent, net_buying_from=recent)


def forget(db: Database) -> None:
    """Take the published signals away, so that each round writes them."""
    import psycopg

    with psycopg.connect(db.url) as connection:
        connection.execute("TRUNCATE signals, market_gates, scan_runs, events CASCADE")


def free_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def with_prefect(data_dir: Path) -> tuple[float, float]:
    """Seconds of the flow itself in a warm process, and of a whole cold `closebell run`."""
    port = str(free_port())
    environment = {
        **os.environ,
        "CLOSEBELL_DATA_DIR": str(data_dir),
        "PREFECT_HOME": str(data_dir / "prefect"),
        "PREFECT_SERVER_API_PORT": port,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "CLOSEBELL_LOG_LEVEL": "error",
    }
    program = Path(sys.executable).parent
    server = subprocess.Popen(
        [program / "prefect", "server", "start", "--port", port],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/api/health")
        command = [program / "closebell", "run", "end-of-day", "--source", "sample"]
        command += ["--session", SESSION.isoformat(), "--json"]
        code = (
            "import time; from datetime import date; from pathlib import Path\n"
            "from flows.home import prepare\n"
            f"assert prepare(Path({str(data_dir)!r})), 'the server is not found'\n"
            "from flows.end_of_day import end_of_day\n"
            "for _ in range(3):\n"
            "    started = time.perf_counter()\n"
            f"    end_of_day(session=date.fromisoformat('{SESSION}'), source='sample')\n"
            "    took = time.perf_counter() - started\n"
            "print(took)\n"
        )
        warm = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        started = time.perf_counter()
        subprocess.run(command, env=environment, check=True, capture_output=True)
        return float(warm.stdout.split()[-1]), time.perf_counter() - started
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_for(url: str) -> None:
    import httpx

    for _ in range(120):
        try:
            if httpx.get(url, timeout=1).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise TimeoutError(f"nothing answers at {url}")


def main() -> None:
    logs.configure("error")
    calendar, rules = TradingCalendar(), Rules.from_mapping({})
    start, recent = (window_start(calendar, SESSION, n) for n in (LOOKBACK, SHORT))
    with TemporaryDirectory() as folder:
        data_dir = Path(folder)
        with open_database(Settings(data_dir=data_dir), market="sample") as db:
            rows = fill(db, calendar)
            one_session(db, calendar, rules)
            took, again, read = [], [], []
            for _ in range(ROUNDS):
                forget(db)
                took.append(seconds(lambda: one_session(db, calendar, rules)))
                again.append(seconds(lambda: one_session(db, calendar, rules)))
                read.append(seconds(lambda: read_panel(db, start, recent)))
            warm, cold = with_prefect(data_dir)
    print(f"{rows:,} bars from {start} to {SESSION}; {machine()}; best of {ROUNDS}")
    print(f"  bare read of the panel              {min(read):6.2f} s")
    print(f"  one session, rows to signals        {min(took):6.2f} s (at most {BUDGET:.1f} s)")
    print(f"  the same again, nothing to change   {min(again):6.2f} s")
    adds = warm - min(again)
    print(f"  as a flow run, server running       {warm:6.2f} s, {adds:.2f} s of it Prefect")
    print(f"  as `closebell run`, cold process    {cold:6.2f} s")


if __name__ == "__main__":
    main()
