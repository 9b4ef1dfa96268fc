"""The morning with the answers of the exchange: its API on loopback, real client and database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl
import pytest
from fake_open_apis import KEY, Asked, FakeKrx
from flow_rooms import CALENDAR, STOCKS, at, in_flow, live_room, state_of
from krx_days import krx_day

from db import Database
from errors import BadMarketData, ClosebellError, SourceUnavailable
from flows.end_of_day import run_end_of_day
from flows.evening import rescore
from flows.morning import run_morning
from flows.room import Room
from flows.summary import RunSummary
from flows.timetable import Due
from market.data import MarketData
from sources.sample import SampleSource

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.slow,
    pytest.mark.usefixtures("prefect_server"),
]

LAST = date(2026, 3, 13)
TODAY = CALENDAR.next(LAST)
RATE = 2000.0
SERVICES = 6


@pytest.fixture(scope="module")
def sample() -> MarketData:
    return SampleSource(CALENDAR, stocks=STOCKS).history(LAST, LAST)


@pytest.fixture
def krx(sample: MarketData) -> Iterator[FakeKrx]:
    with FakeKrx(days=krx_day(sample, LAST)) as running:
        yield running


@pytest.fixture
def scanned(database: Database) -> Database:
    """A database whose last session was scanned at its close and in the evening."""

    def day() -> None:
        run_end_of_day(live_room(database, at(LAST, "15:33")), LAST)
        rescore(live_room(database, at(LAST, "20:10")), LAST)

    in_flow(day)
    return database


def morning(db: Database, url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The state of a person's run at 08:10."""
    monkeypatch.setattr("tasks.reconcile.reconcile.retries", 0)
    room: Room = live_room(
        db,
        at(TODAY, "08:10"),
        krx_auth_key=KEY,
        krx_base_url=url,
        krx_calls_per_second=RATE,
        http_attempts=2,
    )
    return state_of(lambda: run_morning(room, Due(TODAY, None)))


def kept(db: Database) -> dict[str, Any]:
    """All that a morning may change."""
    data = db.read_market_data(LAST, LAST)
    with db.reader() as tx:
        return {
            "bars": data.bars.sort("ticker").to_dicts(),
            "indices": data.index_bars.sort("index").to_dicts(),
            "instruments": data.instruments.sort("ticker", "since").to_dicts(),
            "corrections": tx.corrections.of(LAST).to_dicts(),
            "signals": tx.signals.find(session=LAST).sort("scanner", "as_of", "ticker").to_dicts(),
            "runs": len(tx.runs.recent(1000)),
            "told": len(tx.events.after(0)),
        }


def differing(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [name for name in before if before[name] != after[name]]


def test_the_exchanges_figures_correct_the_sweep_with_a_trace_and_a_second_run_changes_nothing(
    scanned: Database, krx: FakeKrx, sample: MarketData, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept(scanned)
    ticker = before["signals"][0]["ticker"]
    [old] = [bar for bar in before["bars"] if bar["ticker"] == ticker]
    new = {"close": old["close"] - 10, "low": min(old["low"], old["close"] - 10)}
    krx.days = krx_day(sample, LAST, {ticker: new | {"volume": old["volume"] + 7}})
    summary: RunSummary = morning(scanned, krx.url, monkeypatch).result()
    assert len(krx.asked) == SERVICES
    assert {asked.query["basDd"] for asked in krx.asked} == {f"{LAST:%Y%m%d}"}
    assert "1 stocks' close corrected" in summary.notes
    assert "1 stocks' volume corrected" in summary.notes
    assert "close scanned again: changed" in summary.notes
    after = kept(scanned)
    [bar] = [bar for bar in after["bars"] if bar["ticker"] == ticker]
    assert (bar["close"], bar["volume"]) == (old["close"] - 10, old["volume"] + 7)
    assert bar["source"] == "krx"
    trace = {row["field"]: row for row in after["corrections"] if row["ticker"] == ticker}
    assert {"close", "volume"} <= set(trace)
    assert (trace["close"]["old"], trace["close"]["new"]) == (old["close"], bar["close"])
    assert (trace["close"]["source"], trace["close"]["old_source"]) == ("krx", old["source"])
    assert trace["close"]["flow_run_id"] == summary.flow_run_id
    assert {row["ticker"] for row in after["corrections"]} == {ticker}
    assert after["runs"] > before["runs"]
    again: RunSummary = morning(scanned, krx.url, monkeypatch).result()
    assert len(krx.asked) == 2 * SERVICES
    assert not [note for note in again.notes if "corrected" in note or "scanned again" in note]
    assert differing(after, kept(scanned)) == []
    with scanned.reader() as tx:
        report = tx.sources.get("krx")
    assert report
    assert (report.state, report.calls) == ("ok", 2 * SERVICES)


class Failing(FakeKrx):
    """One service answers otherwise, the others as they should."""

    def __init__(self, days: Any, service: str, answer: tuple[int, Any]) -> None:
        super().__init__(days=days)
        self._service, self._wrong = service, answer

    def answer(self, asked: Asked) -> tuple[int, Any]:
        return self._wrong if self._service in asked.path else super().answer(asked)


def another_session(sample: MarketData) -> tuple[int, Any]:
    """Yesterday's rows, though today's were asked for."""
    day, other = f"{LAST:%Y%m%d}", f"{CALENDAR.previous(LAST):%Y%m%d}"
    rows = krx_day(sample, LAST)["sto/ksq_bydd_trd"][day]
    return 200, {"OutBlock_1": [row | {"BAS_DD": other} for row in rows]}


def test_an_exchange_that_fails_is_named_and_leaves_everything_as_it_was(
    scanned: Database, krx: FakeKrx, sample: MarketData, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept(scanned)
    lacking = {"OutBlock_1": krx.days["sto/stk_bydd_trd"][f"{LAST:%Y%m%d}"][:-20]}
    cases: list[tuple[str, tuple[int, Any], type[ClosebellError], str]] = [
        ("sto/stk_bydd_trd", (503, {}), SourceUnavailable, "HTTP 503, 2 attempts"),
        ("sto/ksq_isu_base_info", (500, {}), SourceUnavailable, "HTTP 500, 2 attempts"),
        ("idx/kosdaq_dd_trd", (429, {}), SourceUnavailable, "refused for too many calls"),
        ("sto/ksq_bydd_trd", another_session(sample), BadMarketData, "rows of ['20260312']"),
        ("sto/stk_isu_base_info", (200, lacking), BadMarketData, "can't be read"),
        ("sto/stk_bydd_trd", (401, {}), ClosebellError, "HTTP 401"),
    ]
    for service, answer, error, words in cases:
        with Failing(krx.days, service, answer) as failing:
            state = morning(scanned, failing.url, monkeypatch)
        raised = state.result(raise_on_failure=False)
        assert state.is_failed()
        assert isinstance(raised, error), service
        assert str(raised).startswith(f"krx {service} {LAST}"), str(raised)
        assert words in str(raised)
        assert differing(before, kept(scanned)) == [], service
        with scanned.reader() as tx:
            report = tx.sources.get("krx")
        assert report
        assert (report.state, report.last_error) == ("degraded", str(raised))
    with FakeKrx() as gone:
        url = gone.url
    state = morning(scanned, url, monkeypatch)
    raised = state.result(raise_on_failure=False)
    assert isinstance(raised, SourceUnavailable)
    assert f"krx sto/stk_bydd_trd {LAST}: ConnectError" in str(raised)
    assert differing(before, kept(scanned)) == []
    krx.broken = [(200, b'{"OutBlock')]
    summary: RunSummary = morning(scanned, krx.url, monkeypatch).result()
    assert summary.state == "completed"
    corrected = pl.DataFrame(kept(scanned)["corrections"])
    assert corrected.is_empty(), "the same figures correct nothing"
