"""Who is listed: the slots of the sample market and their lasting properties.

A slot is a place in the market. Its tenant is the stock listed there; when that one is delisted
a later tenant takes the place. Slots are drawn once from the seed and never depend on a date.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from errors import SettingsError
from sources.sample import names

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

TENANTS: Final = 4
NEVER: Final = 10**9

# Shares of all stocks, near those of the exchange in early 2026; the rest are common stocks.
_KINDS: Final = (("preferred", 0.040), ("spac", 0.028), ("reit", 0.010), ("etf", 0.015))
_KONEX: Final = 0.025
_KOSPI: Final = 0.33
# A slot changes its tenant once in about 33 years: some 80 listings and delistings a year.
_TENANCY_SESSIONS: Final = 8_000

# What a common stock's slot is there for.
ORDINARY, LONG_PATTERN, SHORT_PATTERN = 0, 1, 2
_LONG_SHARE: Final = 0.12
_SHORT_SHARE: Final = 0.09


@dataclass(frozen=True)
class Slots:
    """One element a slot; `starts`, `ends`, `tickers` and `names` are (TENANTS, slots)."""

    kind: npt.NDArray[np.str_]
    market: npt.NDArray[np.str_]
    sector: Ints  # index into names.SECTORS, -1: none
    role: Ints
    beta: Floats
    sigma: Floats  # sd of a session's own return
    cap: Floats  # the market value it is drawn back to, won
    pull: Floats  # share of the distance made good a session
    price: Floats  # first price, won
    turnover: Floats  # ordinary traded value, won a session
    starts: Ints  # ordinal of a tenant's first session
    ends: Ints  # and of the first without it
    tickers: npt.NDArray[np.object_]
    names: npt.NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.kind)


def draw(stocks: int, seed: int) -> Slots:
    """The slots of the market with this many stocks.

    Raises:
        SettingsError: fewer than 20 or more than 9,000 stocks.
    """
    if not 20 <= stocks <= names.MAX_STOCKS:
        raise SettingsError(f"the sample market has 20 to {names.MAX_STOCKS} stocks, not {stocks}")
    rng = np.random.default_rng([seed, 1])
    kind = _kinds(stocks, rng)
    common = kind == "common"
    konex = common & (rng.random(stocks) < _KONEX)
    market = np.where(rng.random(stocks) < _KOSPI, "KOSPI", "KOSDAQ")
    market[konex] = "KONEX"
    market[kind == "spac"] = "KOSDAQ"
    market[np.isin(kind, ["reit", "etf", "preferred"])] = "KOSPI"
    role = _roles(common & ~konex, rng)
    z = rng.standard_normal((6, stocks))

    size = z[0] + np.where(market == "KOSPI", 0.5, -0.2)
    cap = 1.05e11 * np.exp(1.4 * size + 0.40 * np.clip(size, 0, 3.0) ** 2)
    cap = np.minimum(cap, 4e14)
    price = 5_800 * np.exp(np.where(z[1] > 0, 1.5, 1.1) * z[1] * 0.9 + 0.25 * np.clip(size, -2, 3))
    sigma = np.clip(0.0270 * np.exp(0.38 * z[2] - 0.08 * size), 0.007, 0.06)
    turnover = cap * 0.0024 * np.exp(1.25 * z[3] + 6.0 * (sigma - 0.025))
    beta = np.clip(0.9 + 0.35 * z[4], 0.1, 2.0)
    pull = np.full(stocks, 1 / 500)

    planted = role != ORDINARY
    smallest = np.where(role == LONG_PATTERN, 8e10, 3e11)
    cap[planted] = np.clip(cap, smallest, 8e12)[planted]
    quiet = np.where(role == LONG_PATTERN, 3e9, 6e9)
    turnover[planted] = (quiet * np.exp(0.7 * np.abs(z[5])))[planted]
    price[planted] = np.clip(price[planted], 3_000, 150_000)
    pull[planted] = 1 / 80
    for name, own_sigma, own_price, own_beta in (
        ("spac", 0.003, 2_100.0, 0.02),
        ("reit", 0.008, 4_300.0, 0.35),
        ("etf", 0.003, 21_000.0, 1.0),
    ):
        here = kind == name
        sigma[here], beta[here], pull[here] = own_sigma, own_beta, 1 / 60
        price[here] = own_price * np.exp(0.25 * z[5][here] * (name != "spac"))
        cap[here] = np.clip(cap[here], 1e10, 2e12 if name != "spac" else 3e10)
    turnover[kind == "spac"] *= 0.3
    turnover[konex] *= 0.02
    cap[konex] *= 0.2
    turnover = np.clip(turnover, 2e6, 3.5e11)

    sector = rng.choice(len(names.SECTORS), stocks, p=_sector_shares())
    sector[np.isin(kind, ["spac", "etf", "reit"])] = -1
    starts, ends = _tenancies((role == ORDINARY) & common, rng)
    tickers, titles = _identities(kind, sector, starts, planted)
    return Slots(
        kind, market, sector, role, beta, sigma, cap, pull, np.clip(price, 300, 1.2e6),
        turnover, starts, ends, tickers, titles,
    )  # fmt: skip


def _kinds(stocks: int, rng: np.random.Generator) -> npt.NDArray[np.str_]:
    kind = np.full(stocks, "common", dtype="<U9")
    at = 0
    for name, share in _KINDS:
        count = max(1, round(share * stocks))
        kind[at : at + count] = name
        at += count
    rng.shuffle(kind)
    return kind


def _roles(eligible: Bools, rng: np.random.Generator) -> Ints:
    role = np.zeros(len(eligible), dtype=np.int64)
    slots = rng.permutation(np.flatnonzero(eligible))
    long = round(_LONG_SHARE * len(slots))
    short = round(_SHORT_SHARE * len(slots))
    role[slots[:long]] = LONG_PATTERN
    role[slots[long : long + short]] = SHORT_PATTERN
    return role


def _sector_shares() -> Floats:
    weights = np.linspace(3.0, 1.0, len(names.SECTORS))
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _tenancies(moving: Bools, rng: np.random.Generator) -> tuple[Ints, Ints]:
    slots = len(moving)
    gaps = np.ceil(rng.exponential(_TENANCY_SESSIONS, (TENANTS, slots))).astype(np.int64)
    starts = np.full((TENANTS, slots), NEVER)
    ends = np.full((TENANTS, slots), NEVER)
    starts[0] = 0
    for tenant in range(TENANTS):
        ends[tenant, moving] = starts[tenant, moving] + 150 + gaps[tenant, moving]
        if tenant + 1 < TENANTS:
            starts[tenant + 1, moving] = ends[tenant, moving] + 3
    return starts, ends


def _identities(
    kind: npt.NDArray[np.str_], sector: Ints, starts: Ints, staying: Bools
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    slots = len(kind)
    tickers = np.full((TENANTS, slots), "", dtype=object)
    titles = np.full((TENANTS, slots), "", dtype=object)
    parents = iter(np.flatnonzero(staying))
    for number in range(slots):
        tickers[0, number] = names.ordinary_code(number)
        titles[0, number] = _title(number, str(kind[number]), int(sector[number]))
    for count, slot in enumerate(np.flatnonzero(kind == "preferred")):
        parent = next(parents)
        tickers[0, slot] = names.preferred_code(tickers[0, parent], "57K"[count % 3])
        titles[0, slot] = titles[0, parent] + ("우", "2우B", "우B")[count % 3]
        sector[slot] = sector[parent]
    later = [(int(starts[k, s]), int(s), k) for k in range(1, TENANTS) for s in range(slots)]
    for number, (start, place, tenant) in enumerate(sorted(later)):
        if start >= NEVER:
            break
        tickers[tenant, place] = names.new_code(number)
        titles[tenant, place] = _title(slots + number, "common", int(sector[place]))
    return tickers, titles


def _title(number: int, kind: str, sector: int) -> str:
    stem = names.stem(number)
    if kind == "spac":
        return f"{stem}제{number % 30 + 1}호스팩"
    if kind == "reit":
        return f"{stem}리츠"
    if kind == "etf":
        return f"{stem} 지수{number % 7 + 1}"
    return stem + names.SECTORS[max(sector, 0)][1]
