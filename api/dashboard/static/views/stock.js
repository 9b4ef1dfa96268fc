/** One stock: its chart with the chosen signal on it, the score, and its history. */

/** @import {App} from "../app.js" */
/** @import {Bar, FlowPoint, FollowedSignal, Scanner, Stock} from "../lib/types.js" */
import { h, refill } from "../lib/dom.js";
import { direction, percent, signed, slotName, stamp, whole, won } from "../lib/format.js";
import { get, maybe } from "../lib/http.js";
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
const HISTORY = 60; // signals

/**
 * @typedef {object} Known
 * @property {Stock} stock
 * @property {Bar[]} bars on today's scale
 * @property {Bar[]} asTraded
 * @property {FlowPoint[]} flow
 * @property {FollowedSignal[]} signals newest first
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
    /** @type {{close: () => void} | null} */
    this.chart = null;
    this.days = RANGES.find((n) => String(n) === query.get("days")) ?? 120;
    this.topic = `price:${ticker}`;
    const { signal } = this.stop;
    app.live.addEventListener("message", (event) => {
      this.hear(/** @type {CustomEvent} */ (event).detail);
    }, { signal });
    app.live.addEventListener("resync", () => void this.load(), { signal });
    app.notebook.addEventListener("change", () => this.drawHead(), { signal });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw(), { signal });
    if (/^[0-9A-Z]{6}$/.test(ticker)) app.live.subscribe([this.topic]);
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
    if (!this.app.notebook.watches(this.ticker)) this.app.live.unsubscribe([this.topic]);
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
    const path = `/api/kr/stocks/${encodeURIComponent(this.ticker)}`;
    const asking = { signal: this.stop.signal };
    const chart = `${path}/chart?days=${Math.min(1000, this.days + 200)}`; // the averages' beginning
    try {
      const stock = await maybe(path, asking);
      if (!stock) {
        refill(this.root, h("p", { class: "empty" }, t("stock.unknown", { ticker: this.ticker })));
        return;
      }
      const [bars, asTraded, flow, signals] = await Promise.all([
        get(chart, asking),
        get(`${chart}&adjusted=false`, asking),
        get(`${path}/flow?days=${Math.min(250, this.days)}`, asking),
        get(`${path}/signals?limit=${HISTORY}`, asking),
      ]);
      this.known = {
        stock,
        bars: bars.data,
        asTraded: asTraded.data,
        flow: flow.data,
        signals,
      };
      this.draw();
    } catch (error) {
      if (this.stop.signal.aborted) return;
      refill(this.root, failure(error, () => void this.load()));
    }
  }

  /** The signal on show: the one of the address, else the newest. @returns {FollowedSignal | null} */
  get signal() {
    const signals = this.known?.signals ?? [];
    const scanner = this.query.get("scanner");
    const session = this.query.get("session");
    const ofScanner = scanner ? signals.filter((one) => one.signal_type === scanner) : signals;
    const newest = signals.filter((one) => one.session === signals[0].session);
    const first = SCANNERS.map((name) => newest.find((one) => one.signal_type === name)).find(Boolean);
    const chosen = ofScanner.find((one) => one.session === session);
    return chosen ?? (scanner ? ofScanner[0] : undefined) ?? first ?? null;
  }

  draw() {
    const { known, signal } = this;
    if (!known) return;
    this.chart?.close();
    this.chart = null;
    const canvas = h("div", { class: "chart", id: "chart" });
    const past = h("section", { class: "panel history", "aria-labelledby": "history-title" });
    this.drawHead();
    refill(this.root,
      this.head,
      h("div", { class: "stock-page" },
        h("section", { class: "panel charts", "aria-label": t("stock.chart") },
          this.ranges(),
          canvas,
          !known.flow.some((point) => point.foreign_net_amount !== null) &&
            h("p", { class: "quiet" }, t("stock.flow.none")),
          h("p", { class: "quiet notice" },
            h("a", { href: "https://www.tradingview.com/", target: "_blank", rel: "noreferrer" },
              t("stock.chart.notice"))),
        ),
        this.side,
        past,
      ),
    );
    this.drawScore();
    drawHistory(past, known.signals, (chosen) => this.choose(chosen));
    void this.drawChart(canvas);
  }

  drawScore() {
    const { signal } = this;
    const { costs } = this.app.market;
    this.cost = costs.cost;
    refill(this.side,
      this.chooser(),
      signal ? scorePanel(signal, costs) : h("p", { class: "empty" }, t("stock.history.none")));
  }

  /** @param {HTMLElement} canvas */
  async drawChart(canvas) {
    const { known, signal, days } = this;
    if (!known) return;
    if (!known.bars.length) return refill(canvas, h("p", { class: "empty" }, t("stock.chart.none")));
    try {
      const { drawStock } = await import("./chart.js");
      if (this.stop.signal.aborted || !canvas.isConnected) return;
      this.chart = drawStock(canvas, { ...known, signal, days });
    } catch (error) {
      refill(canvas, h("p", { class: "empty failed" }, t("stock.chart.failed", { why: inWords(error) })));
    }
  }

  drawHead() {
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

  /** @param {{signal_type: Scanner, session: string}} signal */
  choose(signal) {
    this.query.set("scanner", signal.signal_type);
    this.query.set("session", signal.session);
    replaceQuery(this.query);
    this.draw();
  }
}
