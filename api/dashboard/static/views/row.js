/** One signal as a line of the list; on a phone as a small card. */

/** @import {App} from "../app.js" */
/** @import {Signal} from "../lib/types.js" */
import { bar, h } from "../lib/dom.js";
import { away, percent, score, whole, won } from "../lib/format.js";
import { address } from "../lib/route.js";
import { t, word } from "../lib/words.js";

/**
 * @param {App} app
 * @param {Signal} signal
 * @param {{gone: boolean, fresh: boolean}} how
 */
export function signalRow(app, signal, how) {
  const { ticker, market, entry_price: entry, target_price: target, stop_price: stop } = signal;
  const name = signal.name ?? ticker;
  const { signal_type: scanner, session, as_of } = signal;
  const query = new URLSearchParams({ scanner, session, as_of });
  return h("div", {
    role: "row",
    class: `row${how.gone ? " gone" : ""}${how.fresh ? " fresh" : ""}`,
    "data-ticker": ticker,
  },
    h("div", { role: "cell", class: "star" }, star(app, ticker, name)),
    h("div", { role: "cell", class: "stock" },
      h("a", { href: address("stock", ticker, query), title: name }, name),
      h("span", { class: "quiet" }, market ? `${ticker} · ${market}` : ticker),
    ),
    h("div", { role: "cell", class: "grade" }, gradeBadge(signal.grade)),
    h("div", { role: "cell", class: "score" }, scoreBar(signal)),
    h("div", { role: "cell", class: "change" }, changeMark(how.gone ? "gone" : signal.change)),
    level("entry", entry, null),
    level("target", target, away(entry, target)),
    level("stop", stop, away(entry, stop)),
    h("div", { role: "cell", class: "number value20", "data-label": t("col.value20") }, h("span", {}, won(signal.value20))),
    h("div", { role: "cell", class: "number cap", "data-label": t("col.market_cap") }, h("span", {}, won(signal.market_cap))),
    h("div", { role: "cell", class: "notes" }, notes(signal)),
  );
}

/** @param {App} app @param {string} ticker @param {string} name */
export function star(app, ticker, name) {
  const watched = app.notebook.watches(ticker);
  return h("button", {
    type: "button",
    class: "star",
    "aria-pressed": String(watched),
    "aria-label": t(watched ? "action.unwatch" : "action.watch", { name }),
    onclick: () => app.notebook.toggle({ ticker, name }),
  }, watched ? "★" : "☆");
}

/** @param {string} grade */
export function gradeBadge(grade) {
  return h("span", { class: `badge grade-${grade}` }, grade);
}

/** @param {string} change */
export function changeMark(change) {
  return h("span", { class: `mark change-${change}` }, word("change", change));
}

/** @param {Signal} signal */
export function scoreBar(signal) {
  const said = `${score(signal.score)} / ${score(signal.out_of)}`;
  return [
    bar(signal.score / signal.out_of, `${t("col.score")} ${said}`, `grade-${signal.grade}`),
    h("span", { class: "said" }, score(signal.score), h("small", {}, ` / ${score(signal.out_of)}`)),
  ];
}

/** @param {string} name @param {number | null} price @param {number | null} distance */
function level(name, price, distance) {
  return h("div", { role: "cell", class: `number ${name}`, "data-label": word("col", name) },
    h("span", {}, whole(price)),
    distance !== null && h("small", { class: "quiet" }, percent(distance)),
  );
}

/** @param {Signal} signal */
function notes(signal) {
  const found = signal.flags.map((flag) => h("span", { class: "flag" }, word("flag", flag)));
  if (signal.status !== "open") {
    const title = signal.status === "watch" ? t("status.title.watch") : "";
    found.unshift(h("span", { class: `flag status-${signal.status}`, title }, word("status", signal.status)));
  }
  return found;
}
