/** What went wrong, in words, with a way to try again. */

import { h } from "../lib/dom.js";
import { Problem } from "../lib/http.js";
import { t } from "../lib/words.js";

/** @param {unknown} error */
export function inWords(error) {
  if (!(error instanceof Problem)) return String(/** @type {Error} */ (error)?.message ?? error);
  if (error.status === 0) return t("error.network");
  if (error.status === 404) return t("error.not_found");
  if (error.status === 503) return t("error.unavailable");
  return error.message;
}

/**
 * @param {unknown} error
 * @param {() => void} [again]
 */
export function failure(error, again) {
  const id = error instanceof Problem ? error.requestId : null;
  return h("div", { class: "empty failed", role: "alert" },
    h("strong", {}, t("error.title")),
    h("p", {}, inWords(error)),
    id && h("p", { class: "quiet" }, t("error.request", { id })),
    again && h("button", { type: "button", onclick: again }, t("list.retry")),
  );
}

/** Grey shapes where something is being loaded. @param {number} lines @param {string} label */
export function skeleton(lines, label) {
  return h("div", { class: "skeleton", role: "status", "aria-label": label },
    Array.from({ length: lines }, () => h("i")),
  );
}
