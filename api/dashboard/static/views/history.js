/** A stock's past signals and what became of them. */

/** @import {FollowedSignal, Outcome} from "../lib/types.js" */
import { h, refill } from "../lib/dom.js";
import { direction, percent, score, slotName, whole } from "../lib/format.js";
import { t, word } from "../lib/words.js";
import { changeMark, gradeBadge } from "./row.js";

/**
 * @param {HTMLElement} panel
 * @param {FollowedSignal[]} signals newest first
 * @param {(signal: FollowedSignal) => void} choose
 * @param {(() => void) | null} more shows older ones; null: there are none
 */
export function drawHistory(panel, signals, choose, more) {
  const title = h("h2", { id: "history-title" }, t("stock.history"));
  if (!signals.length) return refill(panel, title, h("p", { class: "empty" }, t("stock.history.none")));
  const columns = [
    t("hist.session"), t("hist.scanner"), t("col.grade"), t("col.score"), t("col.change"),
    t("col.entry"), t("col.target"), t("col.stop"), t("hist.result"), t("hist.return"),
    t("hist.after", { n: 1 }), t("hist.after", { n: 5 }), t("hist.after", { n: 20 }),
  ];
  refill(panel, title,
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": t("stock.history") },
      h("table", { class: "grid" },
        h("thead", {}, h("tr", {}, columns.map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", {}, signals.map((one) => line(one, choose))),
      ),
    ),
    more && h("button", { type: "button", class: "small", onclick: more }, t("hist.more")),
  );
}

/** @param {FollowedSignal} one @param {(signal: FollowedSignal) => void} choose */
function line(one, choose) {
  const { outcome } = one;
  const moved = (/** @type {number | null | undefined} */ value) =>
    h("td", { class: direction(value) }, percent(value));
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
    h("td", { title: sold(outcome) }, word("status", outcome?.status ?? one.status)),
    moved(outcome?.net_return_pct ?? outcome?.open_return_pct),
    moved(outcome?.return_1_pct),
    moved(outcome?.return_5_pct),
    moved(outcome?.return_20_pct),
  );
}

/** When and at what price it was bought and sold. @param {Outcome | null} outcome */
function sold(outcome) {
  if (!outcome?.filled_session) return "";
  const bought = `${outcome.filled_session} ${whole(outcome.filled_price)}`;
  return outcome.closed_session
    ? `${bought} → ${outcome.closed_session} ${whole(outcome.closed_price)}`
    : bought;
}
