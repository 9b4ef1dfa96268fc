/** The keyboard: one place that hears keys, and the list of what they do. */

/** @import {App} from "../app.js" */
/** @import {Key} from "../lib/words.js" */
import { h } from "../lib/dom.js";
import { address } from "../lib/route.js";
import { t } from "../lib/words.js";
import { openDialog } from "./dialog.js";

/** @type {[string[], Key][]} */
const KEYS = [
  [["/"], "keys.search"],
  [["J", "K"], "keys.move"],
  [["Enter"], "keys.open"],
  [["S"], "keys.star"],
  [["T"], "keys.took"],
  [["1", "2", "3", "4"], "keys.scanner"],
  [["E"], "keys.export"],
  [["G S", "G W", "G P", "G C"], "keys.pages"],
  [["?"], "keys.help"],
  [["Esc"], "keys.escape"],
];
/** @type {Record<string, string>} */
const PAGES = { s: "signals", w: "watch", p: "performance", c: "scans" };
const TOGETHER = 1000; // milliseconds between G and what follows

/**
 * @param {App} app
 * @param {(key: string) => boolean} press what the page does with a key
 * @param {() => void} back
 */
export function listenToKeys(app, press, back) {
  let wentAt = -Infinity;
  addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]") || isTyping(target)) return;
    const key = letterOf(event);
    if (event.timeStamp - wentAt < TOGETHER && PAGES[key]) {
      location.hash = address(PAGES[key]);
      wentAt = -Infinity;
    } else if (key === "g") {
      wentAt = event.timeStamp;
      return;
    } else if (key === "/") {
      app.frame.search.input.focus();
    } else if (key === "?") {
      openKeys();
    } else if (!press(key)) {
      if (key === "Escape") back();
      return;
    }
    event.preventDefault();
  });
}

export function openKeys() {
  openDialog(
    t("action.keys"),
    h("dl", { class: "keys" },
      KEYS.map(([keys, meaning]) => [
        h("dt", {}, keys.map((key) => h("kbd", {}, key))),
        h("dd", {}, t(meaning)),
      ]).flat(),
    ),
  );
}

/** The letter on the key, also while Korean is being typed. @param {KeyboardEvent} event */
function letterOf(event) {
  const letter = /^Key([A-Z])$/.exec(event.code)?.[1];
  return letter ? letter.toLowerCase() : event.key;
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return (
    target instanceof HTMLSelectElement ||
    target instanceof HTMLTextAreaElement ||
    (target instanceof HTMLInputElement && !["radio", "checkbox", "range"].includes(target.type))
  );
}
