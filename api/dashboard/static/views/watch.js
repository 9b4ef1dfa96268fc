/** The watch list and what was taken, with today's prices. */

/** @import {App} from "../app.js" */
/** @import {Signal, Stock, Trade, Watched} from "../lib/types.js" */
/** @import {Notebook} from "../model/notebook.js" */
import { download, h, redraw, refill } from "../lib/dom.js";
import { away, day, direction, percent, signed, slotName, stamp, whole } from "../lib/format.js";
import { maybe } from "../lib/http.js";
import { address } from "../lib/route.js";
import { SCANNERS } from "../lib/types.js";
import { t } from "../lib/words.js";
import { gradeBadge, star } from "./row.js";

const AT_ONCE = 6; // quotes asked for
const GATHERED = 1000; // milliseconds in which events ask for one refresh
const MOST_FOLLOWED = 150; // the server takes 200 topics

/** @type {import("../app.js").PageMaker} */
export function watchPage(app, root) {
  const page = new WatchPage(app, root);
  return { leave: () => page.leave() };
}

class WatchPage {
  /** @param {App} app @param {HTMLElement} root */
  constructor(app, root) {
    this.app = app;
    this.trades = h("section", { class: "panel", "aria-labelledby": "trades-title" });
    this.stocks = h("section", { class: "panel", "aria-labelledby": "watched-title" });
    this.told = h("p", { class: "told", role: "status" });
    this.unread = h("section", { class: "panel", hidden: true });
    this.stop = new AbortController();
    this.asking = new AbortController();
    this.planned = 0;
    this.refreshing = 0;
    this.away = false; // whether the connection was lost since it was last live
    /** @type {string[]} What this page follows. */
    this.topics = [];
    /** Whose price may have changed while nobody told. @type {Set<string>} */
    this.behind = new Set();
    /** @type {Map<string, Stock>} */
    this.quotes = new Map();
    const { signal } = this.stop;
    refill(root, h("h1", { class: "hidden" }, t("watch.title")), this.files(), this.told, this.unread, this.trades, this.stocks);
    app.notebook.addEventListener("change", () => void this.load(), { signal });
    app.board.addEventListener("change", () => this.draw(), { signal });
    app.market.addEventListener("change", () => this.draw(), { signal });
    app.live.addEventListener("state", () => this.hearState(), { signal });
    app.live.addEventListener("message", (event) => this.hear(/** @type {CustomEvent} */ (event).detail), { signal });
    this.hearState();
    app.board.show(null); // whatever session the list of signals was turned to
    void this.load();
  }

  leave() {
    this.stop.abort();
    this.asking.abort();
    cancelAnimationFrame(this.planned);
    clearTimeout(this.refreshing);
    this.app.live.follow([], this.topics);
  }

  get tickers() {
    const { stocks, trades } = this.app.notebook;
    return [...new Set([...stocks, ...trades].map((one) => one.ticker))];
  }

  /** Be told of the prices of what is listed now. */
  follow() {
    const topics = this.tickers.slice(0, MOST_FOLLOWED).map((ticker) => `price:${ticker}`);
    const given = this.topics.filter((topic) => !topics.includes(topic));
    this.topics = topics;
    this.app.live.follow(topics, given);
  }

  /** A connection made anew only for what is followed ("connecting") leaves nothing behind. */
  hearState() {
    const { state } = this.app.live;
    if (state === "waiting" || state === "offline") this.away = true;
    if (state !== "live" || !this.away) return;
    this.away = false;
    this.refresh();
  }

  /** @param {any} said */
  hear(said) {
    if (said.type === "scan_update" || said.type === "signal_update") this.refresh();
    const stock = said.type === "price_update" && this.quotes.get(said.ticker);
    if (!stock) return;
    const { price, change, change_rate, timestamp } = said.data;
    const session = stamp(timestamp).slice(0, 10);
    const moved = { current_price: price, price_change: change, price_change_pct: change_rate, session };
    this.quotes.set(said.ticker, { ...stock, ...moved });
    this.planned ||= requestAnimationFrame(() => this.draw());
  }

  /** Ask for every price anew, once for all events of a moment; what is on show stays until then. */
  refresh() {
    for (const ticker of this.quotes.keys()) this.behind.add(ticker);
    this.refreshing ||= setTimeout(() => {
      this.refreshing = 0;
      void this.load();
    }, GATHERED);
  }

  /** Ask for the prices that aren't known, or behind. */
  async load() {
    this.draw();
    this.follow();
    this.asking.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    const wanted = this.tickers.filter((one) => !this.quotes.has(one) || this.behind.has(one)).reverse();
    const work = async () => {
      for (let ticker = wanted.pop(); ticker && !signal.aborted; ticker = wanted.pop()) {
        try {
          const found = await maybe(`/api/kr/stocks/${ticker}`, { signal });
          if (found) this.quotes.set(ticker, found);
          this.behind.delete(ticker);
        } catch {
          continue; // a dash stands for what isn't known
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (!signal.aborted) this.draw();
  }

  draw() {
    cancelAnimationFrame(this.planned);
    this.planned = 0;
    const { stocks, trades } = this.app.notebook;
    redraw(this.trades, () => drawTrades(this.app, this.trades, trades, this.quotes));
    redraw(this.stocks, () => drawWatched(this.app, this.stocks, stocks, this.quotes));
    redraw(this.unread, () => drawUnread(this.app.notebook, this.unread));
  }

  files() {
    const input = h("input", {
      type: "file",
      accept: "application/json,.json",
      id: "import",
      class: "hidden",
      onchange: () => void this.import(input),
    });
    return h("div", { class: "line page-tools" },
      h("p", { class: "quiet" }, t("watch.kept")),
      h("span", { class: "gap" }),
      h("button", {
        type: "button",
        class: "small",
        onclick: () => download("closebell-notebook.json", this.app.notebook.exported(), "application/json"),
      }, t("watch.export")),
      h("label", { class: "button small", for: "import" }, t("watch.import")),
      input,
    );
  }

  /** @param {HTMLInputElement} input */
  async import(input) {
    const file = input.files?.[0];
    input.value = "";
    if (!file) return;
    try {
      const found = this.app.notebook.import(await file.text());
      const { refusal } = this.app.notebook;
      this.told.textContent = refusal ? t(refusal) : t("watch.imported", found);
      this.told.classList.toggle("wrong", refusal !== null);
    } catch (error) {
      this.told.textContent = t("watch.bad", { why: /** @type {Error} */ (error).message });
      this.told.classList.add("wrong");
    }
  }
}

/** What was kept once and can't be read: to be saved, or given up. @param {Notebook} notebook @param {HTMLElement} panel */
function drawUnread(notebook, panel) {
  const { unread } = notebook;
  panel.hidden = unread === null;
  if (!unread) return refill(panel);
  const save = () => download("closebell-unread.txt", unread.text, "text/plain");
  refill(panel,
    h("p", { class: "wrong" }, t("watch.unread")),
    h("div", { class: "line" },
      h("button", { type: "button", class: "small", onclick: save }, t("watch.unread.save")),
      h("button", { type: "button", class: "small", onclick: () => notebook.forget() }, t("watch.unread.forget")),
    ),
  );
}

/** @param {App} app @param {HTMLElement} panel @param {Trade[]} trades @param {Map<string, Stock>} quotes */
function drawTrades(app, panel, trades, quotes) {
  const title = h("h2", { id: "trades-title" }, t("watch.trades"));
  if (!trades.length) return refill(panel, title, h("p", { class: "empty" }, t("watch.trades.none")));
  const columns = [
    t("col.stock"), t("watch.date"), t("watch.price"), t("watch.shares"), t("stock.price"), t("watch.today"),
    t("watch.result"), t("watch.ownstop"), t("watch.stop"), "",
  ];
  refill(panel,
    title,
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": t("watch.trades") },
      h("table", { class: "grid" },
        head(columns),
        h("tbody", {}, trades.map((trade) => tradeLine(app, trade, quotes.get(trade.ticker)))),
      ),
    ),
    h("p", { class: "quiet" }, t("watch.cost", app.market.costs)),
  );
}

/** @param {App} app @param {Trade} trade @param {Stock | undefined} quote */
function tradeLine(app, trade, quote) {
  const price = quote?.current_price ?? null;
  const result = price === null ? null : (price - trade.price) * trade.shares;
  const toStop = price !== null && trade.stop ? -(away(price, trade.stop) ?? 0) : null;
  const below = toStop !== null && toStop <= 0;
  const today = todaysResult(app, trade, quote);
  return h("tr", {},
    h("td", {},
      link(trade),
      trade.scanner && h("small", { class: "quiet" }, ` ${t(`scanner.${trade.scanner}`)}`),
      reminder(app, trade),
      trade.note && h("small", { class: "quiet note" }, trade.note),
    ),
    h("td", {}, trade.session),
    h("td", {}, whole(trade.price)),
    h("td", {}, whole(trade.shares)),
    priceCell(quote),
    h("td", { class: direction(today) }, signed(today)),
    h("td", { class: direction(result) }, signed(result), " ",
      h("small", {}, percent(away(trade.price, price), 2))),
    h("td", {}, whole(trade.stop)),
    h("td", { class: below ? "wrong" : "" }, below ? t("watch.below") : percent(toStop)),
    h("td", {},
      h("button", { type: "button", class: "small", onclick: () => app.notebook.drop(trade.id) },
        t("watch.sold"))),
  );
}

/** @param {Stock | undefined} quote */
function priceCell(quote) {
  return h("td", {}, whole(quote?.current_price),
    quote?.session && h("small", { class: "quiet", title: quote.session }, ` ${day(quote.session)}`));
}

/** Whether a price is of today, or of the last session while there is none today. @param {App} app @param {Stock | undefined} quote */
function isCurrent(app, quote) {
  const { timetable } = app.market;
  return Boolean(quote?.session && timetable && quote.session >= timetable.session);
}

/** In won: since yesterday's close, or since it was bought. @param {App} app @param {Trade} trade @param {Stock | undefined} quote */
function todaysResult(app, trade, quote) {
  if (!quote || quote.current_price === null || !isCurrent(app, quote)) return null;
  const session = quote.session ?? "";
  if (trade.session > session) return null;
  if (trade.session === session) return (quote.current_price - trade.price) * trade.shares;
  return quote.price_change === null ? null : quote.price_change * trade.shares;
}

/** When a closing bet is to be sold. @param {App} app @param {Trade} trade */
function reminder(app, trade) {
  const exit = app.market.exitOf(trade);
  if (!exit) return null;
  const words = {
    today: () => t("watch.exit.today"),
    later: () => t("watch.exit.on", { session: exit.session ?? "" }),
    over: () => exit.session ? t("watch.exit.over", { session: exit.session }) : t("watch.exit.long"),
  }[exit.when];
  return h("span", { class: `flag exit${exit.when === "later" ? "" : " due"}` }, words());
}

/** @param {App} app @param {HTMLElement} panel @param {Watched[]} stocks @param {Map<string, Stock>} quotes */
function drawWatched(app, panel, stocks, quotes) {
  const title = h("h2", { id: "watched-title" }, t("watch.title"));
  if (!stocks.length) return refill(panel, title, h("p", { class: "empty" }, t("watch.none")));
  const columns = [
    "", t("col.stock"), t("stock.price"), t("watch.today"), t("watch.signal"),
    t("col.entry"), t("col.target"), t("col.stop"), t("watch.stop"),
  ];
  refill(panel,
    title,
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": t("watch.title") },
      h("table", { class: "grid" },
        head(columns),
        h("tbody", {}, stocks.map((stock) => watchedLine(app, stock, quotes.get(stock.ticker)))),
      ),
    ),
  );
}

/** @param {App} app @param {Watched} stock @param {Stock | undefined} quote */
function watchedLine(app, stock, quote) {
  const signals = newestSignals(app, stock.ticker);
  const best = signals[0];
  const price = quote?.current_price ?? null;
  const moved = isCurrent(app, quote) ? quote?.price_change_pct : null;
  const toStop = price !== null && best?.stop_price ? -(away(price, best.stop_price) ?? 0) : null;
  return h("tr", {},
    h("td", {}, star(app, stock.ticker, stock.name)),
    h("td", {}, link({ ticker: stock.ticker, name: quote?.name ?? stock.name })),
    priceCell(quote),
    h("td", { class: direction(moved) }, percent(moved, 2)),
    h("td", {}, signals.map((one) => h("span", { class: "pair" },
      gradeBadge(one.grade), ` ${t(`scanner.${one.signal_type}`)} ${slotName(one.as_of)} `))),
    h("td", {}, whole(best?.entry_price)),
    h("td", {}, whole(best?.target_price)),
    h("td", {}, whole(best?.stop_price)),
    h("td", {}, percent(toStop)),
  );
}

/** @param {App} app @param {string} ticker @returns {Signal[]} */
function newestSignals(app, ticker) {
  const found = SCANNERS.map((name) =>
    app.board.slots[name].signals.find((signal) => signal.ticker === ticker));
  return found.filter((one) => one !== undefined);
}

/** @param {{ticker: string, name: string}} stock */
function link({ ticker, name }) {
  return [
    h("a", { href: address("stock", ticker) }, name),
    h("small", { class: "quiet" }, ` ${ticker}`),
  ];
}

/** @param {string[]} columns */
function head(columns) {
  return h("thead", {}, h("tr", {}, columns.map((text) =>
    text ? h("th", { scope: "col" }, text) : h("td"))));
}
