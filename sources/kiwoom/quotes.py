"""The whole market's quotes in some 44 calls (ka20002), and chosen stocks' (ka10095)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median, median_low
from typing import Final

import dataframely as dy

from errors import BadMarketData
from market.calendar import SessionHours
from market.clock import SEOUL
from market.schemas import Quotes
from sources.kiwoom.client import KiwoomClient
from sources.kiwoom.instruments import Listing
from sources.kiwoom.rows import Quote, StockQuote
from sources.wire import Rejected, frame, parse_rows, text, tolerate

SWEEP: Final = "ka20002"
CHOSEN: Final = "ka10095"
KRX: Final = "1"  # stex_tp

# What ka20002 calls a market (mrkt_tp) and all of its stocks (inds_cd).
MARKETS: Final[Mapping[str, tuple[str, str]]] = {"KOSPI": ("0", "001"), "KOSDAQ": ("1", "101")}

# The most a call takes isn't documented; 30 worked (measured 2026-07-22).
STOCKS_A_CALL: Final = 30

# The after-market opens this long after the regular close (since 2026-09-14). Whether it moves
# Kiwoom's quotes isn't documented; a trade of that time says that it does.
AFTER_MARKET: Final = timedelta(minutes=30)

# Nothing is traded in the ten minutes of the closing auction but the close itself, so a trade
# from here on is that of the close.
CLOSING: Final = timedelta(minutes=5)

# The sweep's volume must be the chosen stocks' of a few minutes later, less what was traded since.
LEAST_VOLUME_SHARE: Final = 0.5


@dataclass(frozen=True)
class Sweep:
    """One quote a listed stock, KRX only, and what couldn't be read."""

    quotes: Mapping[str, Quote]
    rejected: Sequence[Rejected]


@dataclass(frozen=True)
class Chosen:
    """Chosen stocks' quotes by ticker, and those that couldn't be had."""

    quotes: Mapping[str, StockQuote]
    rejected: Sequence[Rejected]


def sweep(client: KiwoomClient, listing: Listing, *, max_missing: float) -> Sweep:
    """Every listed stock's quote.

    Raises:
        BadMarketData: more than the share `max_missing` of a market's list is missing or can't
            be read, with figures and names.
    """
    quotes: dict[str, Quote] = {}
    rejected: list[Rejected] = []
    for market, (mrkt_tp, inds_cd) in MARKETS.items():
        call = client.call(SWEEP, market)
        body = {"mrkt_tp": mrkt_tp, "inds_cd": inds_cd, "stex_tp": KRX}
        pages = client.pages(SWEEP, body, rows="inds_stkpc", key=text("stk_cd"), subject=market)
        wires = [row for page in pages for row in page]
        listed = listing.codes[market]
        missing = sorted(listed - set(map(text("stk_cd"), wires)))
        tolerate(call, f"instruments of {market} didn't come", missing, len(listed), max_missing)
        wanted = [row for row in wires if text("stk_cd")(row) in listing.stocks]
        parsed = parse_rows(wanted, Quote.parse, text("stk_cd"))
        tolerate(call, "rows can't be read", parsed.rejected, len(wanted), max_missing)
        rejected += parsed.rejected
        quotes |= {row.ticker: row for row in parsed.rows}
    return Sweep(quotes, rejected)


def chosen(client: KiwoomClient, tickers: Iterable[str]) -> Mapping[str, StockQuote]:
    """Quotes of these stocks with date and value, in their order.

    Raises:
        BadMarketData: one is missing or can't be read.
    """
    found = readable(client, tickers)
    if found.rejected:
        raise BadMarketData(f"{client.call(CHOSEN)}: {found.rejected[0]}")
    return found.quotes


def readable(client: KiwoomClient, tickers: Iterable[str]) -> Chosen:
    """As `chosen`, of those stocks that can be read."""
    quotes: dict[str, StockQuote] = {}
    rejected: list[Rejected] = []
    asked = list(tickers)
    for start in range(0, len(asked), STOCKS_A_CALL):
        group = asked[start : start + STOCKS_A_CALL]
        call = client.call(CHOSEN, f"{group[0]} and {len(group) - 1} more")
        page = client.ask(CHOSEN, {"stk_cd": "|".join(group)}, subject=call.subject)
        wires = {text("stk_cd")(wire): wire for wire in page.rows("atn_stk_infr", call)}
        # A stock that Kiwoom doesn't know comes as a row of blanks.
        rejected += [Rejected(ticker, "it didn't come") for ticker in group if ticker not in wires]
        found = [wires[ticker] for ticker in group if ticker in wires]
        parsed = parse_rows(found, StockQuote.parse, text("stk_cd"))
        rejected += parsed.rejected
        quotes |= {row.ticker: row for row in parsed.rows}
    return Chosen(quotes, rejected)


def quote_rows(
    client: KiwoomClient, rows: Iterable[StockQuote], asked_at: datetime
) -> dy.DataFrame[Quotes]:
    """Chosen stocks' quotes as a frame; an expected price of 0 means that there is no auction."""
    return frame(
        client.call(CHOSEN),
        Quotes,
        (
            {
                "ticker": row.ticker,
                "session": row.session,
                "asked_at": asked_at.astimezone(UTC),
                "price": row.close,
                "base": row.base_given,
                "open": row.open,
                "high": row.high,
                "low": row.low,
                "volume": row.volume,
                "value": row.value,
                "upper_limit": row.upper_limit or None,
                "lower_limit": row.lower_limit or None,
                "expected_price": row.expected_price or None,
                "expected_volume": row.expected_volume,
                "traded_at": row.traded_at
                and datetime.combine(row.session, row.traded_at, SEOUL).astimezone(UTC),
            }
            for row in rows
        ),
    )


def require_session(
    client: KiwoomClient, found: Sweep, hours: SessionHours, *, closed: bool
) -> None:
    """Check a sweep, whose rows carry no date, against the most traded stocks with theirs.

    Args:
        closed: whether it is taken for that of the close, by this machine's clock.

    Raises:
        BadMarketData: they are of another session, the volumes don't mean the same, the close
            hasn't been made yet, or prices have moved in the after-market.
    """
    session = hours.session
    traded = sorted(
        (quote for quote in found.quotes.values() if quote.volume),
        key=lambda quote: quote.close * quote.volume,
        reverse=True,
    )[:STOCKS_A_CALL]
    if not traded:
        raise BadMarketData(f"{client.call(SWEEP)}: no stock has traded")
    anchors = chosen(client, [quote.ticker for quote in traded])
    others = sorted({row.session for row in anchors.values()} - {session})
    if others:
        raise BadMarketData(
            f"{client.call(SWEEP)}: the quotes are of {others[-1]}, not of {session}",
            remedy="collect while the session is on, or before the next one opens",
        )
    after = (hours.close + AFTER_MARKET).time()
    times = [row.traded_at for row in anchors.values() if row.traded_at]
    if closed and times and median_low(times) < (hours.close - CLOSING).time():
        raise BadMarketData(
            f"{client.call(SWEEP)}: its newest trade is of {max(times)}, so the closing auction"
            f" of {hours.close:%H:%M} isn't over",
            remedy="set this machine's clock, then run it again",
        )
    late = [at for at in times if at >= after]
    if late:
        raise BadMarketData(
            f"{client.call(SWEEP)}: {len(late)} of {len(anchors)} stocks have traded since {after},"
            " so their prices aren't those of the regular close",
            remedy="take the official session from KRX next morning",
        )
    if idle := [ticker for ticker, row in anchors.items() if not row.volume]:
        raise BadMarketData(
            f"{client.call(SWEEP)}: by {client.call(CHOSEN)} nothing was traded of {idle[:5]}"
        )
    shares = [quote.volume / anchors[quote.ticker].volume for quote in traded]
    if not LEAST_VOLUME_SHARE <= median(shares) <= 1.0:
        raise BadMarketData(
            f"{client.call(SWEEP)}: its volumes are {median(shares):.3f} of those of"
            f" {client.call(CHOSEN)}, {LEAST_VOLUME_SHARE} to 1 expected"
        )
    bases = [quote.ticker for quote in traded if quote.base != anchors[quote.ticker].base_given]
    if bases:
        raise BadMarketData(
            f"{client.call(SWEEP)}: close less change isn't the base price of {bases[:5]}"
        )
