"""A market day to be rehearsed by the whole system: its time, its broker, its history."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path

from fake_kiwoom import APP_KEY, SECRET_KEY, TRS, FakeKiwoom
from fake_kiwoom_sample import kiwoom_of, so_far
from house import ROOT, House
from kiwoom_rooms import CALENDAR, LOOSE, store_before

from db.database import Database
from market.clock import SEOUL, SystemClock
from market.data import MarketData
from sources.sample import SampleSource

DAY = date(2026, 11, 18)
BEFORE = CALENDAR.previous(DAY)
STOCKS = 300
RATE = 200.0
THRESHOLD, COOL_DOWN = 4, 10.0
"""Failures in a row until Kiwoom isn't asked, and the seconds until it is tried again."""
HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
RULES = ("a scan failed or is late", "a source is down")


class Rehearsal:
    """The day as it goes on; the fake Kiwoom shows the market of the moment."""

    def __init__(self, folder: Path, broker: FakeKiwoom, sample: MarketData) -> None:
        self.broker = broker
        self._file = folder / "market-time"
        self._sample = sample
        self._markets = {session: kiwoom_of(sample, session) for session in (BEFORE, DAY)}
        self.at("07:30", BEFORE)

    def store_history(self, database: Database) -> None:
        """What was known of the market before the session before the day."""
        store_before(database, self._sample, BEFORE)

    def environment(self, address: str, alarms: int) -> dict[str, str]:
        """What the hosts are told; `address` is this machine's, `alarms` a port that listens."""
        recipient = {"webhook": f"http://{address}:{alarms}/", "secret": HOOK_SECRET}
        told = {"language": "en", "rules": RULES, "recipients": {"desk": recipient}}
        return {
            "PYTHONPATH": f"{ROOT / 'tests' / 'support' / 'market_time'}:{ROOT}",
            "MARKET_TIME": str(self._file),
            "CLOSEBELL_SOURCE": "kiwoom",
            "CLOSEBELL_KIWOOM_APP_KEY": APP_KEY,
            "CLOSEBELL_KIWOOM_SECRET_KEY": SECRET_KEY,
            "CLOSEBELL_KIWOOM_BASE_URL": f"http://{address}:{self.broker.port}",
            "CLOSEBELL_KIWOOM_CALLS_PER_SECOND": str(RATE),
            "CLOSEBELL_KIWOOM_TOTAL_PER_SECOND": str(5 * RATE),
            "CLOSEBELL_HTTP_ATTEMPTS": "2",
            "CLOSEBELL_BREAKER_FAILURES": str(THRESHOLD),
            "CLOSEBELL_BREAKER_SECONDS": str(COOL_DOWN),
            "CLOSEBELL_RULES": json.dumps(LOOSE),
            "CLOSEBELL_ALERTS": json.dumps(told),
        }

    def at(self, clock: str, session: date = DAY) -> None:
        """It is that time in Seoul now, on every host and at the exchange."""
        moment = datetime.combine(session, time.fromisoformat(clock), SEOUL)
        hours = CALENDAR.hours(session)
        share = (moment - hours.open) / (hours.close - hours.open)
        self.broker.market = (
            so_far(self._markets[session], share, moment - timedelta(seconds=2))
            if 0 < share < 1
            else self._markets[session]
        )
        written = self._file.with_suffix(".new")
        written.write_text(f"{moment.isoformat()} {SystemClock().now().isoformat()}")
        written.replace(self._file)

    def broker_goes_down(self) -> int:
        """From now on it answers every call with 503; gives the calls it has seen so far."""
        for tr in TRS:
            self.broker.break_(tr, "status", times=10**9, seconds=503)
        return len(self.broker.calls)

    def broker_comes_back(self) -> None:
        self.broker.faults.clear()


class OpenKiwoom(FakeKiwoom):
    """Listens on all of this machine's addresses."""

    address = "0.0.0.0"


@contextmanager
def rehearsal(folder: Path) -> Iterator[Rehearsal]:
    """The day and its broker."""
    sample = SampleSource(CALENDAR, stocks=STOCKS).history(date(2025, 9, 1), DAY)
    with OpenKiwoom(kiwoom_of(sample, BEFORE), speed=10 * RATE) as broker:
        yield Rehearsal(folder, broker, sample)


def play_quietly(
    built: House, day: Rehearsal, database: str, slots: list[tuple[str, str, date]]
) -> None:
    """The same flows at the same times, one after the other, in a database of their own."""
    player = built.start(
        "services",
        "quiet-player",
        [sys.executable, str(ROOT / "tests" / "support" / "quiet_player.py")],
        talk=True,
        CLOSEBELL_DATABASE_URL=built.postgres.url(database),
    )
    assert player.stdin is not None
    assert player.stdout is not None
    for flow, clock, session in slots:
        day.at(clock, session)
        player.stdin.write(f"{flow}\n".encode())
        player.stdin.flush()
        said = player.stdout.readline().decode().strip()
        assert said in ("Completed", "Skipped"), f"undisturbed {flow} of {clock}: {said}"
    player.stdin.close()
    assert player.wait(60) == 0
    player.stdout.close()
