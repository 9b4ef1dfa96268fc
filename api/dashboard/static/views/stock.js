/** One stock: its chart with the chosen signal on it, the score, and its history. */

/** @import {App} from "../app.js" */
/** @import {Bar, FlowPoint, FollowedSignal, Scanner, Signal, Stock} from "../lib/types.js" */
import { h, redraw, refill } from "../lib/dom.js";
import { direction, percent, signed, slotName, stamp, whole, won } from "../lib/format.js";
import { Problem, ask, get, maybe } from "../lib/http.js";
import { replaceQuery } from "../lib/route.js";
import { SCANNERS } from "../lib/types.js";
import { t, word } from "../lib/words.js";
import { drawHistory } from "./history.js";
import { failure, inWords, skeleton } from "./problem.js";
import { star } from "./row.js";
import { scorePanel } from "./score.js";
import { openTake } from "./take.js";
import { choose } from "./toolbar.js";

const RANGES = [60, 120, 250, 500];
const HISTORY = 60; // signals a page: the last one of each scanner and session

/**
 * @typedef {object} Known
 * @property {Stock} stock
 * @property {Bar[]} bars on today's scale
 * @property {Bar[]} asTraded
 * @property {FlowPoint[]} flow
 * @property {FollowedSignal[]} signals newest first
 * @property {boolean} more whether there are older ones
 */

/** @type {import("../app.js").PageMaker} */
export function stockPage(app, root, ticker, query) {
  const page = new StockPage(app, root, ticker, query);
  void page.load();
  return {
    leave: () => page.leave(),
    press: (key) => {
      if (key === "s") root.querySelector(/** @type {"button"} */ (".stock-head .star"))?.click();
      else if (key === "t") page.take();
      else return false;
      return true;
    },
  };
}

class StockPage {
  /** @param {App} app @param {HTMLElement} root @param {string} ticker @param {URLSearchParams} query */
  constructor(app, root, ticker, query) {
    this.app = app;
    this.root = root;
    this.ticker = ticker;
    this.query = query;
    this.stop = new AbortController();
    /** @type {Known | null} */
    this.known = null;
    /** @type {ReturnType<typeof import("./chart.js").drawStock> | null} */
    this.chart = null;
    this.canvas = h("div", { class: "chart", id: "chart" });
    this.past = h("section", { class: "panel history", "aria-labelledby": "history-title" });
    this.charts = h("div");
    this.drawn = ""; // what the chart shows
    this.pages = 1;
    this.turn = 0;
    /** @type {unknown} Why what is on show couldn't be loaded anew. */
    this.stale = null;
    this.days = RANGES.find((n) => String(n) === query.get("days")) ?? 120;
    this.topic = `price:${ticker}`;
    const { signal } = this.stop;
    app.live.addEventListener("message", (event) => {
      this.hear(/** @type {CustomEvent} */ (event).detail);
    }, { signal });
    app.live.addEventListener("resync", () => void this.load(), { signal });
    app.notebook.addEventListener("change", () => this.drawHead(), { signal });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => void this.drawChart(), { signal });
    if (/^[0-9A-Z]{6}$/.test(ticker)) app.live.follow([this.topic]);
    this.head = h("header", { class: "stock-head" });
    this.side = h("section", { class: "panel score", "aria-label": t("stock.score") });
    this.cost = app.market.costs.cost;
    app.market.addEventListener("change", () => {
      if (this.known && this.cost !== app.market.costs.cost) this.drawScore();
    }, { signal });
    refill(root, skeleton(10, t("page.loading")));
  }

  leave() {
    this.stop.abort();
    this.chart?.close();
    this.app.live.follow([], [this.topic]);
  }

  /** @param {any} said */
  hear(said) {
    if (said.type === "price_update" && said.ticker === this.ticker && this.known) {
      const { price, change, change_rate, volume, timestamp } = said.data;
      Object.assign(this.known.stock, {
        current_price: price,
        price_change: change,
        price_change_pct: change_rate,
        volume,
        updated_at: timestamp,
      });
      this.drawHead();
    }
    const concerned = said.type === "signal_update" || said.type === "scan_update";
    if (concerned) void this.load();
  }

  async load() {
    this.turn += 1;
    const mine = this.turn;
    try {
      const known = await this.ask();
      if (mine !== this.turn) return; // asked again since
      this.stale = null;
      if (known) this.show(known);
      else if (!this.known) refill(this.root, h("p", { class: "empty" }, t("stock.unknown", { ticker: this.ticker })));
    } catch (error) {
      if (this.stop.signal.aborted || mine !== this.turn) return;
      this.stale = error;
      if (this.known) this.drawHead();
      else refill(this.root, failure(error, () => void this.load()));
    }
  }

  /** Everything of this stock; null: it was never seen. @returns {Promise<Known | null>} */
  async ask() {
    const path = `/api/kr/stocks/${encodeURIComponent(this.ticker)}`;
    const asking = { signal: this.stop.signal };
    const chart = `${path}/chart?days=${Math.min(1000, this.days + 200)}`; // the averages' beginning
    const stock = await maybe(path, asking);
    if (!stock) return null;
    const [bars, asTraded, flow, history] = await Promise.all([
      get(chart, asking),
      get(`${chart}&adjusted=false`, asking),
      get(`${path}/flow?days=${Math.min(250, this.days)}`, asking),
      this.askHistory(`${path}/signals?limit=${HISTORY}&slots=newest`, asking),
    ]);
    return { stock, bars: bars.data, asTraded: asTraded.data, flow: flow.data, ...history };
  }

  /** As many pages as are on show, and the signal of the address. @param {string} path @param {RequestInit} asking */
  async askHistory(path, asking) {
    /** @type {FollowedSignal[]} */
    let signals = [];
    /** @type {string | null} */
    let next = path;
    for (let n = 0; n < this.pages && next; n++) {
      /** @type {{data: FollowedSignal[], next: string | null}} */
      const page = await ask(next, asking);
      signals = [...signals, ...page.data];
      next = page.next;
    }
    const [scanner, session, as_of] = ["scanner", "session", "as_of"].map((name) => this.query.get(name));
    if (scanner && session && as_of && !signals.some((one) => isOf(one, scanner, session, as_of))) {
      const query = new URLSearchParams({ ticker: this.ticker, signal_type: scanner, session, as_of });
      const found = await get(`/api/kr/signals?${query}`, asking).catch(noneIfRefused);
      signals = [...signals, ...found.map((/** @type {Signal} */ one) => ({ ...one, outcome: null }))];
      signals.sort((one, other) => newestFirst(one, other));
    }
    return { signals, more: next !== null };
  }

  /** Show what was loaded, as far as it isn't on show already. @param {Known} known */
  show(known) {
    const before = this.known;
    this.known = known;
    if (!before) return this.draw();
    const { stock: _, ...drawn } = known;
    const { stock: __, ...was } = before;
    if (JSON.stringify(drawn) === JSON.stringify(was)) this.drawHead();
    else redraw(this.root, () => this.draw());
  }

  /** The signal on show: the one of the address, else the newest. @returns {FollowedSignal | null} */
  get signal() {
    const signals = this.known?.signals ?? [];
    const scanner = this.query.get("scanner");
    const session = this.query.get("session");
    const as_of = this.query.get("as_of");
    const ofScanner = scanner ? signals.filter((one) => one.signal_type === scanner) : signals;
    const newest = signals.filter((one) => one.session === signals[0].session);
    const first = SCANNERS.map((name) => newest.find((one) => one.signal_type === name)).find(Boolean);
    const ofSession = ofScanner.filter((one) => one.session === session);
    const chosen = ofSession.find((one) => one.as_of === as_of) ?? ofSession[0];
    return chosen ?? (scanner ? ofScanner[0] : undefined) ?? first ?? null;
  }

  draw() {
    const { known } = this;
    if (!known) return;
    this.drawHead();
    if (!this.head.isConnected) this.lay();
    const quiet = !known.flow.some((point) => point.foreign_net_amount !== null);
    refill(this.charts, this.ranges(), this.canvas, quiet && h("p", { class: "quiet" }, t("stock.flow.none")));
    this.drawScore();
    const more = known.more ? () => this.showMore() : null;
    drawHistory(this.past, known.signals, (chosen) => this.choose(chosen), more);
    void this.drawChart();
  }

  /** Everything's place, once. */
  lay() {
    refill(this.root,
      this.head,
      h("div", { class: "stock-page" },
        h("section", { class: "panel charts", "aria-label": t("stock.chart") },
          this.charts,
          h("p", { class: "quiet notice" },
            h("a", { href: "https://www.tradingview.com/", target: "_blank", rel: "noreferrer" },
              t("stock.chart.notice"))),
        ),
        this.side,
        this.past,
      ),
    );
  }

  showMore() {
    this.pages += 1;
    void this.load();
  }

  drawScore() {
    const { signal } = this;
    const { costs } = this.app.market;
    this.cost = costs.cost;
    refill(this.side,
      this.chooser(),
      signal ? scorePanel(signal, costs) : h("p", { class: "empty" }, t("stock.history.none")));
  }

  /** The chart, anew where it was looked at. */
  async drawChart() {
    const { canvas } = this;
    try {
      const { drawStock } = await import("./chart.js");
      const { known, signal, days } = this;
      if (this.stop.signal.aborted || !known) return;
      const range = this.chart?.close() ?? null;
      this.chart = null;
      const drawn = `${days} ${known.bars.length} ${signal?.id}`; // a range counts the bars from the first
      const same = this.drawn === drawn;
      this.drawn = drawn;
      if (!known.bars.length) return refill(canvas, h("p", { class: "empty" }, t("stock.chart.none")));
      this.chart = drawStock(canvas, { ...known, signal, days, range: same ? range : null });
    } catch (error) {
      refill(canvas, h("p", { class: "empty failed" }, t("stock.chart.failed", { why: inWords(error) })));
    }
  }

  drawHead() {
    redraw(this.head, () => this.fillHead());
  }

  fillHead() {
    if (!this.known) return;
    const { stock } = this.known;
    const { name, ticker, market, sector, current_price, price_change, price_change_pct } = stock;
    const moved = direction(price_change);
    document.title = `${name} · closebell`;
    refill(this.head,
      h("div", { class: "who" },
        star(this.app, ticker, name),
        h("h1", {}, name),
        h("span", { class: "quiet" }, [ticker, market, sector].filter(Boolean).join(" · ")),
        stock.flags.map((flag) => h("span", { class: "flag" }, word("flag", flag))),
      ),
      h("div", { class: "price" },
        h("strong", { class: moved }, whole(current_price)),
        h("span", { class: moved }, `${signed(price_change)}  ${percent(price_change_pct, 2)}`),
      ),
      h("dl", { class: "facts" },
        h("dt", {}, t("stock.volume")), h("dd", {}, whole(stock.volume)),
        h("dt", {}, t("col.market_cap")), h("dd", {}, won(stock.market_cap)),
        h("dt", { class: "hidden" }, t("stock.price")),
        h("dd", { class: "quiet" }, t("stock.updated", { at: stamp(stock.updated_at) })),
        this.stale !== null &&
          h("dd", { class: "flag wrong", role: "status" }, t("stock.stale", { why: inWords(this.stale) })),
      ),
      h("button", { type: "button", class: "main", onclick: () => this.take() }, t("action.took")),
    );
  }

  take() {
    if (!this.known) return;
    const { stock } = this.known;
    const { ticker, name, current_price: price } = stock;
    openTake(this.app, { signal: this.signal, ticker, name, price });
  }

  ranges() {
    return h("div", { class: "tabs", role: "group", "aria-label": t("stock.range") },
      RANGES.map((n) =>
        h("button", {
          type: "button",
          "aria-pressed": String(n === this.days),
          onclick: () => {
            this.days = n;
            this.query.set("days", String(n));
            replaceQuery(this.query);
            redraw(this.charts, () => this.draw());
            void this.load();
          },
        }, n),
      ),
    );
  }

  /** The newest signal of each scanner, and the one on show. */
  chooser() {
    const { known, signal } = this;
    if (!known || known.signals.length < 2 || !signal) return null;
    const newest = SCANNERS.map((name) => known.signals.find((one) => one.signal_type === name));
    const listed = newest.filter((one) => one !== undefined);
    if (!listed.includes(signal)) listed.push(signal);
    return choose(t("stock.shown"), String(signal.id),
      listed.map((one) => [
        String(one.id),
        `${t(`scanner.${one.signal_type}`)} ${one.grade} · ${one.session} ${slotName(one.as_of)}`,
      ]),
      (id) => this.choose(listed.find((one) => String(one.id) === id) ?? signal));
  }

  /** @param {{signal_type: Scanner, session: string, as_of: string}} signal */
  choose(signal) {
    this.query.set("scanner", signal.signal_type);
    this.query.set("session", signal.session);
    this.query.set("as_of", signal.as_of);
    replaceQuery(this.query);
    redraw(this.root, () => this.draw());
  }
}

/** An address may ask for anything. @param {unknown} error @returns {Signal[]} */
function noneIfRefused(error) {
  if (error instanceof Problem && [404, 422].includes(error.status)) return [];
  throw error;
}

/** @param {Signal} one @param {string} scanner @param {string} session @param {string} as_of */
function isOf(one, scanner, session, as_of) {
  return one.signal_type === scanner && one.session === session && one.as_of === as_of;
}

/** @param {Signal} one @param {Signal} other */
function newestFirst(one, other) {
  const [a, b] = [one, other].map(({ session, as_of }) => `${session} ${as_of}`);
  return a < b ? 1 : a > b ? -1 : 0;
}
