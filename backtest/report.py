"""A backtest as one HTML page that needs nothing else: no script, no other host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from importlib.resources import files
from typing import Any

import polars as pl

from backtest import charts
from backtest.charts import Line
from backtest.figures import monthly

TRADES_SHOWN = 1_000
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TRADE_COLUMNS = (
    *("Bought", "Stock", "Grade", "Price", "Shares", "Sold", "Price", "Shares", "Sessions"),
    *("Ended by", "Costs", "Profit", "%"),
)
TITLES = {
    "vcp": "Volatility contraction",
    "daytrading": "Day trading",
    "closing_bet": "Closing bet",
}


def html(row: Mapping[str, Any], equity: pl.DataFrame, trades: pl.DataFrame) -> str:
    """The page of a stored run (the columns of table backtests), its equity and its trades."""
    title = f"{TITLES.get(row['scanner'], row['scanner'])}, {row['first']} to {row['last']}"
    body = "".join(
        [
            f"<h1>{escape(title)}</h1>",
            _subtitle(row),
            _warnings(row),
            _tiles(row),
            _curves(row, equity),
            _months(row, equity),
            _distribution(trades),
            _figures(row),
            _rules(row),
            _trades(trades),
        ]
    )
    style = files("backtest").joinpath("report.css").read_text("utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _subtitle(row: Mapping[str, Any]) -> str:
    changes = row["spec"].get("changes") or {}
    changed = ", ".join(f"{k} = {v}" for k, v in changes.items()) or "default rules"
    number = f"Backtest {row['id']} · " if row.get("id") else ""
    return (
        f'<p class="sub">{number}{escape(row["source"])} market · {row["facts"]["sessions"]:,} '
        f"sessions · {row['capital']:,} won · {escape(changed)} · rules {row['rules_hash']}</p>"
    )


def _warnings(row: Mapping[str, Any]) -> str:
    facts = row["facts"]
    survivors = facts["survivorship"]
    trials = int(facts.get("trials", 1))
    luck = f"the best of {trials:,} useless ones looks good by luck, so judge it on unseen data"
    said = "this is the only one so far" if trials == 1 else luck
    tried = f"Sets of rules tried with this scanner on this database: {said}."
    items = [
        _fact("Survivorship", f"{_upper(survivors['words'])}.", survivors["verdict"] != "included"),
        _fact(f"Trials: {trials:,}", tried, trials > 20),
        _fact("Costs", f"{_upper(facts['costs'])}.", False),
    ]
    conditions = "".join(f"<li>{escape(_upper(one))}.</li>" for one in facts["conditions"])
    notes = "".join(f"<li>{escape(_upper(one))}.</li>" for one in facts["notes"])
    missing = f"<h3>What the data lacks</h3><ul>{notes}</ul>" if notes else ""
    return (
        f'<section class="facts">{"".join(items)}</section>'
        "<details open><summary>What would have to be true</summary>"
        f"<ul>{conditions}</ul>{missing}</details>"
    )


def _fact(name: str, words: str, bad: bool) -> str:
    kind = "fact bad" if bad else "fact"
    return f'<div class="{kind}"><b>{escape(name)}</b><p>{escape(words)}</p></div>'


def _tiles(row: Mapping[str, Any]) -> str:
    f = row["figures"]
    tiles = [
        ("Total return", percent(f["total_return"]), f"KOSPI {percent(f['kospi_return'])}"),
        ("A year (CAGR)", percent(f["cagr"]), f"KOSPI {percent(f['kospi_cagr'])}"),
        (
            "Deepest fall",
            percent(f["max_drawdown"]),
            f"KOSPI {percent(f['kospi_max_drawdown'])}",
        ),
        ("Sharpe", number(f["sharpe"]), f"Sortino {number(f['sortino'])}"),
        ("Hit rate", percent(f["hit_rate"]), f"{f['trades']:,} trades closed"),
        ("Profit factor", number(f["profit_factor"]), f"costs {f['costs']:,} won"),
    ]
    cells = "".join(
        f'<div class="tile"><span>{name}</span><b>{value}</b><i>{below}</i></div>'
        for name, value, below in tiles
    )
    return f'<section class="tiles">{cells}</section>'


def _curves(row: Mapping[str, Any], equity: pl.DataFrame) -> str:
    days: list[date] = equity["session"].to_list()
    capital = row["capital"]
    own = (equity["equity"] / capital * 100).to_list()
    kospi, universe = ((equity[name] * 100).to_list() for name in ("kospi", "universe"))
    top = equity["equity"].cast(pl.Float64).clip(lower_bound=capital).cum_max()
    fall = ((equity["equity"] / top - 1) * 100).to_list()
    exposure = (equity["holdings"] / equity["equity"] * 100).fill_nan(0.0).to_list()
    series = [
        Line("the account", own, "one"),
        Line("KOSPI", kospi, "two"),
        Line("every common stock, equal weights", universe, "three"),
    ]
    some = [v for line in series for v in line.values if v is not None]
    wide = max(some) / max(min(some), 1e-9) > 3
    scale = "logarithmic scale, " if wide else ""
    return (
        f"<section><h2>Equity <small>{scale}100 at the start</small></h2>"
        + charts.lines(days, series, label="Equity against the markets", log=wide)
        + "</section><section><h2>Below its top <small>percent</small></h2>"
        + charts.area(days, fall, unit="", label="Drawdown", style="bad")
        + "</section><section><h2>Invested <small>percent of equity</small></h2>"
        + charts.area(days, exposure, height=120, label="Exposure")
        + "</section>"
    )


def _months(row: Mapping[str, Any], equity: pl.DataFrame) -> str:
    found = {(year, month): gain for year, month, gain in monthly(equity, row["capital"])}
    years = sorted({year for year, _ in found})
    rows = []
    for year in years:
        whole = 1.0
        cells = []
        for month in range(1, 13):
            gain = found.get((year, month))
            whole *= 1 + (gain or 0.0)
            cells.append(_shaded(gain))
        rows.append(f"<tr><th>{year}</th>{''.join(cells)}{_shaded(whole - 1)}</tr>")
    head = "".join(f"<th>{name}</th>" for name in [*MONTHS, "Year"])
    return (
        '<section><h2>By month <small>percent</small></h2><div class="wide"><table class="months">'
        f"<tr><th></th>{head}</tr>{''.join(rows)}</table></div></section>"
    )


def _shaded(gain: float | None) -> str:
    if gain is None:
        return "<td></td>"
    strength = min(abs(gain) / 0.10, 1.0) * 0.55
    kind = "gain" if gain >= 0 else "loss"
    text = f"{gain * 100:+.1f}" if gain else "0.0"
    return f'<td class="{kind}" style="--s:{strength:.2f}">{text}</td>'


def _distribution(trades: pl.DataFrame) -> str:
    closed = trades.filter(pl.col("sold_session").is_not_null())
    if closed.is_empty():
        return ""
    rows = (
        closed.group_by("reason")
        .agg(n=pl.len(), mean=pl.col("profit_pct").mean(), won=pl.col("profit").sum())
        .sort("n", descending=True)
        .iter_rows(named=True)
    )
    reasons = "".join(
        f"<tr><td>{escape(one['reason'].replace('_', ' '))}</td><td>{one['n']:,}</td>"
        f"<td>{one['mean']:+.2f} %</td><td>{one['won']:+,}</td></tr>"
        for one in rows
    )
    return (
        "<section><h2>Trades <small>percent of what was spent, after costs</small></h2>"
        + charts.histogram(closed["profit_pct"].to_list(), unit=" %", label="Returns of trades")
        + '<table class="plain"><tr><th>Ended by</th><th>Trades</th><th>Mean</th><th>Won</th></tr>'
        + f"{reasons}</table></section>"
    )


def _figures(row: Mapping[str, Any]) -> str:
    f, facts = row["figures"], row["facts"]
    pairs = [
        ("Volatility a year", percent(f["volatility"])),
        ("Longest time under water", f"{f['drawdown_sessions']:,} sessions"),
        ("Mean exposure", percent(f["exposure"])),
        ("Turnover", f"{number(f['turnover'])} times a year"),
        ("Mean trade", percent(f["average_return"])),
        ("Median trade", percent(f["median_return"])),
        ("Mean holding", f"{number(f['average_sessions'])} sessions"),
        ("Positions still open", f"{f['open_trades']:,}"),
        ("Profit", f"{f['profit']:+,} won"),
        ("All stocks, equal weights", percent(f["universe_return"])),
        ("Signals", f"{facts['signals']:,}"),
        ("Orders filled", f"{facts['filled']:,}"),
        *((f"Not bought: {why}", f"{n:,}") for why, n in facts["not_bought"].items()),
        *((f"Sessions {colour}", f"{n:,}") for colour, n in facts["gates"].items()),
    ]
    return f"<section><h2>More figures</h2>{_pairs(pairs)}</section>"


def _rules(row: Mapping[str, Any]) -> str:
    spec = row["spec"]
    limits = [(f"limits.{k}", f"{v:g}") for k, v in spec["limits"].items()]
    trade = spec["outcomes"].get(row["scanner"], {})
    traded = [(f"outcomes.{row['scanner']}.{k}", str(v)) for k, v in trade.items()]
    return (
        f"<details><summary>Limits and trade rules</summary>{_pairs([*traded, *limits])}</details>"
    )


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    cells = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in pairs)
    return f'<dl class="pairs">{cells}</dl>'


def _trades(trades: pl.DataFrame) -> str:
    shown = trades.tail(TRADES_SHOWN)
    left = trades.height - shown.height
    note = f" <small>the newest {shown.height:,}; export csv has all</small>" if left else ""
    head = "".join(f"<th>{name}</th>" for name in TRADE_COLUMNS)
    body = "".join(_trade(one) for one in shown.iter_rows(named=True))
    return (
        f'<details><summary>Every trade ({trades.height:,}){note}</summary><div class="wide">'
        f'<table class="plain trades"><tr>{head}</tr>{body}</table></div></details>'
    )


def _trade(one: Mapping[str, Any]) -> str:
    sold = one["sold_session"]
    kind = "gain" if one["profit"] >= 0 else "loss"
    cells = [
        str(one["bought_session"]),
        f"{escape(one['name'] or '')} <small>{escape(one['ticker'])}</small>",
        escape(one["grade"]),
        f"{one['bought_price']:,}",
        f"{one['bought_shares']:,}",
        str(sold) if sold else "held",
        f"{one['sold_price']:,}" if sold else "",
        f"{one['sold_shares']:,}" if sold else "",
        f"{one['sessions_held']:,}",
        escape(one["reason"].replace("_", " ")),
        f"{one['costs']:,}",
        f'<span class="{kind}">{one["profit"]:+,}</span>',
        f'<span class="{kind}">{one["profit_pct"]:+.2f}</span>',
    ]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def percent(value: float | None) -> str:
    """A fraction as percent; a dash where it can't be told."""
    return "–" if value is None else f"{value * 100:.2f} %"


def number(value: float | None) -> str:
    """Two decimals; a dash where it can't be told."""
    return "–" if value is None else f"{value:,.2f}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
