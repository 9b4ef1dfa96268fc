/** Which signals are shown and in what order; all of it stands in the address. */

/** @import {Signal, Scanner, Grade} from "../lib/types.js" */
import { contains } from "../lib/hangul.js";
import { GRADES, SCANNERS } from "../lib/types.js";

export const CHANGES = /** @type {const} */ (["new", "upgraded", "carried", "downgraded"]);
export const SORTS = /** @type {const} */ ([
  "score", "name", "grade", "change", "entry", "risk", "value20", "market_cap",
]);

/**
 * @typedef {typeof SORTS[number]} Sort
 * @typedef {object} View
 * @property {Scanner | null} scanner null: all
 * @property {string[]} grades none: all
 * @property {string[]} changes none: all
 * @property {string | null} market
 * @property {number} min percent of out_of
 * @property {string} text
 * @property {boolean} plain without flags
 * @property {Sort} sort
 * @property {boolean} rising
 * @property {boolean} gone shown too
 * @property {string | null} session
 */

/** @param {URLSearchParams} query @returns {View} */
export function read(query) {
  const among = (/** @type {string} */ name, /** @type {readonly string[]} */ known) =>
    (query.get(name) ?? "").split(",").filter((one) => known.includes(one));
  const min = Number(query.get("min"));
  const session = query.get("session") ?? "";
  return {
    scanner: /** @type {Scanner | undefined} */ (among("scanner", SCANNERS)[0]) ?? null,
    grades: among("grade", GRADES),
    changes: among("change", CHANGES),
    market: among("market", ["KOSPI", "KOSDAQ"])[0] ?? null,
    min: min > 0 && min <= 100 ? Math.round(min) : 0,
    text: (query.get("q") ?? "").slice(0, 50),
    plain: query.has("plain"),
    sort: /** @type {Sort | undefined} */ (among("sort", SORTS)[0]) ?? "score",
    rising: query.get("order") === "up",
    gone: query.has("gone"),
    session: /^\d{4}-\d\d-\d\d$/.test(session) ? session : null,
  };
}

/** Only what differs from the usual. @param {View} view */
export function write(view) {
  const query = new URLSearchParams();
  if (view.scanner) query.set("scanner", view.scanner);
  if (view.grades.length) query.set("grade", view.grades.join(","));
  if (view.changes.length) query.set("change", view.changes.join(","));
  if (view.market) query.set("market", view.market);
  if (view.min) query.set("min", String(view.min));
  if (view.text) query.set("q", view.text);
  if (view.plain) query.set("plain", "1");
  if (view.sort !== "score") query.set("sort", view.sort);
  if (view.rising) query.set("order", "up");
  if (view.gone) query.set("gone", "1");
  if (view.session) query.set("session", view.session);
  return query;
}

/** Whether anything is left out. @param {View} view */
export function isFiltered(view) {
  const { grades, changes, market, min, text, plain } = view;
  return Boolean(grades.length || changes.length || market || min || text || plain);
}

/** @param {View} view @returns {View} */
export function unfiltered(view) {
  return { ...view, grades: [], changes: [], market: null, min: 0, text: "", plain: false };
}

/**
 * The signals that pass, in order. The server's order is that of falling score.
 * @param {Signal[]} signals
 * @param {View} view
 */
export function arrange(signals, view) {
  const shown = signals.filter((signal) => passes(signal, view));
  if (view.sort === "score") return view.rising ? shown.reverse() : shown;
  const value = VALUES[view.sort];
  const sign = view.rising ? 1 : -1;
  return shown.sort((a, b) => compare(value(a), value(b), sign));
}

/** @param {Signal} signal @param {View} view */
function passes(signal, view) {
  if (view.grades.length && !view.grades.includes(signal.grade)) return false;
  if (view.changes.length && !view.changes.includes(signal.change)) return false;
  if (view.market && signal.market !== view.market) return false;
  if (view.min && (signal.score / signal.out_of) * 100 < view.min) return false;
  if (view.plain && signal.flags.length) return false;
  if (!view.text) return true;
  const { ticker, name } = signal;
  return ticker.startsWith(view.text.toUpperCase()) || contains(name ?? "", view.text);
}

/** @type {Record<Exclude<Sort, "score">, (signal: Signal) => number | string | null>} */
const VALUES = {
  name: (signal) => signal.name ?? signal.ticker,
  grade: (signal) => -GRADES.indexOf(signal.grade),
  change: (signal) => -CHANGES.indexOf(signal.change),
  entry: (signal) => signal.entry_price,
  risk: (signal) =>
    signal.entry_price && signal.stop_price ? 1 - signal.stop_price / signal.entry_price : null,
  value20: (signal) => signal.value20,
  market_cap: (signal) => signal.market_cap,
};

/** What is missing comes last, either way. @param {number | string | null} a @param {number | string | null} b @param {number} sign */
function compare(a, b, sign) {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === "string" && typeof b === "string") return -sign * a.localeCompare(b, "ko");
  return sign * (Number(a) - Number(b));
}
