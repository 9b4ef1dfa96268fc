/** Language, appearance, price colours; the key's end; licences. */

/** @import {App} from "../app.js" */
import { h } from "../lib/dom.js";
import { logOut } from "../lib/http.js";
import { spoken, t } from "../lib/words.js";
import { openDialog } from "./dialog.js";

/**
 * @param {App} app
 * @returns {HTMLDialogElement}
 */
export function openSettings(app) {
  const { chosen } = app.prefs;
  /** @param {string} name @param {import("../model/prefs.js").Chosen} change */
  function set(name, change) {
    app.prefs.set(change); // draws everything anew, in the words chosen
    const dialog = openSettings(app);
    /** @type {HTMLInputElement | null} */ (dialog.querySelector(`[name=${name}]:checked`))?.focus();
  }

  return openDialog(
    t("action.settings"),
    choice(t("settings.language"), "language", spoken(), [["ko", "한국어"], ["en", "English"]],
      (language) => set("language", { language: language === "ko" ? "ko" : "en" })),
    choice(t("settings.theme"), "theme", chosen.theme ?? "system",
      [
        ["system", t("settings.theme.system")],
        ["light", t("settings.theme.light")],
        ["dark", t("settings.theme.dark")],
      ],
      (theme) => set("theme", { theme: theme === "light" || theme === "dark" ? theme : undefined })),
    choice(t("settings.colours"), "colours", chosen.colours ?? "korean",
      [["korean", t("settings.colours.korean")], ["western", t("settings.colours.western")]],
      (colours) => set("colours", { colours: colours === "western" ? "western" : undefined })),
    h("p", { class: "links" },
      h("button", { type: "button", onclick: forget }, t("settings.logout")),
      h("a", { href: "/docs" }, "API"),
    ),
    h("p", { class: "quiet" }, t("settings.licences"), ": ",
      h("a", { href: "https://www.tradingview.com/", rel: "noreferrer", target: "_blank" },
        "TradingView Lightweight Charts™"),
      ", © 2026 TradingView, Inc., ",
      licence("LICENSE", "Apache-2.0"), ", ", licence("NOTICE", "NOTICE"),
    ),
  );
}

async function forget() {
  await logOut();
  location.reload();
}

/** @param {string} file @param {string} text */
function licence(file, text) {
  const address = new URL(`../vendor/lightweight-charts.${file}.txt`, import.meta.url);
  return h("a", { href: address.href, target: "_blank" }, text);
}

/**
 * @param {string} legend
 * @param {string} name
 * @param {string} current
 * @param {[string, string][]} options
 * @param {(value: string) => void} choose
 */
function choice(legend, name, current, options, choose) {
  return h("fieldset", { class: "choice" },
    h("legend", {}, legend),
    options.map(([value, text]) =>
      h("label", {},
        h("input", { type: "radio", name, value, checked: value === current, onchange: () => choose(value) }),
        h("span", {}, text),
      ),
    ),
  );
}
