"""A session of the sample market as the KRX Open API tells it, service by service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from market.data import MarketData

Wire = dict[str, str]
PREFIX = {"KOSPI": "stk", "KOSDAQ": "ksq"}
INDICES = {
    "KOSPI": ("코스피", "kospi"),
    "KOSDAQ": ("코스닥", "kosdaq"),
    "KOSPI200": ("코스피 200", "kospi"),
}
SHARES = {"preferred": "구형우선주"}


def krx_day(
    data: MarketData, session: date, changed: Mapping[str, Mapping[str, int]] | None = None
) -> dict[str, dict[str, list[Wire]]]:
    """Service, day, rows; `changed` gives single stocks other figures (as columns of the bars)."""
    day = f"{session:%Y%m%d}"
    of_session = pl.col("session") == session
    stocks = data.bars.filter(of_session).join(
        data.instruments.sort("since").unique("ticker", keep="last"), on="ticker"
    )
    told: dict[str, dict[str, list[Wire]]] = {}
    for market, prefix in PREFIX.items():
        rows = stocks.filter((pl.col("market") == market) & (pl.col("kind") != "etf")).to_dicts()
        rows = [row | (changed or {}).get(row["ticker"], {}) for row in rows]
        told[f"sto/{prefix}_bydd_trd"] = {day: [_trade(row, day) for row in rows]}
        told[f"sto/{prefix}_isu_base_info"] = {day: [_info(row) for row in rows]}
    indices = {str(row["index"]): row for row in data.index_bars.filter(of_session).to_dicts()}
    for index, (name, service) in INDICES.items():
        rows_of = told.setdefault(f"idx/{service}_dd_trd", {day: []})[day]
        rows_of.append(_index(indices[index], name, day))
    return told


def _trade(row: Mapping[str, Any], day: str) -> Wire:
    change = row["close"] - row["base"]
    shares = row["listed_shares"] or 0
    traded = row["volume"] > 0
    return {
        "BAS_DD": day,
        "ISU_CD": row["ticker"],
        "ISU_NM": row["name"],
        "MKT_NM": str(row["market"]),
        "SECT_TP_NM": "-",
        "TDD_CLSPRC": str(row["close"]),
        "CMPPREVDD_PRC": str(change),
        "FLUC_RT": f"{100 * change / row['base']:.2f}",
        "TDD_OPNPRC": str(row["open"] if traded else 0),
        "TDD_HGPRC": str(row["high"] if traded else 0),
        "TDD_LWPRC": str(row["low"] if traded else 0),
        "ACC_TRDVOL": str(row["volume"]),
        "ACC_TRDVAL": str(row["value"] or 0),
        "MKTCAP": str(row["close"] * shares),
        "LIST_SHRS": str(shares),
    }


def _info(row: Mapping[str, Any]) -> Wire:
    return {
        "ISU_CD": f"KR7{row['ticker']}003",
        "ISU_SRT_CD": row["ticker"],
        "ISU_NM": row["name"],
        "ISU_ABBRV": row["name"],
        "LIST_DD": f"{row['listed']:%Y%m%d}" if row["listed"] else "",
        "MKT_TP_NM": str(row["market"]),
        "SECUGRP_NM": "부동산투자회사" if row["kind"] == "reit" else "주권",
        "SECT_TP_NM": "",
        "KIND_STKCERT_TP_NM": SHARES.get(str(row["kind"]), "보통주"),
        "PARVAL": "무액면",
        "LIST_SHRS": str(row["listed_shares"] or 0),
    }


def _index(row: Mapping[str, Any], name: str, day: str) -> Wire:
    figures = {
        "CLSPRC_IDX": row["close"],
        "OPNPRC_IDX": row["open"],
        "HGPRC_IDX": row["high"],
        "LWPRC_IDX": row["low"],
        "ACC_TRDVOL": row["volume"],
        "ACC_TRDVAL": row["value"],
    }
    shown = {field: "-" if figure is None else str(figure) for field, figure in figures.items()}
    return {"BAS_DD": day, "IDX_CLSS": name, "IDX_NM": name, **shown}
