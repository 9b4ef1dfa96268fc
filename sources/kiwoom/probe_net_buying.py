"""What net buying is of, and whether its figures change after they were stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from statistics import median
from typing import Final

import polars as pl

from market.clock import SEOUL
from sources.kiwoom import net_buying
from sources.kiwoom.client import KiwoomClient
from sources.kiwoom.numbers import MILLION
from sources.kiwoom.rows import StockNetBuying, StockVolume
from sources.probing import Answer
from sources.wire import parse_rows, text

SAME_VOLUME: Final = 0.05
BOTH_EXCHANGES: Final = 3.0  # KRX alone had 55 to 60 % of both in August 2026


def exchange(client: KiwoomClient, session: date, volumes: Mapping[str, int]) -> Answer:
    """Whether ka10059's volume is that of KRX alone: these, of ka10081, by ticker."""
    ratios = []
    for ticker, volume in volumes.items():
        body = net_buying.stock_body(ticker, session, "shares")
        page = client.ask(net_buying.STOCK, body, subject=ticker)
        wires = page.rows("stk_invsr_orgn", client.call(net_buying.STOCK, ticker))
        rows = parse_rows(wires, StockVolume.parse, text("dt")).rows
        ratios += [row.volume / volume for row in rows if row.session == session and volume]
    if not ratios:
        return Answer(f"no volumes of {session} to compare", None, "ask again after the close")
    ratio = median(ratios)
    alone = abs(ratio - 1) <= SAME_VOLUME
    both = 1 + SAME_VOLUME < ratio <= BOTH_EXCHANGES
    means = "KRX alone" if alone else "both exchanges" if both else "another unit"
    return Answer(
        f"its volume is {ratio:,.4g} times ka10081's: {means}",
        alone,
        None if alone else "net buying and volumes don't mean the same: read shares with care",
    )


def still_changing(
    stored: pl.DataFrame, session: date, told: Mapping[str, StockNetBuying], now: datetime
) -> Answer:
    """Whether ka10059's net buying of `session` is still what was stored, version by version."""
    known = stored.filter(
        (pl.col("session") == session)
        & pl.col("ticker").is_in(list(told))
        & pl.col("foreign_won").is_not_null()
        & pl.col("institution_won").is_not_null()
    )
    if known.is_empty():
        return Answer(
            f"no net buying of {session} is stored to compare with",
            None,
            "closebell run net-buying (18:40), then this after 20:00 and on the next morning",
        )
    said = []
    differing = 0
    for (known_at,), version in known.group_by("known_at", maintain_order=True):
        differing = sum(_differs(row, told[row["ticker"]]) for row in version.to_dicts())
        kind = ", provisional" if version["provisional"].any() else ""
        assert isinstance(known_at, datetime)
        said.append(
            f"{differing} of {version.height} from that of"
            f" {known_at.astimezone(SEOUL):%m-%d %H:%M}{kind}"
        )
    final = not known.sort("known_at")["provisional"][-1]
    return Answer(
        f"at {now:%m-%d %H:%M}, of {session} differ " + ", ".join(said),
        differing == 0 if final else None,
        "final since the last of them, as far as can be seen: ask again on the next morning"
        if not differing
        else "figures change after that hour: let net-buying run later",
    )


def _differs(row: Mapping[str, int], told: StockNetBuying) -> bool:
    """By more than rounding: each is given in millions of won."""
    return any(
        abs(row[f"{who}_won"] - getattr(told, who) * MILLION) > MILLION
        for who in ("foreign", "institution")
    )
