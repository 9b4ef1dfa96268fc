"""Measuring what Kiwoom's documents leave open, in some 120 calls that only read."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Final

import polars as pl

from errors import BadMarketData
from market.calendar import TradingCalendar
from market.clock import Clock
from sources.kiwoom import history, indices, net_buying, quotes
from sources.kiwoom.client import PROVIDER, KiwoomClient
from sources.kiwoom.instruments import Listing, fetch_listing
from sources.kiwoom.probe_net_buying import exchange, still_changing
from sources.kiwoom.probe_rates import Open, of_a_kind, of_all
from sources.kiwoom.probe_stored import Stored, base_is_last_close, moved_since_close
from sources.kiwoom.realtime import Realtime
from sources.kiwoom.rows import DayBar, MarketNetBuying, Quote, StockQuote
from sources.probing import Answer, Finding, Question, answers
from sources.wire import WireRow, parse_rows, text

GROUPS: Final = (30, 50, 100)
SAMPLE: Final = 5
SECONDS: Final = 240.0
INDEX_MOVES: Final = 1.005  # what an index may move between two calls
LISTEN: Final = 30.0
LISTENED_TO: Final = "005930"  # hardly a second of a session passes without a trade of it


class KiwoomProbe:
    """Asks each question once.

    Args:
        opened: opens a client of another pace.
        per_second: the rate that is set.
        total_per_second: the same of all kinds of calls together.
        stored: what was collected before.
        listen: seconds to listen to the stream at most.
    """

    def __init__(
        self,
        client: KiwoomClient,
        opened: Open,
        realtime: Realtime,
        calendar: TradingCalendar,
        clock: Clock,
        *,
        per_second: float,
        total_per_second: float,
        stored: Stored | None = None,
        listen: float = LISTEN,
    ) -> None:
        self._client = client
        self._realtime = realtime
        self._listen = listen
        self._opened = opened
        self._calendar = calendar
        self._clock = clock
        self._per_second = per_second
        self._total_per_second = total_per_second
        self._stored = stored or Stored()
        self._listing: Listing | None = None
        self._page: list[Quote] = []

    def findings(self) -> Iterator[Finding]:
        """One after the other, none begun after four minutes."""
        questions = (
            Question("token: lifetime, and what a second one does", self._token),
            Question("instruments: can the lists be read", self._lists),
            Question("ka20002: rows a page", self._sweep_page),
            Question("ka10095: how many stocks a call", self._group),
            Question("ka10095, ka20002, ka10081: the same figures", self._same),
            Question("ka10081: rows a page", self._history_page),
            Question("ka20002 after 16:00: still the regular close", self._after),
            Question("ka20006, ka20001, ka20003: the same index, and its sectors", self._indices),
            Question("ka10059: KRX alone, or both exchanges", self._exchange),
            Question("ka10066: which session it shows now", self._rolled),
            Question("ka10081 adjusted: are volumes too", self._adjusted),
            Question("WebSocket: login, a stock's trades, PING", self._stream),
            Question("ka10081: are close and volume still those of the close", self._moved),
            Question("base_pric, lastPrice: the close of the session before", self._base),
            Question("ka10059: do net buying's figures still change", self._final),
            Question("calls of a kind a second", self._rate),
            Question("calls of all kinds a second", self._total),
        )
        yield from answers(PROVIDER, questions, seconds=SECONDS)

    def _token(self) -> Answer:
        first, again, until, alive = self._client.try_tokens()
        hours = (until - self._clock.now()).total_seconds() / 3600 if until else None
        said = "issued by another process" if hours is None else f"ends in {hours:.1f} h"
        said += "; asked again, " + ("the same came" if first == again else "another one came")
        if first != again:
            said += ", and the first " + ("still works" if alive else "no longer does")
        well = (hours is None or hours > 1) and (first == again or alive)
        return Answer(
            said,
            well,
            None if well else "let no other program use this app key: each ends the other's token",
        )

    def _lists(self) -> Answer:
        self._listing = listing = fetch_listing(self._client, max_missing=1.0)
        kinds = Counter(listing.kinds.values())
        named = ", ".join(f"{n:,} {kind}" for kind, n in kinds.most_common())
        bad = [str(one) for one in listing.rejected]
        return Answer(
            f"{named}; {len(bad)} rows can't be read" + (f" ({'; '.join(bad[:3])})" if bad else ""),
            len(bad) <= 0.01 * max(1, len(listing.stocks)),
            "report the unknown words; CLOSEBELL_KIWOOM_MAX_MISSING is what is tolerated"
            if bad
            else None,
        )

    def _sweep_page(self) -> Answer:
        mrkt_tp, inds_cd = quotes.MARKETS["KOSPI"]
        body = {"mrkt_tp": mrkt_tp, "inds_cd": inds_cd, "stex_tp": quotes.KRX}
        page = self._client.ask(quotes.SWEEP, body, subject="KOSPI page 1")
        wires = page.rows("inds_stkpc", self._client.call(quotes.SWEEP))
        self._page = list(parse_rows(wires, Quote.parse, text("stk_cd")).rows)
        return _page(len(wires), 100, more=page.next_key is not None)

    def _history_page(self) -> Answer:
        body = self._chart(self._traded(1)[0])
        page = self._client.ask(history.TR, body, subject=body["stk_cd"])
        rows = page.rows("stk_dt_pole_chart_qry", self._client.call(history.TR))
        return _page(len(rows), 600, more=page.next_key is not None)

    def _group(self) -> Answer:
        tickers = list(self._known().stocks)
        most, said = 0, ""
        for size in GROUPS:
            group = tickers[:size]
            page = self._client.ask(
                quotes.CHOSEN, {"stk_cd": "|".join(group)}, subject=f"{len(group)} stocks"
            )
            rows = page.rows("atn_stk_infr", self._client.call(quotes.CHOSEN))
            came = [quote.ticker for quote in _quotes(rows)]
            if len(rows) != len(group) or came != [t for t in group if t in came]:
                said = f"; of {len(group)} asked for {len(rows)} rows came"
                break
            most = len(group)
        return Answer(
            f"{most} stocks came in their order" + said,
            most >= min(quotes.STOCKS_A_CALL, len(tickers)),
            None if most >= quotes.STOCKS_A_CALL else f"STOCKS_A_CALL is {quotes.STOCKS_A_CALL}",
        )

    def _same(self) -> Answer:
        now = {row.ticker: row for row in self._page}
        off: list[str] = []
        tickers = self._traded(SAMPLE)
        chosen = quotes.chosen(self._client, tickers)
        for ticker in tickers:
            bar = self._newest_bar(ticker)
            quote, one = now[ticker], chosen[ticker]
            if quote.base != one.base_given:
                off.append(f"{ticker}: close less change {quote.base}, base_pric {one.base_given}")
            if bar is None or bar.session != one.session:
                continue
            if not 0.5 <= bar.volume / max(1, one.volume) <= 2.0:
                off.append(f"{ticker}: ka10081 volume {bar.volume:,}, ka10095 {one.volume:,}")
            if bar.volume and not 0.5 <= bar.value / (bar.volume * bar.close) <= 2.0:
                off.append(f"{ticker}: ka10081 value {bar.value:,} for {bar.volume:,} shares")
        return Answer(
            "; ".join(off) or f"base, volume and value agree for {len(tickers)} stocks",
            not off,
            "units or signs changed: don't collect before this is understood" if off else None,
        )

    def _after(self) -> Answer:
        session = self._shown()
        hours = self._calendar.hours(session)
        if self._clock.now() < hours.close + quotes.AFTER_MARKET:
            return Answer("can be seen from 16:00 to the next opening only", None)
        tickers = self._traded(quotes.STOCKS_A_CALL)
        chosen = quotes.chosen(self._client, tickers)
        after = (hours.close + quotes.AFTER_MARKET).time()
        late = [row for row in chosen.values() if row.traded_at and row.traded_at >= after]
        moved = [
            ticker
            for ticker in tickers[:SAMPLE]
            if (bar := self._newest_bar(ticker)) and bar.close != chosen[ticker].close
        ]
        said = (
            f"{len(late)} of {len(chosen)} stocks show a trade since {after:%H:%M}; of {SAMPLE},"
            f" {len(moved)} closes of ka10081 differ from the last price"
        )
        return Answer(
            said,
            not late and not moved,
            "collect before 16:00, as closebell does; a later run takes ka10081, to be compared"
            " with KRX in the morning"
            if late or moved
            else None,
        )

    def _exchange(self) -> Answer:
        session = self._calendar.last_closed(self._clock.now())
        volumes = {
            ticker: bar.volume
            for ticker in self._traded(3)
            for bar in self._bars(ticker)
            if bar.session == session
        }
        return exchange(self._client, session, volumes)

    def _final(self) -> Answer:
        session = self._calendar.last_closed(self._clock.now())
        told = {
            ticker: row
            for ticker in self._stored_first(self._stored.net_buying)
            for row in net_buying.dated(self._client, ticker, session, "won")
            if row.session == session
        }
        return still_changing(self._stored.net_buying, session, told, self._clock.now())

    def _moved(self) -> Answer:
        session = self._shown()
        newest = {t: self._newest_bar(t) for t in self._stored_first(self._stored.bars)}
        told = {ticker: bar for ticker, bar in newest.items() if bar}
        return moved_since_close(self._stored, session, told, self._clock.now())

    def _base(self) -> Answer:
        session = self._shown()
        found = quotes.chosen(self._client, self._traded(quotes.STOCKS_A_CALL)).values()
        before = self._calendar.previous(session)
        return base_is_last_close(self._stored, session, before, found, self._known().stocks)

    def _rolled(self) -> Answer:
        body = net_buying.market_body("KOSPI", "won")
        page = self._client.ask(net_buying.MARKET, body, subject="KOSPI won page 1")
        wires = page.rows("opaf_invsr_trde", self._client.call(net_buying.MARKET))
        known = self._known().stocks
        found = {
            row.ticker: row
            for row in parse_rows(wires, MarketNetBuying.parse, text("stk_cd")).rows
            if row.ticker in known
        }
        closed = self._calendar.last_closed(self._clock.now())
        votes = net_buying.votes(self._client, found, closed)
        said = ", ".join(f"{n} of {day}" for day, n in sorted(votes.items())) or "none dated"
        now = f"{self._clock.now():%H:%M}"
        well = bool(votes) and votes.most_common(1)[0][0] == closed
        return Answer(
            f"at {now}, with {len(wires)} rows a page: {said}; the last session closed is {closed}",
            well,
            None if well else "ask again later: net-buying runs wait until it shows the session",
        )

    def _adjusted(self) -> Answer:
        if self._stored.split is None:
            return Answer(
                "no stock with a capital change in its stored bars to see it by",
                None,
                "closebell import marcap:2025..2026, or run it again after the next split",
            )
        ticker, day = self._stored.split
        before = self._calendar.previous(day)
        bars = []
        for adjusted in (history.AS_TRADED, "1"):
            found = {bar.session: bar for bar in self._bars(ticker, adjusted=adjusted)}
            if before not in found:
                return Answer(f"{ticker} has no bar of {before}", None)
            bars.append(found[before])
        plain, adjusted_bar = bars
        price = adjusted_bar.close / plain.close
        volume = adjusted_bar.volume / max(1, plain.volume)
        said = f"{ticker} before {day}: price times {price:.3f}, volume times {volume:.3f}"
        return Answer(said, None if price == 1 else abs(price * volume - 1) < 0.05)

    def _indices(self) -> Answer:
        bars = indices.fetch_index_bars(self._client, self._shown())
        of_day = bars.filter(pl.col("session") == self._shown())
        daily = dict(of_day.select(pl.col("index").cast(pl.String), "close").iter_rows())
        said, well = [], True
        for index, sectors in (
            (name, indices.fetch_sectors(self._client, name)) for name in ("KOSPI", "KOSDAQ")
        ):
            now = indices.fetch_index(self._client, index).close
            whole = next((s.close for s in sectors if s.code == indices.CODES[index]), None)
            levels = (daily[index], now, *([whole] if whole else ()))
            well &= whole is not None and max(levels) <= INDEX_MOVES * min(levels)
            shown = "/".join(f"{level:,.2f}" for level in levels)
            said.append(f"{index} {shown}, {len(sectors)} sectors")
        return Answer(
            "; ".join(said),
            well,
            None if well else "the market gate reads ka20006: report the figures",
        )

    def _stream(self) -> Answer:
        now = self._clock.now()
        hours = self._calendar.hours(self._shown())
        if not hours.open <= now < hours.close:
            return Answer("can be heard while a session is on only", None)
        heard = asyncio.run(self._realtime.try_out(LISTENED_TO, self._listen))
        said = [f"logged in within {heard.login:.1f} s"]
        for what, seconds in (
            (f"answer to registering {LISTENED_TO}", heard.registered),
            ("first PING", heard.ping),
            ("first row", heard.told),
        ):
            came = f"after {seconds:.1f} s" if seconds is not None else f"not in {self._listen:g} s"
            said.append(f"{what} {came}")
        well = None not in (heard.registered, heard.told)
        return Answer(
            ", ".join(said),
            well,
            None if well else "closebell stream would hear nothing: report it with this line",
        )

    def _rate(self) -> Answer:
        ticker = self._traded(1)[0]
        return of_a_kind(self._opened, self._per_second, quotes.CHOSEN, {"stk_cd": ticker})

    def _total(self) -> Answer:
        ticker, day = self._traded(1)[0], f"{self._shown():%Y%m%d}"
        mrkt_tp, inds_cd = quotes.MARKETS["KOSPI"]
        market = {"mrkt_tp": mrkt_tp, "inds_cd": inds_cd}
        asked = (
            (quotes.CHOSEN, {"stk_cd": ticker}),
            (quotes.SWEEP, {**market, "stex_tp": quotes.KRX}),
            (history.TR, self._chart(ticker)),
            (net_buying.STOCK, net_buying.stock_body(ticker, self._shown(), "shares")),
            (net_buying.MARKET, net_buying.market_body("KOSPI", "won")),
            ("ka20001", market),
            ("ka20003", {"inds_cd": inds_cd}),
            ("ka20006", {"inds_cd": inds_cd, "base_dt": day}),
        )
        return of_all(self._opened, self._per_second, self._total_per_second, asked)

    def _known(self) -> Listing:
        if self._listing is None:
            raise BadMarketData(f"{PROVIDER}: the lists couldn't be read")
        return self._listing

    def _traded(self, count: int) -> list[str]:
        traded = [row for row in self._page if row.volume and row.ticker in self._known().stocks]
        traded.sort(key=lambda row: row.close * row.volume, reverse=True)
        if not traded:
            raise BadMarketData(f"{PROVIDER}: no traded stock was seen on the first page")
        return [row.ticker for row in traded[:count]]

    def _shown(self) -> date:
        return self._calendar.session_at(self._clock.now())

    def _bars(self, ticker: str, *, adjusted: str = history.AS_TRADED) -> list[DayBar]:
        page = self._client.ask(history.TR, self._chart(ticker, adjusted), subject=ticker)
        wires = page.rows("stk_dt_pole_chart_qry", self._client.call(history.TR))
        return list(parse_rows(wires, DayBar.parse, text("dt")).rows)

    def _chart(self, ticker: str, adjusted: str = history.AS_TRADED) -> dict[str, str]:
        shown = f"{self._shown():%Y%m%d}"
        return {"stk_cd": ticker, "base_dt": shown, "upd_stkpc_tp": adjusted}

    def _stored_first(self, stored: pl.DataFrame) -> list[str]:
        """Some of the most traded stocks, those that are stored if any is."""
        known = frozenset(stored["ticker"])
        traded = self._traded(10 * SAMPLE)
        return [ticker for ticker in traded if ticker in known][:SAMPLE]

    def _newest_bar(self, ticker: str) -> DayBar | None:
        return next(iter(self._bars(ticker)), None)


def _quotes(wires: list[WireRow]) -> list[StockQuote]:
    return list(parse_rows(wires, StockQuote.parse, text("stk_cd")).rows)


def _page(rows: int, usual: int, *, more: bool) -> Answer:
    well = rows == usual if more else rows <= usual
    said = f"{rows} rows, " + ("more follow" if more else "no more follow")
    change = None if well else f"{usual} were measured before: calls and minutes change with it"
    return Answer(said, well, change)
