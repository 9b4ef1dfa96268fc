/** What became of signals: one table a scanner, a line a grade, for a colour of the gate or all. */

import { h, prose } from "../lib/dom.js";
import { direction, number, percent, whole } from "../lib/format.js";
import { GRADES, SCANNERS } from "../lib/types.js";
import { t, word } from "../lib/words.js";
import { fact } from "../words/facts.js";
import { gradeBadge } from "./row.js";
import { choose } from "./toolbar.js";

const GATES = ["all", "GREEN", "YELLOW", "RED"];

/**
 * @typedef {object} After
 * @property {number} sessions
 * @property {number} count
 * @property {number | null} mean_pct
 * @property {number | null} market_pct
 *
 * @typedef {object} Group
 * @property {string} signal_type
 * @property {string} grade
 * @property {string} market_gate
 * @property {number} signals
 * @property {number} filled
 * @property {number} closed
 * @property {number | null} hit_rate_pct
 * @property {number | null} hit_rate_low_pct
 * @property {number | null} hit_rate_high_pct
 * @property {number | null} expectancy_pct
 * @property {number | null} random_expectancy_pct
 * @property {number | null} edge_pct
 * @property {number | null} profit_factor
 * @property {number | null} sessions_held
 * @property {boolean} small_sample
 * @property {After[]} after
 *
 * @typedef {{settled_to: string, survivorship: string, delisted_held: boolean | null, groups: Group[]}} Performance
 */

/** Whether no trade has ended and no session after a signal is over. @param {Performance} found */
export function nothingOver(found) {
  return !found.groups.some((group) => group.closed || group.after.some((after) => after.count));
}

/**
 * Why there is no figure yet, and when there will be.
 * @param {Performance} found
 * @param {string | null} following the session after the one settled to
 */
export function notYet(found, following) {
  const all = found.groups.filter((group) => group.grade === "all" && group.market_gate === "all");
  const n = all.reduce((sum, group) => sum + group.signals, 0);
  return [
    h("p", { class: found.delisted_held === false ? "wrong" : "quiet" },
      fact(found.survivorship), ". ", t("perf.settled", { session: found.settled_to })),
    h("p", { class: "empty" },
      prose(t("perf.notyet", { n: whole(n), settled: found.settled_to })),
      following && ` ${t("perf.notyet.at", { following })}`),
  ];
}

/**
 * @param {Performance} found
 * @param {string} gate
 * @param {(gate: string) => void} chooseGate
 */
export function outcomeTables(found, gate, chooseGate) {
  const kept = GATES.includes(gate) ? gate : "all";
  return [
    h("p", { class: found.delisted_held === false ? "wrong" : "quiet" },
      fact(found.survivorship), ". ", t("perf.settled", { session: found.settled_to })),
    h("div", { class: "line" },
      choose(t("perf.gate"), kept,
        GATES.map((name) => [name, name === "all" ? t("perf.gate.all") : `${t("gate.title")}: ${word("gate", name)}`]),
        chooseGate)),
    SCANNERS.map((name) => table(name, found.groups.filter((group) =>
      group.signal_type === name && group.market_gate === kept))).flat(),
  ];
}

/** @param {string} scanner @param {Group[]} groups */
function table(scanner, groups) {
  const listed = ["all", ...GRADES].flatMap((grade) => groups.filter((group) => group.grade === grade));
  const title = h("h3", {}, word("scanner", scanner));
  if (!listed.length) return [title, h("p", { class: "quiet" }, t("perf.group.none"))];
  const horizons = listed[0].after.map((after) => after.sessions);
  const columns = [
    t("col.grade"), t("perf.signals"), t("perf.filled"), t("perf.closed"), t("perf.hit"),
    t("perf.expectancy"), t("perf.random"), t("perf.edge"), t("perf.factor"), t("perf.held"),
    ...horizons.map((n) => t("perf.after", { n })),
  ];
  return [
    title,
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": word("scanner", scanner) },
      h("table", { class: "grid" },
        h("thead", {}, h("tr", {}, columns.map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", {}, listed.map(line)),
      ),
    ),
  ];
}

/** @param {Group} group */
function line(group) {
  const sign = (/** @type {number | null} */ value) =>
    h("td", { class: direction(value) }, percent(value, 2));
  const { hit_rate_low_pct: low, hit_rate_high_pct: high } = group;
  return h("tr", { class: group.small_sample ? "quiet" : "" },
    h("td", {}, group.grade === "all" ? t("scanner.all") : gradeBadge(group.grade),
      group.small_sample && h("span", { class: "flag" }, t("perf.small"))),
    h("td", {}, whole(group.signals)),
    h("td", {}, whole(group.filled)),
    h("td", {}, whole(group.closed)),
    h("td", {}, group.hit_rate_pct === null ? "–" : `${number(group.hit_rate_pct)} %`,
      low !== null && h("small", { class: "quiet" }, ` ${number(low, 0)}–${number(high, 0)}`)),
    sign(group.expectancy_pct),
    sign(group.random_expectancy_pct),
    sign(group.edge_pct),
    h("td", {}, number(group.profit_factor, 2)),
    h("td", {}, number(group.sessions_held)),
    group.after.map((after) =>
      h("td", { class: direction(after.mean_pct) }, percent(after.mean_pct, 2),
        h("small", { class: "quiet" }, ` (${percent(after.market_pct, 2)})`))),
  );
}
