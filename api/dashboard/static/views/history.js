/** A stock's past signals and what became of them. */

/** @import {Scanner, Signal} from "../lib/types.js" */
/** @import {Known} from "./stock.js" */
import { h, refill } from "../lib/dom.js";
import { direction, percent, score, slotName, whole } from "../lib/format.js";
import { maybe } from "../lib/http.js";
import { t, word } from "../lib/words.js";
import { changeMark, gradeBadge } from "./row.js";

/**
 * @param {HTMLElement} panel
 * @param {Known} known
 * @param {(signal: {signal_type: Scanner, session: string}) => void} choose
 * @param {AbortSignal} stop
 */
export async function drawHistory(panel, known, choose, stop) {
  show(panel, known.signals, new Map(), choose);
  const outcomes = await outcomesOf(known.stock.ticker, stop);
  if (outcomes.size && !stop.aborted) show(panel, known.signals, outcomes, choose);
}

/**
 * Outcomes by scanner, session and slot; none where the server doesn't know any.
 * @param {string} ticker
 * @param {AbortSignal} signal
 * @returns {Promise<Map<string, any>>}
 */
async function outcomesOf(ticker, signal) {
  try {
    const found = (await maybe(`/api/kr/stocks/${ticker}/signals`, { signal })) ?? [];
    return new Map(found.map((/** @type {any} */ one) => [keyOf(one), one.outcome ?? one]));
  } catch {
    return new Map(); // the signals themselves are here all the same
  }
}

/** @param {{signal_type: string, session: string, as_of: string}} one */
function keyOf(one) {
  return `${one.signal_type} ${one.session} ${one.as_of}`;
}

/**
 * @param {HTMLElement} panel
 * @param {Signal[]} signals
 * @param {Map<string, any>} outcomes
 * @param {(signal: Signal) => void} choose
 */
function show(panel, signals, outcomes, choose) {
  const title = h("h2", { id: "history-title" }, t("stock.history"));
  if (!signals.length) return refill(panel, title, h("p", { class: "empty" }, t("stock.history.none")));
  const columns = [
    t("hist.session"), t("hist.scanner"), t("col.grade"), t("col.score"), t("col.change"),
    t("col.entry"), t("col.target"), t("col.stop"), t("hist.result"), t("hist.return"),
  ];
  refill(panel, title,
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": t("stock.history") },
      h("table", { class: "grid" },
        h("thead", {}, h("tr", {}, columns.map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", {}, signals.map((one) => line(one, outcomes.get(keyOf(one)), choose))),
      ),
    ),
  );
}

/** @param {Signal} one @param {any} outcome @param {(signal: Signal) => void} choose */
function line(one, outcome, choose) {
  const result = returned(outcome);
  return h("tr", {},
    h("td", {},
      h("button", { type: "button", class: "plain", onclick: () => choose(one) }, one.session),
      h("small", { class: "quiet" }, ` ${slotName(one.as_of)}`)),
    h("td", {}, t(`scanner.${one.signal_type}`)),
    h("td", {}, gradeBadge(one.grade)),
    h("td", {}, `${score(one.score)} / ${score(one.out_of)}`),
    h("td", {}, changeMark(one.change)),
    h("td", {}, whole(one.entry_price)),
    h("td", {}, whole(one.target_price)),
    h("td", {}, whole(one.stop_price)),
    h("td", {}, word("status", outcome?.status ?? outcome?.state ?? one.status)),
    h("td", { class: direction(result) }, percent(result)),
  );
}

/** The return in percent, by whichever name it is told. @param {any} outcome @returns {number | null} */
function returned(outcome) {
  const value = outcome?.return_pct ?? outcome?.net_return_pct ?? outcome?.net_pct ?? null;
  return typeof value === "number" ? value : null;
}
