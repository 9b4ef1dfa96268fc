"""Sweeps: each trial stored once, whoever tries it and however often it is interrupted."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import psutil
import pytest
import stored_sample
from running_up import free_port
from stored_sample import CALENDAR, POINTS, counted, here, plan, swept

import tasks.trials
from backtest.facts import conditions
from backtest.run import follow_all, scan_all
from backtest.trials import measured
from errors import BadMarketData, ClosebellError, SettingsError
from flows.sweep import Cluster
from market.asof import Slot
from market.data import nothing
from market.schemas import InstrumentFlags
from tasks.backtest import read_panel, run_backtest
from tasks.panel_files import load, save
from tasks.sweep import Sweep, content, run_sweep
from tasks.trials import Processes, units_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def market(database):
    stored_sample.fill(database)
    return database


def stored(database, sweep: int) -> list[int]:
    with database.reader() as tx:
        return [one["number"] for one in tx.sweeps.trials(sweep)]


@pytest.mark.slow
def test_a_sweep_tries_every_point_and_a_second_one_none(market):
    first, second = [], []
    done = swept(market, counted(first), "2m/1m")
    assert sorted(first) == list(range(1, len(POINTS) + 1))
    assert sorted(done.results) == sorted(first)
    again = swept(market, counted(second), "2m/1m")
    assert second == []
    assert again.id == done.id
    assert again.resumed == len(POINTS)
    assert again.summary == done.summary
    assert again.results == done.results
    assert len(done.windows) == 3
    assert done.tried == len(POINTS)
    assert done.summary.best is not None
    assert done.facts["conditions"] == conditions(plan(POINTS[done.summary.best - 1]))


@pytest.mark.slow
def test_processes_find_what_one_process_finds(market):
    panel = read_panel(market, "stored", CALENDAR, plan(POINTS[0]))
    expected = {}
    for number, changes in enumerate(POINTS, 1):
        one = plan(changes).between(panel.plan.first, panel.plan.last)
        ready = follow_all(scan_all(panel.data, panel.schedule, one), one)
        expected[number] = measured(ready, [])
    done = swept(market, Processes(2))
    assert done.results == expected
    assert len({tuple(r["whole"]["returns"]) for r in expected.values()}) > 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_dask_cluster_finds_what_one_process_finds(database, tmp_path):
    """Beside each other, of one sweep: what the cluster did, another process doesn't do again."""
    stored_sample.fill(database)
    script = ROOT / "tests" / "support" / "dask_sweep.py"
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{script.parent}"}
    environment["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] = "300"
    command = [sys.executable, str(script), database.url, str(tmp_path)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["workers"] == 2
    tried: list[int] = []
    again = swept(database, counted(tried))
    assert (again.id, again.resumed, tried) == (told["sweep"], len(POINTS), [])
    panel = read_panel(database, "stored", CALENDAR, plan(POINTS[0]))
    for number, changes in list(enumerate(POINTS, 1))[::4]:
        one = plan(changes).between(panel.plan.first, panel.plan.last)
        ready = follow_all(scan_all(panel.data, panel.schedule, one), one)
        assert again.results[number] == measured(ready, [])


@pytest.mark.slow
def test_a_killed_sweep_goes_on_where_it_was_and_leaves_no_process(market, postgres_url):
    script = ROOT / "tests" / "support" / "stored_sample.py"
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{script.parent}"}
    with subprocess.Popen([sys.executable, str(script), postgres_url], env=environment) as running:
        deadline = time.monotonic() + 200
        done: list[int] = []
        while not done and time.monotonic() < deadline:
            assert running.poll() is None, "it ended before it could be killed"
            with market.reader() as tx:
                if recent := tx.sweeps.recent(1):
                    done = [one["number"] for one in tx.sweeps.trials(recent[0]["id"])]
            time.sleep(0.05)
        workers = psutil.Process(running.pid).children(recursive=True)
        running.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert alive == []
    assert done
    with market.reader() as tx:
        sweep = tx.sweeps.recent(1)[0]
    before = stored(market, sweep["id"])
    assert len(before) < len(POINTS)
    assert sweep["finished_at"] is None
    tried: list[int] = []
    finished = swept(market, counted(tried))
    assert sorted([*before, *tried]) == list(range(1, len(POINTS) + 1))
    assert finished.id == sweep["id"]
    assert finished.resumed == len(before)
    assert stored(market, sweep["id"]) == list(range(1, len(POINTS) + 1))
    with market.reader() as tx:
        assert tx.sweeps.recent(1)[0]["finished_at"] is not None


def test_points_share_a_scan_where_only_trades_differ(tmp_path):
    points = [(number, plan(one)) for number, one in enumerate(POINTS, 1)]
    shared = units_of(points, [], tmp_path, 2)
    assert [len(unit.points) for unit in shared] == [4, 4, 4]
    assert {len({p.rules.hash for _, p in unit.points}) for unit in shared} == {1}
    alone = units_of(points[:4], [], tmp_path, 3)
    assert sorted(len(unit.points) for unit in alone) == [2, 2]


def test_a_unit_holds_five_points_at_most_so_that_a_kill_loses_no_more(tmp_path):
    points = [(number, plan({"outcomes.vcp.hold": number})) for number in range(1, 13)]
    sizes = [len(unit.points) for unit in units_of(points, [], tmp_path, 2)]
    assert sizes == [5, 5, 2]


def test_a_process_that_is_killed_is_said_with_what_to_do(monkeypatch):
    monkeypatch.setattr(tasks.trials, "run_unit", os._exit)
    with pytest.raises(ClosebellError, match="ended from outside") as told:
        list(Processes(1)([9]))
    assert "the same command goes on" in told.value.remedy


def test_a_scheduler_that_isnt_there_is_said():
    pytest.importorskip("distributed")
    nobody = Cluster(f"tcp://127.0.0.1:{free_port()}")
    for ask in (nobody.size, lambda: list(nobody([]))):
        with pytest.raises(SettingsError, match="no Dask scheduler answers"):
            ask()
    with pytest.raises(SettingsError, match="no Dask scheduler answers"):
        Cluster("nonsense").size()


def test_changed_data_are_another_sweep():
    """Of the same length: a price, or a sector, is enough."""
    data, last = stored_sample.small_market(), stored_sample.LAST
    before = content(data, last)
    dearer = data.bars.with_columns(
        close=pl.when(pl.int_range(pl.len()) == 7).then(pl.col("close") + 1).otherwise("close")
    )
    assert content(replace(data, bars=dearer), last) != before
    later = data.bars.with_columns(pl.col("collected_at").dt.offset_by("1d"))
    assert content(replace(data, bars=later.reverse()), last) == before
    other = data.instruments.with_columns(sector=pl.lit("another"))
    assert content(replace(data, instruments=other), last) != before


def test_what_is_learnt_after_its_range_leaves_a_sweep_as_it_is():
    data, last = stored_sample.small_market(), stored_sample.LAST

    def told(delisted: date | None, name: str) -> dict[str, str]:
        listing = [pl.lit(delisted, pl.Date).alias("delisted"), pl.lit(name).alias("name")]
        stocks = data.instruments.with_columns(listing)
        return content(replace(data, instruments=stocks), last)

    still_listed = told(None, "a name")
    assert told(last + timedelta(days=1), "another name") == still_listed
    assert told(last, "a name") != still_listed


def test_the_checksum_of_data_is_that_of_their_text():
    """Neither another machine nor another version of a library gives another."""
    data = replace(nothing(), flags=InstrumentFlags.validate(pl.DataFrame(
        {"ticker": ["000020", "000010"], "flag": ["administrative", "administrative"],
         "since": [date(2024, 3, 5), date(2024, 3, 4)], "until": [None, date(2030, 1, 2)]}),
        cast=True))  # fmt: skip
    text = "ticker,flag,since,until"
    text += "000010,administrative,2024-03-04,\n000020,administrative,2024-03-05,\n"
    expected = hashlib.sha256(text.encode()).hexdigest()[:16]
    assert content(data, date(2026, 1, 2))["flags"] == expected


def test_a_panel_comes_back_from_its_files_as_it_was(tmp_path):
    data = stored_sample.small_market()
    schedule = CALENDAR.schedule(stored_sample.FIRST, stored_sample.LAST, Slot.CLOSE)
    save(data, schedule, tmp_path)
    read, days = load(tmp_path)
    for name in ("bars", "instruments", "flags", "net_buying", "index_bars"):
        assert getattr(read, name).equals(getattr(data, name))
        assert getattr(read, name).schema == getattr(data, name).schema
    assert read.news is None
    assert days.equals(schedule)


def test_windows_that_dont_fit_and_empty_markets_are_refused(database):
    with pytest.raises(BadMarketData, match="nothing is stored"):
        run_sweep(database, "stored", CALENDAR, Sweep([plan({})], [{}], None), here, count=1)
    stored_sample.fill(database)
    with pytest.raises(SettingsError, match="too short"):
        run_sweep(database, "stored", CALENDAR, Sweep([plan({})], [{}], "3y/1y"), here, count=1)


def test_a_backtest_is_recorded_with_its_trials_counted(database):
    stored_sample.fill(database)
    first = run_backtest(database, "stored", CALENDAR, plan({}))
    again = run_backtest(database, "stored", CALENDAR, plan({}))
    other = run_backtest(database, "stored", CALENDAR, plan({"outcomes.vcp.hold": 7}))
    assert [one.result.facts["trials"] for one in (first, again, other)] == [1, 1, 2]
    with database.reader() as tx:
        row, equity = tx.backtests.get(first.id), tx.backtests.equity(first.id)
        trades = tx.backtests.trades(first.id)
        sharpes = tx.backtests.sharpes("vcp")
    assert len(sharpes) == 2, "of the same run one"
    assert equity.equals(first.result.equity)
    assert (
        trades.sort("number")
        .drop("name")
        .equals(first.result.trades.select(trades.columns).drop("name"))
    )
    assert row["figures"]["trades"] == first.result.figures.trades
    assert first.result.trades.height > 3
    assert first.result.equity.equals(again.result.equity)
