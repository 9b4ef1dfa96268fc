"""Single real stocks whose answers were worked out by hand from their bars."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import realdata
from paths import Market
from readings import Answer, by_scan
from spliced import spliced_market


def adjusted(real_data: Path, ticker: str, last: date) -> Market:
    data = realdata.adjusted_market(real_data, last=last, tickers=[ticker])
    return Market(data, realdata.schedule_of(data), {})


def answer(market: Market, scanner: str, ticker: str) -> Answer:
    found: Answer = by_scan(replace(market, rows={ticker: _Same()}))[scanner][ticker]
    return found


class _Same(dict[date, date]):
    """Real bars have no story: a session is its own row."""

    def __missing__(self, session: date) -> date:
        return session


def test_413640_forms_a_base_of_two_contractions(real_data: Path) -> None:
    # Swing highs: 2024-11-25 at 10,370 and 2025-03-05 at 11,480 (the highest, known 03-12);
    # 10,370 is over .90 x 11,480 = 10,332, every older one (9,750 and less) is under it. Lowest
    # low between them 7,280 on 2025-01-24: 1 - 7280/10370 = .29797; after the pivot 10,390 on
    # 03-06: 1 - 10390/11480 = .09495. Quotient .319: 10 + 5 + 1. Closes since the pivot stay
    # under it, 11,470 today is .999 of it: 5. Entry 11,490; .92 x 11,490 = 10,570.8 is above
    # 10,380: stop 10,580; target 11,490 + 2 x 910.
    found = answer(adjusted(real_data, "413640", date(2025, 3, 18)), "vcp", "413640")
    assert found["highs"] == [date(2024, 11, 25), date(2025, 3, 5)]
    assert found["lows"] == [date(2025, 1, 24), date(2025, 3, 6)]
    assert found["depths"] == [0.29797, 0.09495]
    assert (found["state"], found["pivot"], found["low"]) == ("forming", 11_480, 10_390)
    assert (found["parts"]["contractions"], found["parts"]["pivot"]) == (16, 5)
    assert (found["entry"], found["target"], found["stop"]) == (11_490, 13_310, 10_580)


def test_000150_passes_every_daytrading_check_it_can(real_data: Path) -> None:
    # 2025-05-02: volume 519,569 against 2 x 163,466; close 333,500 over the high of 317,000 of
    # 20 rows and the five-row mean of 313,400; 303,500/316,000 = -3.96 %, then +9.88 %. Ticks of
    # 500: 350,175 down, 323,495 up. Value about 173 billion, limit 394,500.
    market = adjusted(real_data, "000150", date(2025, 5, 2))
    found = answer(market, "daytrading", "000150")
    assert found["parts"] == dict.fromkeys(found["parts"], 15) | {
        "net_buying": None,
        "sector": None,
    }
    assert (found["score"], found["out_of"], found["grade"]) == (75, 75, "S")
    assert (found["entry"], found["target"], found["stop"]) == (333_500, 350_000, 323_500)


def test_059120_on_the_day_of_its_split(real_data: Path) -> None:
    # 2026-01-28: base 8,490 after a close of 16,970, factor .500295. The high of 18,600 is 9,306
    # of today: 9,880 is above it. The 18 rows of 2026 before traded 28,132,484 shares, 56.2
    # million of today: 5,454,791 is less than twice the mean (5.62 million at least; twice the
    # unadjusted one would be 2.8 million). +16.4 % after -0.88 % is no rebound. Net buying of
    # 01-21 to 01-27 is 1.78 billion won. 53 of 90 = 61.8 of 105. Target 10,374 and stop 9,583.6
    # in ticks of 10; limit 11,030.
    market = spliced_market(real_data, ["059120"])
    until = market.between(market.schedule["session"][0], date(2026, 1, 28))
    found = answer(until, "daytrading", "059120")
    assert found["parts"] == {
        "volume": 8,
        "momentum": 15,
        "box": 15,
        "average5": 15,
        "net_buying": 0,
        "rebound": 0,
        "sector": None,
    }
    assert (found["score"], found["out_of"], found["grade"]) == (53, 90, "B")
    assert (found["entry"], found["target"], found["stop"]) == (9_880, 10_370, 9_590)
