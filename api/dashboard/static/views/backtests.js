/** The stored backtests, and the equity curve of the chosen one. */

import { h, prose, refill } from "../lib/dom.js";
import { direction, number, percent, whole } from "../lib/format.js";
import { get } from "../lib/http.js";
import { address } from "../lib/route.js";
import { t, word } from "../lib/words.js";
import { fact } from "../words/facts.js";
import { failure, inWords, skeleton } from "./problem.js";

/**
 * @typedef {object} Run
 * @property {number} id
 * @property {string} scanner
 * @property {string} first
 * @property {string} last
 * @property {number} capital
 * @property {Record<string, any>} changes
 * @property {Record<string, number | null>} figures
 * @property {{survivorship: {verdict: string, words: string}, trials: number, costs: string, conditions: string[], notes: string[]}} facts
 *
 * @typedef {Run & {equity: import("./equity.js").EquityPoint[]}} Whole
 */

export class Backtests {
  /** @param {HTMLElement} panel @param {number | null} chosen @param {AbortSignal} signal */
  constructor(panel, chosen, signal) {
    this.panel = panel;
    this.chosen = chosen;
    this.signal = signal;
    this.title = h("h2", { id: "backtests-title" }, t("perf.backtests"));
    this.curve = h("div", { class: "equity" });
    /** @type {{close: () => void} | null} */
    this.chart = null;
    refill(panel, this.title, skeleton(4, t("page.loading")));
  }

  close() {
    this.chart?.close();
    this.chart = null;
  }

  async load() {
    try {
      /** @type {Run[]} */
      const runs = await get("/api/kr/backtests?limit=50", { signal: this.signal });
      if (!runs.length) {
        const none = h("p", { class: "empty" }, prose(t("perf.backtests.none")));
        return refill(this.panel, this.title, none);
      }
      const chosen = runs.find((run) => run.id === this.chosen) ?? runs[0];
      refill(this.panel, this.title, this.table(runs, chosen), this.curve);
      await this.show(chosen.id);
    } catch (error) {
      if (!this.signal.aborted) {
        refill(this.panel, this.title, failure(error, () => void this.load()));
      }
    }
  }

  /** @param {number} id */
  async show(id) {
    refill(this.curve, skeleton(6, t("page.loading")));
    /** @type {Whole} */
    const run = await get(`/api/kr/backtests/${id}`, { signal: this.signal });
    const chart = h("div", { class: "chart small" });
    refill(this.curve,
      h("h3", {}, `${t("perf.equity")}: ${word("scanner", run.scanner)}, ${run.first} – ${run.last}`),
      chart,
      h("p", { class: "quiet notice" },
        h("a", { href: "https://www.tradingview.com/", target: "_blank", rel: "noreferrer" },
          t("stock.chart.notice"))),
      h("ul", { class: "reasons" },
        [run.facts.survivorship.words, run.facts.costs, ...run.facts.conditions, ...run.facts.notes]
          .map((words) => h("li", {}, fact(words)))),
    );
    if (!run.equity.length) return refill(chart, h("p", { class: "empty" }, t("perf.equity.none")));
    this.close();
    try {
      const { drawEquity } = await import("./equity.js");
      if (!this.signal.aborted) this.chart = drawEquity(chart, run.equity, run.capital);
    } catch (error) {
      refill(chart, h("p", { class: "empty failed" }, t("stock.chart.failed", { why: inWords(error) })));
    }
  }

  /** @param {Run[]} runs @param {Run} chosen */
  table(runs, chosen) {
    const columns = [
      t("perf.scanner"), t("perf.range"), t("perf.return"), "CAGR", t("perf.drawdown"), "Sharpe",
      t("perf.hit"), t("perf.factor"), t("perf.trades"), "KOSPI", t("perf.universe"), t("perf.trials"),
    ];
    return h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": t("perf.backtests") },
      h("table", { class: "grid" },
        h("thead", {}, h("tr", {}, columns.map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", {}, runs.map((run) => line(run, run === chosen))),
      ),
    );
  }
}

/** @param {Run} run @param {boolean} chosen */
function line({ id, scanner, first, last, figures, changes, facts }, chosen) {
  const sign = (/** @type {string} */ name, decimals = 1) =>
    h("td", { class: direction(figures[name]) }, percent(figures[name], decimals));
  const altered = Object.entries(changes).map(([name, value]) => `${name}=${value}`).join(", ");
  return h("tr", { class: chosen ? "chosen" : "", "aria-current": chosen && "true" },
    h("td", {}, h("a", { href: address("performance", String(id)) }, word("scanner", scanner)),
      altered && h("small", { class: "quiet note" }, altered)),
    h("td", {}, `${first} – ${last}`),
    sign("total_return_pct"),
    sign("cagr_pct"),
    sign("max_drawdown_pct"),
    h("td", {}, number(figures.sharpe, 2)),
    h("td", {}, percent(figures.hit_rate_pct).replace("+", "")),
    h("td", {}, number(figures.profit_factor, 2)),
    h("td", {}, whole(figures.trades)),
    sign("kospi_return_pct"),
    sign("universe_return_pct"),
    h("td", {}, whole(facts.trials)),
  );
}
