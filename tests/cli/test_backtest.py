"""`closebell backtest` and `closebell sweep` as a user types them, on the sample market."""

from __future__ import annotations

import json

import polars as pl
import pytest
from commands import Closebell

pytestmark = pytest.mark.slow
RANGE = ("--from", "2026-04-01", "--to", "2026-05-15", "--source", "sample")


@pytest.fixture(scope="module")
def closebell(tmp_path_factory):
    return Closebell(tmp_path_factory.mktemp("backtests"))


@pytest.mark.slow
def test_a_backtest_is_run_listed_shown_compared_and_exported(closebell, tmp_path):
    first = closebell("backtest", "vcp", *RANGE, "--json")
    assert first.code == 0, first.err
    run = first.json
    assert run["figures"]["trades"] == sum(t["sold_session"] is not None for t in run["trades"])
    assert run["facts"]["trials"] == 1
    assert len(run["equity"]) == run["facts"]["sessions"]
    other = closebell("backtest", "vcp", *RANGE, "--set", "outcomes.vcp.hold=5", "--json").json
    assert other["changes"] == {"outcomes.vcp.hold": 5}
    assert other["facts"]["trials"] == 2

    same = closebell("backtest", "vcp", *RANGE, "--set", "vcp.pivot.max_below=0.03", "--json").json
    assert same["trades"] == run["trades"]  # that is the default
    listed = closebell("backtest", "list", "--source", "sample", "--json").json[1:]
    assert [one["id"] for one in listed] == [other["id"], run["id"]]
    shown = closebell("backtest", "show", str(run["id"]), "--source", "sample", "--json").json
    assert shown == run
    told = closebell("backtest", "show", str(run["id"]), "--source", "sample")
    assert told.out.index("survivorship") < told.out.index("deepest fall")
    both = closebell(
        "backtest", "compare", str(run["id"]), str(other["id"]), "--source", "sample", "--json"
    ).json
    assert both["different"] == {"outcomes.vcp.hold": [60, 5]}

    for form in ("html", "json", "csv", "parquet"):
        out = tmp_path / f"run.{form}"
        done = closebell(
            *("backtest", "export", str(run["id"]), "--format", form, "-o", str(out)),
            *("--source", "sample"),
        )
        assert done.code == 0, done.err
    assert (tmp_path / "run.html").read_text("utf-8").startswith("<!doctype html>")
    assert json.loads((tmp_path / "run.json").read_text("utf-8")) == run
    assert pl.read_csv(tmp_path / "run-equity.csv").height == len(run["equity"])
    assert pl.read_parquet(tmp_path / "run-trades.parquet").height == len(run["trades"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("backtest", "vcp", *RANGE, "--set", "vcp.pivot.near=0.97"), "vcp.pivot.max_below"),
        (("backtest", "vcp", *RANGE, "--set", "vcp.pivot.max_below"), "name=value"),
        (("backtest", "vcp", "--from", "2026", "--to", "2025"), "is after"),
        (("backtest", "vcp", "--from", "spring", "--to", "2025"), "no year or date"),
        (("sweep", "vcp", *RANGE, "--grid", "vcp.pivot.below=1,2"), "vcp.pivot.max_below"),
        (
            ("sweep", "vcp", *RANGE, "--grid", "vcp.stop=0.9,0.92", "--set", "vcp.stop=0.9"),
            "vcp.stop is both set and in the grid",
        ),
    ],
)
def test_what_is_typed_wrongly_is_answered_with_what_is_right(closebell, arguments, says):
    done = closebell(*arguments)
    assert done.code == 2
    assert says in done.err
    assert "Traceback" not in done.err


def test_what_isnt_there_is_said(closebell):
    done = closebell("backtest", "show", "9999", "--source", "sample", "--json")
    assert done.code == 1
    assert json.loads(done.err)["detail"] == "there is no backtest 9999"


@pytest.mark.slow
def test_a_sweep_warns_of_luck_and_the_same_one_again_tries_nothing(closebell):
    grid = ("--grid", "outcomes.vcp.hold=3,5", "--grid", "limits.max_positions=2,5")
    first = closebell("sweep", "vcp", *RANGE, *grid, "--workers", "2", "--json").json
    assert [one["number"] for one in first["trials"]] == [1, 2, 3, 4]
    assert first["resumed"] == 0
    assert "trials were made with this scanner" in first["warning"]
    assert first["survivorship"]["words"].startswith(("2026-", "SURVIVORSHIP BIAS, 2026-"))
    assert "tax on sales" in first["costs"]
    assert any("a buy stop lay at each signal's entry" in one for one in first["conditions"])
    again = closebell("sweep", "vcp", *RANGE, *grid, "--workers", "2", "--json").json
    assert again["resumed"] == 4
    assert again["trials"] == first["trials"]
