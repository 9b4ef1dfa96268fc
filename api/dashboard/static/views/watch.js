/** The watch list and what was taken, with today's prices. */

/** @import {App} from "../app.js" */
/** @import {Signal, Stock, Trade, Watched} from "../lib/types.js" */
import { download, h, refill } from "../lib/dom.js";
import { away, direction, percent, signed, slotName, whole } from "../lib/format.js";
import { maybe } from "../lib/http.js";
import { address } from "../lib/route.js";
import { SCANNERS } from "../lib/types.js";
import { t } from "../lib/words.js";
import { gradeBadge, star } from "./row.js";

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
    this.stop = new AbortController();
    /** @type {Map<string, Stock>} */
    this.quotes = new Map();
    const { signal } = this.stop;
    refill(root, h("h1", { class: "hidden" }, t("watch.title")), this.files(), this.told, this.trades, this.stocks);
    app.notebook.addEventListener("change", () => void this.load(), { signal });
    app.board.addEventListener("change", () => this.draw(), { signal });
    app.market.addEventListener("change", () => this.draw(), { signal });
    app.live.addEventListener("message", (event) => this.hear(/** @type {CustomEvent} */ (event).detail), { signal });
    void this.load();
  }

  leave() {
    this.stop.abort();
    this.app.live.unsubscribe(this.topics);
  }

  get tickers() {
    const { stocks, trades } = this.app.notebook;
    return [...new Set([...stocks, ...trades].map((one) => one.ticker))];
  }

  get topics() {
    return this.tickers.slice(0, 150).map((ticker) => `price:${ticker}`);
  }

  /** @param {any} said */
  hear(said) {
    const stock = said.type === "price_update" && this.quotes.get(said.ticker);
    if (!stock) return;
    const { price, change, change_rate } = said.data;
    const moved = { current_price: price, price_change: change, price_change_pct: change_rate };
    this.quotes.set(said.ticker, { ...stock, ...moved });
    this.draw();
  }

  async load() {
    this.draw();
    this.app.live.subscribe(this.topics);
    const missing = this.tickers.filter((ticker) => !this.quotes.has(ticker));
    await Promise.all(missing.map(async (ticker) => {
      try {
        const found = await maybe(`/api/kr/stocks/${ticker}`, { signal: this.stop.signal });
        if (found) this.quotes.set(ticker, found);
      } catch {
        return; // a dash stands for what isn't known
      }
    }));
    if (!this.stop.signal.aborted) this.draw();
  }

  draw() {
    const { stocks, trades } = this.app.notebook;
    drawTrades(this.app, this.trades, trades, this.quotes);
    drawWatched(this.app, this.stocks, stocks, this.quotes);
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
      this.told.textContent = t("watch.imported", this.app.notebook.import(await file.text()));
      this.told.classList.remove("wrong");
    } catch (error) {
      this.told.textContent = t("watch.bad", { why: /** @type {Error} */ (error).message });
      this.told.classList.add("wrong");
    }
  }
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
  const today = quote?.price_change === null || !quote ? null : quote.price_change * trade.shares;
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
    h("td", {}, whole(price)),
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

/** When a closing bet is to be sold. @param {App} app @param {Trade} trade */
function reminder(app, trade) {
  if (trade.scanner !== "closing_bet") return null;
  const exit = trade.exit ?? app.market.after(trade.session);
  const { timetable } = app.market;
  if (!exit || !timetable) return null;
  const today = timetable.now.slice(0, 10);
  const due = exit === today;
  const words = due ? t("watch.exit.today")
    : exit > today ? t("watch.exit.on", { session: exit }) : t("watch.exit.over", { session: exit });
  return h("span", { class: `flag exit${due || exit < today ? " due" : ""}` }, words);
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
  const toStop = price !== null && best?.stop_price ? -(away(price, best.stop_price) ?? 0) : null;
  return h("tr", {},
    h("td", {}, star(app, stock.ticker, stock.name)),
    h("td", {}, link({ ticker: stock.ticker, name: quote?.name ?? stock.name })),
    h("td", {}, whole(price)),
    h("td", { class: direction(quote?.price_change) }, percent(quote?.price_change_pct, 2)),
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
