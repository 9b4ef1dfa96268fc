/** "I took this": price, shares and the user's own stop, noted in this browser. */

/** @import {App} from "../app.js" */
/** @import {Signal, Trade} from "../lib/types.js" */
import { h } from "../lib/dom.js";
import { t } from "../lib/words.js";
import { newId } from "../model/notebook.js";
import { openDialog } from "./dialog.js";

/**
 * @param {App} app
 * @param {{signal?: Signal | null, ticker?: string, name?: string, price?: number | null}} about
 */
export function openTake(app, about) {
  const { signal = null } = about;
  const ticker = signal?.ticker ?? about.ticker ?? "";
  const name = signal?.name ?? about.name ?? ticker;
  const session = signal?.session ?? app.market.timetable?.session ?? "";
  const price = field("price", t("watch.price"), signal?.entry_price ?? about.price ?? "");
  const shares = field("shares", t("watch.shares"), "");
  const stop = field("stop", t("watch.ownstop"), signal?.stop_price ?? "", false);
  const day = h("input", { type: "date", name: "session", value: session, required: true });
  const note = h("input", { name: "note", maxlength: "200", autocomplete: "off" });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const dialog = openDialog(
    `${t("action.took")}: ${name}`,
    h("form", { class: "take", novalidate: true, onsubmit: save },
      price.label,
      shares.label,
      stop.label,
      h("label", {}, h("span", {}, t("watch.date")), day),
      h("label", {}, h("span", {}, t("watch.note")), note),
      wrong,
      h("p", { class: "quiet" }, t("watch.kept")),
      h("div", { class: "line end" },
        h("button", { type: "button", onclick: () => dialog.close() }, t("action.cancel")),
        h("button", { class: "main" }, t("action.save")),
      ),
    ),
  );
  shares.input.focus();

  /** @param {Event} event */
  function save(event) {
    event.preventDefault();
    const paid = whole(price.input.value);
    const many = whole(shares.input.value);
    const own = stop.input.value.trim() === "" ? null : whole(stop.input.value);
    if (paid === null) return refuse(price.input, t("watch.invalid.price"));
    if (many === null) return refuse(shares.input, t("watch.invalid.shares"));
    if (stop.input.value.trim() !== "" && (own === null || own >= paid)) {
      return refuse(stop.input, t("watch.invalid.stop"));
    }
    if (!day.value) return refuse(day, t("watch.date"));
    const overnight = signal?.signal_type === "closing_bet";
    /** @type {Trade} */
    const trade = {
      id: newId(),
      ticker,
      name,
      scanner: signal?.signal_type ?? null,
      session: day.value,
      price: paid,
      shares: many,
      stop: own,
      exit: overnight ? app.market.after(day.value) : null,
      note: note.value.trim(),
    };
    const refusal = app.notebook.take(trade);
    if (refusal) wrong.textContent = t(refusal);
    else dialog.close();
  }

  /** @param {HTMLInputElement} input @param {string} words */
  function refuse(input, words) {
    wrong.textContent = words;
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }
}

/** @param {string} name @param {string} text @param {string | number} value @param {boolean} [required] */
function field(name, text, value, required = true) {
  const input = h("input", { name, inputmode: "numeric", autocomplete: "off", value, required });
  return { input, label: h("label", {}, h("span", {}, text), input) };
}

/** A whole number above 0, thousands apart or not. @param {string} text */
function whole(text) {
  const plain = text.replace(/[,\s]/g, "");
  const value = Number(plain);
  return /^\d+$/.test(plain) && Number.isSafeInteger(value) && value > 0 ? value : null;
}
