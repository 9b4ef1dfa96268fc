/** The page of somebody without a key. */

/** @import {Page} from "../app.js" */
import { h, prose } from "../lib/dom.js";
import { Problem, logIn } from "../lib/http.js";
import { t } from "../lib/words.js";

/**
 * @param {HTMLElement} root
 * @param {() => void} opened
 * @returns {Page}
 */
export function loginPage(root, opened) {
  const input = h("input", {
    type: "password",
    id: "key",
    autocomplete: "current-password",
    required: true,
    maxlength: "200",
    "aria-describedby": "key-error",
  });
  const wrong = h("p", { id: "key-error", class: "wrong", role: "alert" });
  const form = h("form", {
    class: "login panel",
    onsubmit: async (/** @type {Event} */ event) => {
      event.preventDefault();
      wrong.textContent = "";
      try {
        await logIn(input.value.trim());
        opened();
      } catch (error) {
        wrong.textContent = words(error);
        input.select();
      }
    },
  },
    h("h1", {}, t("login.title")),
    h("p", {}, prose(t("login.text"))),
    h("label", { for: "key" }, t("login.key")),
    h("div", { class: "line" }, input, h("button", { class: "main" }, t("login.submit"))),
    wrong,
  );
  root.append(form);
  input.focus();
  return {};
}

/** @param {unknown} error */
function words(error) {
  if (!(error instanceof Problem)) throw error;
  if (error.status === 401) return t("login.wrong");
  if (error.status === 403) return t("login.scope");
  if (error.status === 429) return t("login.many", { n: error.retryAfter ?? 60 });
  return error.status === 0 ? t("login.failed") : error.message;
}
