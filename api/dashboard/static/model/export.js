/** The signals on show as CSV, in the words of the API. */

/** @import {Signal} from "../lib/types.js" */
import { csv } from "../lib/csv.js";

const COLUMNS = /** @type {const} */ ([
  "ticker", "name", "market", "signal_type", "session", "as_of", "preliminary", "grade", "score",
  "out_of", "change", "entry_price", "target_price", "stop_price", "status", "value20",
  "market_cap", "flags", "reasons",
]);

/** @typedef {Omit<Signal, "change"> & {change: Signal["change"] | "gone"}} Listed */

/** @param {Listed[]} signals */
export function signalsAsCsv(signals) {
  return csv([...COLUMNS], signals.map((signal) => COLUMNS.map((name) => plain(signal[name]))));
}

/** @param {unknown} value @returns {string | number | null} */
function plain(value) {
  if (Array.isArray(value)) return value.join("; ");
  if (typeof value === "boolean") return String(value);
  return /** @type {string | number | null} */ (value);
}
